/** Sums and zeros of kernels by channel. */
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

/**
 * @param weight A kernel that ends with the axes of its input and its output, as [height, width, in, out].
 * @returns [in, out], summed up over all positions.
 */
export function summedOverPositions({ shape, values }: Weight): Float64Array {
  const size = shape.at(-1)! * shape.at(-2)!;
  const sums = new Float64Array(size);
  for (let i = 0; i < values.length; i++) sums[i % size]! += values[i]!;
  return sums;
}
