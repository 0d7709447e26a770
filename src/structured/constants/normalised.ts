/** What layers make of constants that relate all values along some axes to each other. */
import type * as tf from '@tensorflow/tfjs';
import { stridesOf } from './axes';
import { type ConstantRule, type ModelTraits, notFollowed } from './call';
import { type Constants, compacted, expanded, hasKnown, mapped, shapeOf, unknown } from './constant';
import { applying, ran } from './ran';

/**
 * @param input What comes in.
 * @param along The axes along which values count together.
 * @param path The path of the layer.
 * @param model Its model.
 * @param apply What the layer does.
 * @returns What comes out, known where all is known along these axes.
 */
export function normalised(
  input: Constants,
  along: readonly number[],
  path: string,
  { isOpen }: ModelTraits,
  apply: (x: tf.Tensor) => tf.Tensor,
): Constants {
  const shape = shapeOf(input);
  if (!hasKnown(input)) return unknown(shape);
  if (isOpen)
    return unknown(shape, `'${path}' takes them together with others, and the model leaves sizes open`);
  const whole = expanded(input);
  const strides = stridesOf(shape);
  // All that count together have the place of the first of them.
  const together = (i: number): number =>
    along.reduce((at, axis) => at - (Math.floor(i / strides[axis]!) % shape[axis]!) * strides[axis]!, i);
  const lost = new Map<number, string | undefined>();
  const padded = new Map<number, string | undefined>();
  whole.values.forEach((value, i) => {
    const notes = Number.isNaN(value) ? lost : padded;
    notes.set(together(i), notes.get(together(i)) ?? whole.notes[i]);
  });
  const made = ran(whole, apply);
  const why = `'${path}' puts them together with what depends on the input`;
  return compacted({
    ...mapped(whole, (_, i) => (lost.has(together(i)) ? Number.NaN : made[i]!)),
    notes: Array.from(whole.values, (value, i) => {
      if (!lost.has(together(i))) return padded.get(together(i));
      return Number.isNaN(value) ? whole.notes[i] : (lost.get(together(i)) ?? why);
    }),
  });
}

/** The axes that an option names, from the front. */
const axesOf = (option: unknown, rank: number): number[] =>
  [option ?? -1].flat().map((axis) => (Number(axis) + rank) % rank);

/** tfjs runs a softmax along the last axis only. */
export const softmax: ConstantRule = (call) => {
  const { layer, path, inputs, model } = call;
  const last = inputs[0]!.axes.length - 1;
  const [axis] = axesOf(Reflect.get(layer, 'axis'), last + 1);
  return axis === last ? normalised(inputs[0]!, [last], path, model, applying(layer)) : notFollowed(call);
};

/** tfjs normalises no more than four axes. */
export const layerNorm: ConstantRule = (call) => {
  const { layer, path, inputs, model } = call;
  const [input] = inputs;
  if (input!.axes.length > 4) return notFollowed(call);
  const along = axesOf(Reflect.get(layer, 'axis'), input!.axes.length);
  const made = normalised(input!, along, path, model, applying(layer));
  const own = ['gamma', 'beta'].map((name) => `${path}:${name}`);
  return { ...made, from: new Set([...made.from, ...own]) };
};
