/** The calls of a model's layers in the order in which they run, with shapes, models within taken apart. */
import type * as tf from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import { classNameOf, describe, isModel } from '../core/parameter';
import { PruneError, shown } from '../errors';
import { callsAsRun, type ModelCall } from '../topology/model-calls';
import { type SampleShape, sizeOf } from './macs';

/** A tensor between layers, for one sample. */
export interface Value {
  readonly shape: SampleShape;
  readonly bytes: number;
}

/** One call of one layer. */
export interface LayerCall {
  readonly layer: tf.layers.Layer;
  /** Its name; for one of a model within, after that model's name and a slash. */
  readonly name: string;
  /** tfjs's number of what it gives, which tells the calls of a layer apart. */
  readonly id: number;
  /** How often it runs: for each step of a sequence where a TimeDistributed applies its model. */
  readonly times: number;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Of a TimeDistributed of a model, what goes into that model at a step, and what comes out. */
  readonly within: { readonly input: Value; readonly outputs: readonly Value[] } | undefined;
}

/** Where calls are gathered: their names' prefix, and how often each runs. */
interface Place {
  readonly calls: LayerCall[];
  readonly prefix: string;
  readonly times: number;
}

/** A model as tfjs keeps it. */
type Graph = tf.LayersModel;
type TfjsShape = ReadonlyArray<number | null>;

/**
 * @param model A built model.
 * @param inputShapes The shape of each input without the batch axis; undefined to take those that the model names.
 * @returns The calls, what goes into the model, and what comes out of it.
 * @throws {@link PruneError} `argument` where the shapes are no list; `shape` where a size is not known or does not fit; `state` where a model within was changed and
 * no longer fits; `unsupported` where tfjs cannot build a Sequential of its layers.
 */
export function callsOf(
  model: tf.LayersModel,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
): { calls: LayerCall[]; inputs: readonly Value[]; outputs: readonly Value[] } {
  if (inputShapes !== undefined && !Array.isArray(inputShapes)) {
    const allowed = 'a list with a shape for each input';
    throw new PruneError('argument', `inputShapes must be ${allowed}, but got ${shown(inputShapes)}.`, {
      given: inputShapes,
      allowed,
    });
  }
  const { length } = model.inputs;
  if (inputShapes !== undefined && inputShapes.length !== length) {
    const allowed = `${length} shapes`;
    const message = `${describe(model)} has ${length} inputs, but there are ${inputShapes.length} inputShapes.`;
    throw new PruneError('shape', message, { given: inputShapes, allowed });
  }
  const inputs = model.inputs.map(({ shape, dtype }, i) => {
    if (inputShapes !== undefined) checkFits(model, shape, inputShapes[i], i);
    return madeOf([1, ...(inputShapes?.[i] ?? shape.slice(1))], dtype, model);
  });
  const calls: LayerCall[] = [];
  const outputs = gather(model, inputs, { calls, prefix: '', times: 1 });
  return { calls, inputs, outputs };
}

function checkFits(
  model: Graph,
  shape: TfjsShape,
  given: readonly number[] | undefined,
  index: number,
): void {
  const sizes = shape.slice(1);
  const isWhole = Array.isArray(given) && given.every((size) => Number.isInteger(size) && size > 0);
  const fits =
    isWhole && sizes.length === given.length && sizes.every((size, i) => (size ?? given[i]) === given[i]);
  if (fits) return;
  const allowed = `[${sizes.map((size) => size ?? 'any')}]`;
  const what = Array.isArray(given) ? `[${given.map(shown)}]` : shown(given);
  const message = `Input ${index} of ${describe(model)} has the shape ${allowed} without the batch axis, but inputShapes has ${what}.`;
  throw new PruneError('shape', message, { given, allowed });
}

const TOO_SMALL = 'what goes into the model is too small, or does not fit together. Say other inputShapes.';

function madeOf(shape: TfjsShape, dtype: tf.DataType, layer: object): Value {
  if (!shape.every((size) => typeof size === 'number')) {
    const sizes = shape.map((size) => size ?? '?');
    const message = `A size of [${sizes}] at ${describe(layer)} is not known. Say inputShapes: the shape of each input without the batch axis.`;
    throw new PruneError('shape', message, { given: shape, allowed: 'sizes that are known' });
  }
  if (shape.some((size) => size < 1)) {
    const message = `${describe(layer)} would give the shape [${shape}]: ${TOO_SMALL}`;
    throw new PruneError('shape', message, { given: shape, allowed: 'sizes ≥ 1' });
  }
  return { shape, bytes: sizeOf(shape) * util.bytesPerElement(dtype) };
}

function gather(model: Graph, inputs: readonly Value[], place: Place): readonly Value[] {
  const values = new Map(model.inputs.map(({ id }, i) => [id, inputs[i]!]));
  for (const call of callsAsRun(model)) {
    const made = run(call, values, place);
    call.outputTensors.forEach(({ id }, i) => {
      values.set(id, made[i]!);
    });
  }
  return model.outputs.map(({ id }) => values.get(id)!);
}

/** What a call gives. */
function run(call: ModelCall, values: ReadonlyMap<number, Value>, place: Place): readonly Value[] {
  const { outboundLayer: layer, inputTensors, outputTensors } = call;
  const name = place.prefix + layer.name;
  if (classNameOf(layer) === 'InputLayer') return outputTensors.map(({ id }) => values.get(id)!);
  const inputs = inputTensors.map(({ id }) => values.get(id)!);
  const prefix = `${name}/`;
  if (isGraph(layer)) return gather(layer, inputs, { ...place, prefix });
  const outputs = shapesOf(layer, inputs).map((shape, i) => madeOf(shape, outputTensors[i]!.dtype, layer));
  let within: LayerCall['within'];
  const applied: unknown = classNameOf(layer) === 'TimeDistributed' ? Reflect.get(layer, 'layer') : undefined;
  if (typeof applied === 'object' && applied !== null && isGraph(applied)) {
    const [batch, steps, ...sizes] = inputs[0]!.shape;
    const step = madeOf([batch!, ...sizes], inputTensors[0]!.dtype, layer);
    const made = gather(applied, [step], { ...place, prefix, times: place.times * steps! });
    within = { input: step, outputs: made };
  }
  place.calls.push({ layer, name, id: outputTensors[0]!.id, times: place.times, inputs, outputs, within });
  return outputs;
}

/** By what it has, since another copy of tfjs may have made it. */
function isGraph(layer: object): layer is Graph {
  return isModel(layer) && 'nodesByDepth' in layer;
}

function shapesOf(layer: tf.layers.Layer, inputs: readonly Value[]): TfjsShape[] {
  // tfjs wants arrays that it may change.
  const given = inputs.map(({ shape }) => [...shape]);
  const misfit = misfitOf(layer, given);
  if (misfit !== undefined) {
    const shapes = given.map((shape) => `[${shape}]`).join(', ');
    const message = `${describe(layer)} cannot take ${shapes} (${misfit}): ${TOO_SMALL}`;
    throw new PruneError('shape', message, { given, allowed: 'shapes that fit together' });
  }
  let made: ReturnType<tf.layers.Layer['computeOutputShape']>;
  try {
    made = layer.computeOutputShape(given.length === 1 ? given[0]! : given);
  } catch (cause) {
    const shapes = given.map((shape) => `[${shape}]`).join(', ');
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${describe(layer)} cannot take ${shapes} (${reason}): ${TOO_SMALL}`;
    throw new PruneError('shape', message, { given, allowed: 'shapes that the layer takes', cause });
  }
  return isList(made) ? made : [made];
}

/** What tfjs's layers do not check when they tell their outputs' shapes. */
function misfitOf(layer: tf.layers.Layer, shapes: readonly SampleShape[]): string | undefined {
  const at = (shape: SampleShape, axis: number): number => shape.at(axis)!;
  const [first, second] = shapes;
  if (first === undefined || second === undefined) return undefined;
  if (classNameOf(layer) === 'Concatenate') {
    const axis = Number(Reflect.get(layer, 'axis') ?? -1);
    const along = axis < 0 ? axis + first.length : axis;
    const fits = shapes.every((shape) => shape.every((size, i) => i === along || size === first[i]));
    return fits ? undefined : `only their sizes along axis ${along} may differ`;
  }
  if (classNameOf(layer) !== 'Dot') return undefined;
  const [a, b] = [Reflect.get(layer, 'axes')].flat().map(Number);
  return at(first, a!) === at(second, b ?? a!) ? undefined : 'the sizes that are multiplied differ';
}

function isList(
  shape: ReturnType<tf.layers.Layer['computeOutputShape']>,
): shape is Array<Array<number | null>> {
  return Array.isArray(shape[0]);
}
