import type * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { PruneError, shown } from '../errors';
import { draftOf } from '../topology/draft';
import { dependencyGraph } from './dependency-graph';
import type { ChannelGroup } from './graph';
import type { Importance } from './importance';
import type { ChannelPlan, GroupPlan } from './plan';

/** How many channels go, and which. */
export interface ChannelPlanOptions {
  /** Which share of the channels of each group goes, in [0, 1). */
  readonly ratio: number;
  /** What ranks channels. */
  readonly importance: Importance;
  /** The names of layers whose channels stay. */
  readonly ignore?: readonly string[] | undefined;
}

/**
 * Plans to remove channels, the least important ones of each group. At least one of each group stays.
 *
 * @param model A built model; it stays as it is.
 * @param options The share, and what ranks.
 * @returns The plan, plain data that survives JSON.
 * @throws {@link PruneError} `argument` for options that are not allowed, for an unknown layer, and where no channels can
 * go; `state` for a model that is not built or disposed.
 */
export async function planChannels(model: tf.LayersModel, options: ChannelPlanOptions): Promise<ChannelPlan> {
  checkOptions(options, ['ratio', 'importance', 'ignore']);
  const { ratio, importance, ignore = [] } = options;
  if (typeof ratio !== 'number' || !(ratio >= 0 && ratio < 1)) {
    const allowed = 'a number in [0, 1)';
    throw new PruneError('argument', `ratio must be ${allowed}, but got ${shown(ratio)}.`, {
      given: ratio,
      allowed,
    });
  }
  draftOf(model, 'planChannels');
  const graph = dependencyGraph(model);
  const names = graph.groups.flatMap(({ layers }) => layers);
  const stray = ignore.find((name) => !names.includes(name));
  if (stray !== undefined) {
    const message = `No layer '${stray}' makes channels; there are: ${names.join(', ')}.`;
    throw new PruneError('argument', message, { given: stray, allowed: names });
  }
  if (graph.groups.every((group) => freeOf(group).length === 0)) {
    const message = `Nothing in '${model.name}' has channels that can go: all of them are its outputs or are pinned.`;
    throw new PruneError('argument', message, { given: model });
  }
  const scores = await importance(model, graph);
  const groups = graph.groups.map((group, i) => planned(group, scores[i]!, ratio, ignore));
  return { kind: 'channels', version: 1, topology: graph.topology, groups };
}

function freeOf({ channels, pinned }: ChannelGroup): number[] {
  const staying = new Set([...pinned.values()].flat());
  return [...channels.keys()].filter((channel) => !staying.has(channel));
}

function planned(
  group: ChannelGroup,
  scores: Float64Array,
  ratio: number,
  ignore: readonly string[],
): GroupPlan {
  const { id, layers, channels, pinned } = group;
  const ignored = layers.find((layer) => ignore.includes(layer));
  const kept = [...pinned].map(([reason, each]) => ({ channels: each, reason }));
  if (ignored !== undefined) kept.push({ channels: [...channels.keys()], reason: `'${ignored}' is ignored` });
  const free = ignored === undefined ? freeOf(group) : [];
  const count = Math.min(Math.floor(ratio * channels.length), free.length, channels.length - 1);
  const remove = free.sort((a, b) => scores[a]! - scores[b]! || a - b).slice(0, count);
  const reason = `the ${count} least important of ${channels.length}`;
  return { id, layers, channels: channels.length, remove: remove.sort((a, b) => a - b), reason, kept };
}
