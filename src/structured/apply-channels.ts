import * as tf from '@tensorflow/tfjs';
import { customFromBytes } from '../core/custom-from-mask';
import { maskOf } from '../core/mask';
import { peek } from '../core/memory';
import { slotsOf } from '../core/parameter';
import { originalValues, stateOf } from '../core/reparametrisation';
import { PruneError } from '../errors';
import { gather } from '../masks/gather';
import { type Layout, rowMajor, taken } from '../masks/layout';
import { type Built, checkSame, copyWeight, installCopy, isBuilt, unchanged } from '../topology/copy-weights';
import { type Draft, draftOf } from '../topology/draft';
import type { LayerConfig } from '../topology/model-config';
import { rebuild } from '../topology/rebuild';
import { biasOption, shiftBiases, shiftsIn } from './constants/apply-shifts';
import { checkWeights } from './constants/fingerprint';
import { dependencyGraph } from './dependency-graph';
import { type ChannelGraph, type ChannelGroup, countKept, type WeightAxis } from './graph';
import type { ChannelPlan } from './plan';
import { checkTopology } from './plan-check';
import type { Unsealed } from './plan-digest';

/**
 * Removes channels as a plan says.
 *
 * @param model The model that the plan is for; it stays as it is.
 * @param plan The plan, its form checked.
 * @returns A new model, which shares no weight with the old one; the caller disposes both. Masks of what is left are
 * carried over.
 * @throws {@link PruneError} `argument` for a plan of another model and for one that leaves a group without channels;
 * `state` for a model that is not built or disposed, or whose weights are others than those that biases were computed
 * from; `unsupported` where tfjs cannot build the model.
 */
export function applyChannelPlan(
  model: tf.LayersModel,
  plan: Unsealed<ChannelPlan>,
): { model: tf.LayersModel } {
  const draft = draftOf(model, 'applyPlan');
  const graph = dependencyGraph(model);
  const isRemoved = removedBy(graph, plan);
  const layers = layersIn(draft);
  const shifts = shiftsIn(plan, graph);
  checkWeights(model, plan);
  for (const path of shifts.keys()) setOption(configAt(layers, path), biasOption(path, graph), true);
  for (const { layer, option, channels } of graph.options) {
    const kept = countKept(channels, isRemoved);
    if (kept < channels.length) setOption(configAt(layers, layer), option, kept);
  }
  const axes = new Map<string, WeightAxis[]>();
  for (const each of graph.weights) {
    if (countKept(each.channels, isRemoved) < each.channels.length) configAt(layers, each.layer);
    const key = `${each.layer}:${each.weight}`;
    axes.set(key, [...(axes.get(key) ?? []), each]);
  }
  const made = rebuild(draft, (original, target, path) => {
    const targets = slotsOf(target);
    slotsOf(original).forEach((source, i) => {
      if (isBuilt(source)) transfer(source, targets[i], axes.get(`${path}:${source.name}`) ?? [], isRemoved);
    });
    const own = shifts.get(path);
    if (own !== undefined) shiftBiases(original, target, own, isRemoved);
  });
  return { model: made };
}

function removedBy(graph: ChannelGraph, { topology, groups }: Unsealed<ChannelPlan>): Uint8Array {
  checkTopology(topology, graph.topology);
  const named = new Set(groups.map(({ id }) => id));
  const missing = graph.groups.find(({ id }) => !named.has(id));
  if (missing !== undefined)
    throw refusal(`The plan has no group '${missing.id}', which the model has.`, groups);
  const known = new Map(graph.groups.map((group) => [group.id, group]));
  const isRemoved = new Uint8Array(graph.size);
  for (const { id, layers, channels, remove } of groups) {
    const group = known.get(id);
    if (group === undefined) throw refusal(`The plan names a group '${id}', which the model has not.`, id);
    const isSame =
      channels === group.channels.length && String([...layers].sort()) === String([...group.layers].sort());
    if (!isSame) {
      const own = `${group.channels.length} channels of ${group.layers.join(', ')}`;
      throw refusal(
        `The plan's group '${id}' is ${channels} channels of ${layers.join(', ')}; the model's is ${own}.`,
        id,
      );
    }
    checkRemoval(group, remove);
    for (const channel of remove) isRemoved[group.channels[channel]!] = 1;
  }
  return isRemoved;
}

function checkRemoval({ id, channels, pinned }: ChannelGroup, remove: readonly number[]): void {
  for (const [reason, all] of pinned) {
    const stays = remove.find((n) => all.includes(n));
    if (stays === undefined) continue;
    throw refusal(`The plan removes channel ${stays} from '${id}', which must stay: ${reason}.`, stays);
  }
  if (remove.length > 0 && remove.length === channels.length) {
    throw refusal(
      `The plan removes all ${channels.length} channels from '${id}'; at least one stays.`,
      remove,
    );
  }
}

function refusal(message: string, given: unknown): PruneError {
  return new PruneError('argument', `${message} Plan anew for this model.`, { given });
}

/**
 * @param draft A model's draft.
 * @returns The configurations of its layers by their paths, those of models within too.
 */
export function layersIn({ config, inner, prefix }: Draft): Map<string, LayerConfig> {
  const own = config.layers.map((layer): [string, LayerConfig] => [prefix + layer.config.name, layer]);
  return new Map([...own, ...[...inner.values()].flatMap((each) => [...layersIn(each)])]);
}

function configAt(layers: ReadonlyMap<string, LayerConfig>, path: string): object {
  const layer = layers.get(path);
  if (layer !== undefined) return layer.config;
  const message = `Channels of '${path}' would go, but the configuration that its model's getConfig gives has no such layer.`;
  throw new PruneError('unsupported', message, { given: path, allowed: [...layers.keys()] });
}

/**
 * Changes one option of a layer.
 *
 * @param config The layer's configuration.
 * @param option Where the option is in it.
 * @param value Its new value.
 */
export function setOption(
  config: object,
  option: ReadonlyArray<string | number>,
  value: number | boolean,
): void {
  // What getConfig gives is objects and arrays all the way.
  const holder = option.slice(0, -1).reduce((at, key) => Reflect.get(at, key) as object, config);
  Reflect.set(holder, option.at(-1)!, value);
}

function transfer(
  source: Built,
  target: ReturnType<typeof slotsOf>[number] | undefined,
  axes: readonly WeightAxis[],
  isRemoved: Uint8Array,
): void {
  const { variable } = source;
  let layout: Layout = rowMajor(variable.shape);
  for (const { axis, channels } of axes) {
    const left = [...channels.keys()].filter((i) => isRemoved[channels[i]!] === 0);
    if (left.length < channels.length) layout = taken(layout, axis, left);
  }
  checkSame(source, target, layout.shape);
  if (layout.size === variable.size) {
    copyWeight(source, target, unchanged);
    return;
  }
  const state = stateOf(variable);
  const values = gather(
    state === undefined ? peek(variable) : originalValues(variable),
    layout,
    new Float32Array(layout.size),
  );
  const mask = state && maskOf(gather(state.mask.bytes, layout, new Uint8Array(layout.size)));
  if (mask === undefined || mask.zeros === 0)
    tf.tidy(() => target.variable.assign(tf.tensor(values, [...layout.shape])));
  else installCopy(target, mask, customFromBytes(mask.bytes, rowMajor(layout.shape)), values);
}
