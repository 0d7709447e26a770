/** Finds out which channels of a model live and die together. */
import type * as tf from '@tensorflow/tfjs';
import { classNameOf, describe, isModel, slotsOf } from '../core/parameter';
import { PruneError } from '../errors';
import { modelWithin } from '../topology/draft';
import { callsByStructure, type ModelCall } from '../topology/model-calls';
import type { ChannelGraph, ChannelGroup, GraphCall } from './graph';
import { pointwiseRules } from './rules/pointwise';
import { shapeRules } from './rules/shape';
import { reasonToStay } from './rules/staying';
import { subtract } from './rules/subtract';
import { bidirectional, isRecurrent, weightedRules } from './rules/weighted';
import { hashOf, lineOf, makeLabels } from './topology-hash';
import {
  type Axes,
  type Call,
  makeTracer,
  noteOption,
  pinAxes,
  root,
  type Traced,
  type Tracer,
} from './tracer';

interface Walk {
  readonly tracer: Tracer;
  readonly shapes: Map<string, readonly number[]>;
  readonly calls: GraphCall[];
  /** Describes the model, call by call. */
  readonly lines: string[];
}

/**
 * @param model A built model.
 * @returns Its channels.
 * @throws {@link PruneError} `state` where a model within was changed and no longer fits; `unsupported` where tfjs cannot
 * build a Sequential of its layers, and where a layer has the name that one of a model within has in plans.
 */
export function dependencyGraph(model: tf.LayersModel): ChannelGraph {
  const walk: Walk = { tracer: makeTracer(), shapes: new Map(), calls: [], lines: [] };
  const { tracer } = walk;
  const inputs = model.inputs.map(({ shape }) => ({ shape, axes: shape.map(() => undefined) }));
  for (const output of walkModel(walk, model, inputs, '')) pinAxes(tracer, output, 'the model gives them');
  const numbers = new Int32Array(tracer.parents.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = root(tracer, i);
  const inNumbers = (channels: Int32Array): Int32Array => channels.map((channel) => numbers[channel]!);
  const numbered = <T extends { readonly channels: Int32Array }>(each: T): T => ({
    ...each,
    channels: inNumbers(each.channels),
  });
  return {
    topology: hashOf(walk.lines.join('\n')),
    size: numbers.length,
    groups: groupsOf(tracer, numbers),
    weights: [...tracer.weights.values()].map(numbered),
    options: [...tracer.options.values()].map(numbered),
    calls: walk.calls.map(({ inputs, ...call }) => ({
      ...call,
      inputs: inputs.map((axes) => axes.map((channels) => channels && inNumbers(channels))),
    })),
    shapes: walk.shapes,
  };
}

/** Plans tell a layer of a model within by that model's name and a slash. */
function checkNames(model: tf.LayersModel): void {
  for (const { name } of model.layers.filter((layer) => modelWithin(layer) !== undefined)) {
    const other = model.layers.find((layer) => layer.name.startsWith(`${name}/`));
    if (other === undefined) continue;
    const message = `The name of ${describe(other)} reads like that of a layer within '${name}', which ${describe(model)} has too. Give one of them another name.`;
    throw new PruneError('unsupported', message, { given: other.name });
  }
}

function walkModel(walk: Walk, model: tf.LayersModel, inputs: readonly Traced[], prefix: string): Traced[] {
  checkNames(model);
  const values = new Map(model.inputs.map(({ id }, i) => [id, inputs[i]!]));
  const labels = makeLabels(model);
  for (const call of callsByStructure(model)) {
    walk.lines.push(lineOf(call, labels, prefix));
    const made = follow(walk, call, values, prefix);
    for (const [i, { id }] of call.outputTensors.entries()) values.set(id, made[i]!);
  }
  walk.lines.push(`${prefix} gives ${model.outputs.map(({ id }) => labels.get(id))}`);
  return model.outputs.map(({ id }) => values.get(id)!);
}

function follow(
  walk: Walk,
  { outboundLayer: layer, inputTensors, outputTensors }: ModelCall,
  values: ReadonlyMap<number, Traced>,
  prefix: string,
): Traced[] {
  const className = classNameOf(layer) ?? '';
  const path = prefix + layer.name;
  const isInput = className === 'InputLayer';
  const inputs = (isInput ? outputTensors : inputTensors).map(({ id }) => values.get(id)!);
  if (isGraph(layer)) return walkModel(walk, layer, inputs, `${path}/`);
  const call = callOf(
    walk,
    layer,
    path,
    inputs,
    outputTensors.map(({ shape }) => shape),
  );
  noteInputShape(call);
  if (isInput) return inputs;
  const applied: unknown = className === 'TimeDistributed' ? Reflect.get(layer, 'layer') : undefined;
  if (isGraph(applied)) return walkSteps(walk, call, applied);
  walk.calls.push({ layer: path, output: outputTensors[0]!.id, inputs: inputs.map(({ axes }) => axes) });
  return axesOf(call).map((axes, i) => ({ shape: call.outputs[i]!, axes }));
}

/** A model that a TimeDistributed applies to each step of a sequence. */
function walkSteps(walk: Walk, { path, inputs }: Call, model: tf.LayersModel): Traced[] {
  const [input] = inputs;
  const made = walkModel(walk, model, [stepOf(input!)], `${path}/`);
  return made.map(({ shape: [batch, ...shape], axes: [first, ...axes] }) => ({
    shape: [batch!, input!.shape[1]!, ...shape],
    axes: [first, input!.axes[1], ...axes],
  }));
}

function withoutSteps<T>([batch, , ...rest]: readonly T[]): T[] {
  return [batch!, ...rest];
}

function stepOf({ shape, axes }: Traced): Traced {
  return { shape: withoutSteps(shape), axes: withoutSteps(axes) };
}

function callOf(
  { tracer, shapes, lines }: Walk,
  layer: tf.layers.Layer,
  path: string,
  inputs: readonly Traced[],
  outputs: Call['outputs'],
): Call {
  for (const { name, variable } of slotsOf(layer)) {
    if (variable === undefined || shapes.has(`${path}:${name}`)) continue;
    shapes.set(`${path}:${name}`, variable.shape);
    lines.push(`${name} [${variable.shape}]`);
  }
  return {
    tracer,
    layer,
    className: classNameOf(layer) ?? '',
    path,
    config: layer.getConfig(),
    within: [],
    inputs,
    outputs,
    shapeOf: (weight) => shapes.get(`${path}:${weight}`),
  };
}

/** The channels of each output, which stay where the layer is not known. */
function axesOf(call: Call): Axes[] {
  const { className, layer, outputs, inputs, tracer, path } = call;
  const rule = ruleFor(className);
  if (rule !== undefined) return rule(call);
  const inner: unknown =
    className === 'TimeDistributed' || className === 'Bidirectional'
      ? Reflect.get(layer, className === 'Bidirectional' ? 'forwardLayer' : 'layer')
      : undefined;
  if (
    typeof inner === 'object' &&
    inner !== null &&
    'getConfig' in inner &&
    typeof inner.getConfig === 'function'
  ) {
    const name = classNameOf(inner) ?? '';
    const options: Call['config'] = inner.getConfig();
    if (className === 'Bidirectional' && isRecurrent(name)) return bidirectional(call, name, options);
    const innerRule = ruleFor(name);
    if (className === 'TimeDistributed' && innerRule !== undefined) {
      return timeDistributed({ ...call, layer: inner, className: name, config: options }, innerRule);
    }
  }
  const reason = `'${path}' ${reasonToStay(className)}`;
  for (const input of inputs) pinAxes(tracer, input, reason);
  return outputs.map((shape) => shape.map(() => undefined));
}

function ruleFor(className: string): Rule | undefined {
  if (className === 'Subtract') return subtract;
  return weightedRules.get(className) ?? pointwiseRules.get(className) ?? shapeRules.get(className);
}

/** A rule at each step of a sequence. */
function timeDistributed(call: Call, rule: Rule): Axes[] {
  const [input] = call.inputs;
  const made = rule({
    ...call,
    within: ['layer', 'config'],
    inputs: [stepOf(input!)],
    outputs: call.outputs.map(withoutSteps),
  });
  return made.map(([batch, ...rest]) => [batch, input!.axes[1], ...rest]);
}

type Rule = (call: Call) => Axes[];

/** A model within says what goes into it, as any layer may. */
function noteInputShape(call: Call): void {
  const shape = call.config.batchInputShape;
  if (!Array.isArray(shape)) return;
  call.inputs[0]?.axes.forEach((channels, axis) => {
    if (typeof shape[axis] === 'number') noteOption(call, ['batchInputShape', axis], channels);
  });
}

/** By what it has, since another copy of tfjs may have made it. */
function isGraph(layer: unknown): layer is tf.LayersModel {
  return typeof layer === 'object' && layer !== null && isModel(layer) && 'nodesByDepth' in layer;
}

function groupsOf({ makers, pins, mixes }: Tracer, numbers: Int32Array): ChannelGroup[] {
  const makersOf = new Map<number, Set<string>>();
  makers.forEach((maker, channel) => {
    const all = makersOf.get(numbers[channel]!) ?? new Set();
    if (maker !== '') all.add(maker);
    makersOf.set(numbers[channel]!, all);
  });
  const groups = new Map<string, { layers: string[]; channels: number[] }>();
  for (const [channel, layers] of makersOf) {
    if (layers.size === 0) continue;
    const key = JSON.stringify([...layers].sort());
    const group = groups.get(key) ?? { layers: [...layers], channels: [] };
    group.channels.push(channel);
    groups.set(key, group);
  }
  const [pinned, mixed] = [settled(pins, numbers), settled(mixes, numbers)];
  const ids = new Map<string, number>();
  return [...groups.values()].map(({ layers, channels }) => {
    const first = layers[0]!;
    const count = (ids.get(first) ?? 0) + 1;
    ids.set(first, count);
    return {
      id: count === 1 ? first : `${first}#${count}`,
      layers,
      channels: Int32Array.from(channels),
      pinned: within(channels, pinned),
      mixed: within(channels, mixed),
    };
  });
}

/** By the reason, the numbers of channels. */
type Reasons = ReadonlyMap<string, ReadonlySet<number>>;

function settled(noted: ReadonlyMap<string, readonly number[]>, numbers: Int32Array): Reasons {
  return new Map([...noted].map(([reason, all]) => [reason, new Set(all.map((each) => numbers[each]!))]));
}

/** The same of the channels of a group, by their places in it. */
function within(channels: readonly number[], reasons: Reasons): Map<string, number[]> {
  return new Map(
    [...reasons].flatMap(([reason, all]): Array<[string, number[]]> => {
      const own = channels.flatMap((channel, i) => (all.has(channel) ? [i] : []));
      return own.length === 0 ? [] : [[reason, own]];
    }),
  );
}
