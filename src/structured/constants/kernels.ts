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

/** Which outputs of a kernel matter to what becomes of its inputs. */
export interface Outputs {
  /** For each output 1 where it stays. */
  readonly stays: Uint8Array;
  /** By input the outputs that are the same channel, and go with it; none for most. */
  readonly own: ReadonlyMap<number, readonly number[]>;
}

/**
 * @param inputs By input the number of its channel.
 * @param outputs By output the number of its channel; undefined where they cannot go.
 * @param isGone For each number 1 where the channel goes.
 * @param size How many outputs there are.
 * @returns Which of them matter.
 */
export function outputsAmong(
  inputs: Int32Array,
  outputs: Int32Array | undefined,
  isGone: Uint8Array,
  size: number,
): Outputs {
  if (outputs === undefined) return { stays: new Uint8Array(size).fill(1), own: new Map() };
  const places = new Map<number, number[]>();
  outputs.forEach((channel, o) => {
    const all = places.get(channel) ?? [];
    all.push(o);
    places.set(channel, all);
  });
  const own = [...inputs].flatMap((channel, i): Array<[number, number[]]> => {
    const all = places.get(channel);
    return all === undefined ? [] : [[i, all]];
  });
  return { stays: Uint8Array.from(outputs, (channel) => 1 - isGone[channel]!), own: new Map(own) };
}

/** @returns For each output 1 where it matters to what becomes of an input. */
export function mattering({ stays, own }: Outputs, input: number): Uint8Array {
  const going = own.get(input);
  if (going === undefined) return stays;
  const matters = stays.slice();
  for (const o of going) matters[o] = 0;
  return matters;
}

/** @returns For each input 1 where all values are zero that matter. */
export function ignoredBy(kernel: Kernel, outputs: Outputs): Uint8Array {
  const { values, tapStride, inputStride, outputStride } = kernel;
  return Uint8Array.from({ length: kernel.inputs }, (_, i) => {
    const matters = mattering(outputs, i);
    for (let base = i * inputStride; base < values.length; base += tapStride) {
      for (let o = 0; o < kernel.outputs; o++) {
        if (values[base + o * outputStride] !== 0 && matters[o] === 1) return 0;
      }
    }
    return 1;
  });
}
