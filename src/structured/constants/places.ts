/** What layers make of constants that put values elsewhere, or go over positions channel by channel. */
import * as tf from '@tensorflow/tfjs';
import { type ConstantCall, type ConstantRule, channelAxisOf, shapeAfter } from './call';
import {
  allFrom,
  along,
  type Constants,
  compacted,
  hasKnown,
  mapped,
  padded,
  placesBy,
  spread,
  stridesOf,
  taken,
  widened,
} from './constant';

/** @returns The same values, in order, in another shape. */
function reshapedTo(input: Constants, shape: readonly number[]): Constants {
  const last = input.shape.length - 1;
  const isLastOnly = input.sizes.every((size, axis) => size === 1 || axis === last);
  if (isLastOnly && (input.sizes[last] === 1 || input.shape[last] === shape.at(-1))) {
    const sizes = shape.map((_, axis) => (axis === shape.length - 1 ? input.sizes[last]! : 1));
    return { ...input, shape, sizes };
  }
  return compacted({ ...widened(input, input.shape), shape, sizes: shape });
}

function permutedBy(input: Constants, axes: readonly number[]): Constants {
  const strides = stridesOf(input.sizes);
  const [shape, sizes] = [input.shape, input.sizes].map((each) => axes.map((axis) => each[axis]!));
  const places = placesBy(
    sizes!,
    axes.map((axis) => strides[axis]!),
  );
  return taken(input, places, shape!, sizes!);
}

export const reshape: ConstantRule = (call) => reshapedTo(call.inputs[0]!, shapeAfter(call));

/** Where channels are first, tfjs puts them last before it flattens. */
export const flatten: ConstantRule = (call) => {
  const [input] = call.inputs;
  const rank = input!.shape.length;
  const isFirst = rank > 2 && channelAxisOf(call.layer, rank) === 1 && rank - 1 !== 1;
  const axes = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
  return reshapedTo(isFirst ? permutedBy(input!, axes) : input!, shapeAfter(call));
};

export const permute: ConstantRule = ({ layer, inputs }) => {
  const dims = [Reflect.get(layer, 'dims')].flat().map(Number);
  return permutedBy(inputs[0]!, [0, ...dims]);
};

export const repeatVector: ConstantRule = (call) => {
  const [input] = call.inputs;
  return { ...input!, shape: shapeAfter(call), sizes: [1, 1, input!.sizes[1]!] };
};

export const concatenate: ConstantRule = (call) => {
  const rank = call.inputs[0]!.shape.length;
  const axis = (Number(Reflect.get(call.layer, 'axis')) + rank) % rank;
  return concatenated(call.inputs, axis, shapeAfter(call));
};

/** @returns Several one after the other along an axis. */
export function concatenated(
  inputs: readonly Constants[],
  axis: number,
  shape: readonly number[],
): Constants {
  const common = shape.map((_, i) => Math.max(...inputs.map(({ sizes }) => sizes[i]!)));
  const parts = inputs.map((input) =>
    widened(
      input,
      common.map((size, i) => (i === axis ? input.shape[axis]! : size)),
    ),
  );
  const outer = common.slice(0, axis).reduce((size, n) => size * n, 1);
  const values: number[] = [];
  const notes: Array<string | undefined> = [];
  for (let row = 0; row < outer; row++) {
    for (const part of parts) {
      const width = part.values.length / outer;
      for (let i = row * width; i < (row + 1) * width; i++) {
        values.push(part.values[i]!);
        notes.push(part.notes[i]);
      }
    }
  }
  const sizes = common.map((size, i) => (i === axis ? shape[axis]! : size));
  const from = allFrom(...parts.filter(hasKnown));
  return compacted({ shape, sizes, values: Float64Array.from(values), notes, from });
}

const differing = (path: string): string => `'${path}' goes over positions at which they differ`;

/** Pooling and the like: a constant stays what it is. */
export const spatial: ConstantRule = (call) => {
  const { layer, path, inputs, model } = call;
  const [input] = inputs;
  const axis = channelAxisOf(layer, input!.shape.length);
  const shape = shapeAfter(call);
  const after = shape.length === 2 ? 1 : axis;
  const channels = along(input!, axis, differing(path));
  const known = along(
    mapped(input!, (value, i) => (Number.isNaN(value) || input!.notes[i] !== undefined ? Number.NaN : 0)),
    axis,
    '',
  ).values;
  const isUneven = channels.values.some((value, i) => Number.isNaN(value) && !Number.isNaN(known[i]!));
  if (!isUneven || model.isOpen) return spread(channels, shape, after);
  const ran = { ...spread(channels, shape, after), sizes: shape };
  const whole = widened(spread(channels, shape, after), shape);
  const values = run(call);
  const channelOf = placesBy(
    shape,
    shape.map((_, i) => (i === after ? 1 : 0)),
  );
  const isKnown = (i: number): boolean => !Number.isNaN(known[channelOf[i]!]!);
  return compacted({
    ...ran,
    values: whole.values.map((value, i) => (isKnown(i) ? values[i]! : value)),
    notes: whole.notes.map((note, i) => (isKnown(i) ? undefined : note)),
  });
};

/** Runs a layer on what is known. */
function run({ layer, inputs }: ConstantCall): Float32Array {
  const { values, shape } = widened(inputs[0]!, inputs[0]!.shape);
  const known = [...values].map((value) => (Number.isNaN(value) ? 0 : value));
  return tf.tidy(() => {
    // One of tfjs's own layers, which gives a tensor for a tensor.
    const made = (layer as tf.layers.Layer).apply(tf.tensor(known, [...shape])) as tf.Tensor;
    return made.dataSync<'float32'>().slice();
  });
}

export const zeroPadding: ConstantRule = (call) => {
  const { layer, path, inputs } = call;
  const [input] = inputs;
  const shape = shapeAfter(call);
  const axis = channelAxisOf(layer, shape.length);
  const channels = along(input!, axis, differing(path));
  const isPadding = shape.some((size, i) => size !== input!.shape[i]);
  return spread(isPadding ? padded(channels, path) : channels, shape, axis);
};
