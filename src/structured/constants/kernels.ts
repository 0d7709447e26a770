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

/** A kernel that makes channels of channels: values, to be read before the next tensor is made, and where each is. */
export interface Kernel {
  readonly values: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
  /** How far apart values are from tap to tap, from input to input, and from output to output. */
  readonly tapStride: number;
  readonly inputStride: number;
  readonly outputStride: number;
}

/**
 * @param layer A layer.
 * @param name Its kernel, by tfjs's name: positions, then inputs and outputs.
 * @param isTransposed Whether outputs are before inputs.
 * @returns The kernel.
 */
export function kernelOf(layer: object, name: string, isTransposed = false): Kernel {
  const { shape, values } = weightAt(layer, name)!;
  const [a, b] = [shape.at(-2)!, shape.at(-1)!];
  const tapStride = a * b;
  return isTransposed
    ? { values, inputs: b, outputs: a, tapStride, inputStride: 1, outputStride: b }
    : { values, inputs: a, outputs: b, tapStride, inputStride: b, outputStride: 1 };
}
