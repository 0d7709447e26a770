/** Weights of layers, and their zeros by channel. */
import { peek } from '../../core/memory';
import { slotsOf } from '../../core/parameter';
import { rowMajor } from '../../masks/layout';
import { sliceNorms } from '../../masks/norms';

/** A weight: its shape and its values, to be read before the next tensor is made. */
export interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** @returns A weight of a layer, by tfjs's name; undefined where it has none. */
export function weightAt(layer: object, name: string): Weight | undefined {
  const variable = slotsOf(layer).find((slot) => slot.name === name)?.variable;
  return variable && { shape: variable.shape, values: peek(variable) };
}

/** @returns For each index along an axis 1 where all entries are zero. */
export function zerosAlong({ shape, values }: Weight, axis: number): Uint8Array {
  return Uint8Array.from(sliceNorms(values, rowMajor(shape), axis, Infinity), (most) => (most === 0 ? 1 : 0));
}
