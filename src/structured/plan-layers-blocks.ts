/** Parts of a model whose output can be replaced by their input. */
import type * as tf from '@tensorflow/tfjs';
import { classNameOf, slotsOf } from '../core/parameter';
import type { Draft } from '../topology/draft';
import { callsByStructure, type ModelCall } from '../topology/model-calls';
import { isBetween } from '../topology/model-config';
import { faultWithout } from './plan-layers-removal';

/** A part of a model that gives what it was given, plus or after something that can be left out. */
export interface Block {
  /** What the names of its layers begin with, if that tells it from all others and layers; else the name of its last one. */
  readonly name: string;
  readonly kind: 'residual' | 'layer';
  /** The names of its layers. */
  readonly layers: readonly string[];
  readonly input: tf.SymbolicTensor;
  readonly output: tf.SymbolicTensor;
}

/** Which call makes and which calls take a tensor, by its id. */
interface Graph {
  readonly calls: readonly ModelCall[];
  readonly maker: ReadonlyMap<number, ModelCall>;
  readonly takers: ReadonlyMap<number, readonly ModelCall[]>;
  readonly outputs: ReadonlySet<number>;
  /** By the id of a tensor, what has been found out. */
  readonly neverNegative: Map<number, boolean>;
  readonly callsOfLayer: ReadonlyMap<object, number>;
}

/**
 * Finds residual blocks, x + f(x) or x + f(x) + g(x) and so on, and single layers with a kernel whose output has the shape of their input.
 *
 * @param draft The draft of a model; models within are taken as layers.
 * @returns The blocks in the model's order, those within others too; not those without which the model would not work.
 */
export function blocksOf(draft: Draft): Block[] {
  const { model, config } = draft;
  const graph = graphOf(model);
  const residuals = graph.calls.flatMap((call) => residualAt(call, graph) ?? []);
  const configs = new Map(config.layers.map((layer) => [layer.config.name, layer]));
  const single = graph.calls.filter((call) => {
    const layer = configs.get(call.outboundLayer.name);
    return layer !== undefined && isSameShape(call, graph) && isBetween(config, layer);
  });
  const all: Block[] = [
    ...named(residuals, new Set(configs.keys())),
    ...single.map((call): Block => {
      const { name } = call.outboundLayer;
      return {
        name,
        kind: 'layer',
        layers: [name],
        input: call.inputTensors[0]!,
        output: call.outputTensors[0]!,
      };
    }),
  ];
  return all.filter((block) => faultWithout(draft, [block]) === undefined);
}

function graphOf(model: tf.LayersModel): Graph {
  const calls = callsByStructure(model);
  const maker = new Map(calls.flatMap((call) => call.outputTensors.map(({ id }) => [id, call] as const)));
  const takers = new Map<number, ModelCall[]>();
  const callsOfLayer = new Map<object, number>();
  for (const call of calls) {
    for (const { id } of call.inputTensors) takers.set(id, [...(takers.get(id) ?? []), call]);
    callsOfLayer.set(call.outboundLayer, (callsOfLayer.get(call.outboundLayer) ?? 0) + 1);
  }
  const outputs = new Set(model.outputs.map(({ id }) => id));
  return { calls, maker, takers, outputs, callsOfLayer, neverNegative: new Map() };
}

type Unnamed = Omit<Block, 'name'>;

function residualAt(add: ModelCall, graph: Graph): Unnamed | undefined {
  if (classNameOf(add.outboundLayer) !== 'Add' || !isCalledOnce(add, graph)) return undefined;
  for (const [i, input] of add.inputTensors.entries()) {
    const branches = add.inputTensors.filter((_, at) => at !== i);
    const found = residualFrom(input, branches, add, graph);
    if (found !== undefined) return found;
  }
  return undefined;
}

function residualFrom(
  input: tf.SymbolicTensor,
  branches: readonly tf.SymbolicTensor[],
  add: ModelCall,
  graph: Graph,
): Unnamed | undefined {
  const [sum] = add.outputTensors as [tf.SymbolicTensor];
  if (
    branches.some(({ id }) => id === input.id) ||
    !hasSameShape(input, sum) ||
    !isCalledOnce(graph.maker.get(input.id)!, graph)
  ) {
    return undefined;
  }
  const inner = between(input, branches, graph);
  if (inner === undefined || !isPrivate(inner, add, graph)) return undefined;
  const rectifier = redundantRectifier(input, sum, graph);
  const last = rectifier ?? add;
  const output = last.outputTensors[0]!;
  const calls = new Set([...inner, add, last]);
  const layers = graph.calls.filter((call) => calls.has(call)).map(({ outboundLayer: { name } }) => name);
  return { kind: 'residual', layers, input, output };
}

/** All calls from one tensor to others; undefined where something else goes in, or a layer is shared. */
function between(
  from: tf.SymbolicTensor,
  to: readonly tf.SymbolicTensor[],
  graph: Graph,
): Set<ModelCall> | undefined {
  const found = new Set<ModelCall>();
  const waiting = [...to];
  for (let tensor = waiting.pop(); tensor !== undefined; tensor = waiting.pop()) {
    if (tensor.id === from.id) continue;
    const call = graph.maker.get(tensor.id)!;
    if (found.has(call)) continue;
    if (call.inputTensors.length === 0 || !isCalledOnce(call, graph)) return undefined;
    if (classNameOf(call.outboundLayer) === 'InputLayer') return undefined;
    found.add(call);
    waiting.push(...call.inputTensors);
  }
  return found;
}

/** Whether nothing but the block itself takes what its calls give. */
function isPrivate(inner: ReadonlySet<ModelCall>, add: ModelCall, { takers, outputs }: Graph): boolean {
  return [...inner].every((call) =>
    call.outputTensors.every(
      ({ id }) =>
        !outputs.has(id) && (takers.get(id) ?? []).every((taker) => taker === add || inner.has(taker)),
    ),
  );
}

/** A ReLU that alone takes the sum and does nothing to the block's input, which is never negative. */
function redundantRectifier(
  input: tf.SymbolicTensor,
  sum: tf.SymbolicTensor,
  graph: Graph,
): ModelCall | undefined {
  const [taker, ...others] = graph.takers.get(sum.id) ?? [];
  if (taker === undefined || others.length > 0 || graph.outputs.has(sum.id)) return undefined;
  const isPlain = isRectifier(taker.outboundLayer) && isCalledOnce(taker, graph);
  return isPlain && isNeverNegative(input, graph) ? taker : undefined;
}

function isRectifier(layer: tf.layers.Layer): boolean {
  const className = classNameOf(layer);
  if (className === 'ReLU') return (layer.getConfig().maxValue ?? null) === null;
  return className === 'Activation' && layer.getConfig().activation === 'relu';
}

/** Layers that give no negative number where they are given none. */
const KEEPS_SIGN: ReadonlySet<string> = new Set([
  ...['MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D', 'AveragePooling1D', 'AveragePooling2D'],
  ...['AveragePooling3D', 'ZeroPadding2D', 'Cropping2D', 'UpSampling2D', 'Dropout', 'SpatialDropout1D'],
  ...['Flatten', 'Reshape', 'Permute', 'Add', 'Average', 'Maximum', 'Multiply', 'Concatenate'],
]);
/** Layers whose activation comes last; a recurrent one goes on with gates and states. */
const ACTIVATES_LAST: ReadonlySet<string> = new Set([
  ...['Activation', 'Dense', 'Conv1D', 'Conv2D', 'Conv3D', 'Conv2DTranspose', 'Conv3DTranspose'],
  ...['SeparableConv2D', 'DepthwiseConv2D'],
]);
const POSITIVE: ReadonlySet<unknown> = new Set([
  'relu',
  'relu6',
  'sigmoid',
  'hardSigmoid',
  'softplus',
  'softmax',
]);

function isNeverNegative({ id }: tf.SymbolicTensor, graph: Graph): boolean {
  const known = graph.neverNegative.get(id) ?? givesNoNegative(graph.maker.get(id)!, graph);
  graph.neverNegative.set(id, known);
  return known;
}

function givesNoNegative({ outboundLayer: layer, inputTensors }: ModelCall, graph: Graph): boolean {
  const className = classNameOf(layer) ?? '';
  if (className === 'ReLU' || className === 'Softmax') return true;
  if (ACTIVATES_LAST.has(className) && POSITIVE.has(layer.getConfig().activation)) return true;
  return KEEPS_SIGN.has(className) && inputTensors.every((tensor) => isNeverNegative(tensor, graph));
}

function isCalledOnce({ outboundLayer, outputTensors }: ModelCall, { callsOfLayer }: Graph): boolean {
  return callsOfLayer.get(outboundLayer) === 1 && outputTensors.length === 1;
}

function hasSameShape({ shape }: tf.SymbolicTensor, { shape: other }: tf.SymbolicTensor): boolean {
  return shape.length === other.length && shape.every((size, axis) => size === other[axis]);
}

/** A layer with a kernel; normalisations and slopes belong to those before them. */
function isSameShape(call: ModelCall, graph: Graph): boolean {
  const { outboundLayer, inputTensors, outputTensors } = call;
  if (inputTensors.length !== 1 || !isCalledOnce(call, graph)) return false;
  const hasKernel = slotsOf(outboundLayer).some(({ role, kind }) => role === 'kernel' && kind !== undefined);
  return hasKernel && hasSameShape(inputTensors[0]!, outputTensors[0]!);
}

function named(blocks: readonly Unnamed[], layerNames: ReadonlySet<string>): Block[] {
  const names = blocks.map(({ layers }) => commonPrefix(layers));
  return blocks.map((block, i) => {
    const name = names[i]!;
    // A layer may be a block by itself.
    const isTelling = name !== '' && names.indexOf(name) === names.lastIndexOf(name) && !layerNames.has(name);
    return { ...block, name: isTelling ? name : block.layers.at(-1)! };
  });
}

/** What all names begin with, up to a separator. */
function commonPrefix(names: readonly string[]): string {
  const parts = names.map((name) => name.split(/([./_])/));
  const [first, ...others] = parts as [string[], ...string[][]];
  const end = first.findIndex((part, i) => others.some((other) => other[i] !== part));
  return first
    .slice(0, end < 0 ? first.length : end)
    .join('')
    .replace(/[./_]$/, '');
}
