/** Which values of a kernel meet the input at which positions, and what they add up to there. */
import { product } from './constant';
import type { Weight } from './kernels';

/** How a kernel goes over positions. */
export interface Windows {
  /** The axes of the kernel that go over positions: sizes. */
  readonly sizes: readonly number[];
  /** For each such axis the different sets of indices that meet the input, at one position or another. */
  readonly sets: ReadonlyArray<ReadonlyArray<readonly number[]>>;
}

/** What channels add to each output. */
export interface WindowSums {
  /** For each output what all positions have in common; where that differs, the sum over the whole kernel. */
  readonly sums: (input: number) => Float64Array;
  /** For each output 1 where the sum is not the same at all positions. */
  readonly differs: (input: number) => Uint8Array;
  /** For each output 1 where any value of the kernel is not zero. */
  readonly touches: (input: number) => Uint8Array;
}

const numberAt = (option: unknown, axis: number): number => {
  const all = [option ?? 1].flat();
  return Number(all[axis] ?? all[0]);
};

/**
 * @param layer A convolution.
 * @param sizes The sizes of its kernel that go over positions.
 * @param inputs The sizes of its input along these axes; undefined where they vary.
 * @param outputs Those of its output.
 * @param isTransposed Whether it spreads its input over its output.
 * @returns Its windows; of a convolution that pads and whose sizes vary undefined.
 */
export function windowsOf(
  layer: object,
  sizes: readonly number[],
  inputs: readonly number[] | undefined,
  outputs: readonly number[],
  isTransposed: boolean,
): Windows | undefined {
  const isValid = [undefined, 'valid'].includes(Reflect.get(layer, 'padding'));
  const strides = sizes.map((_, axis) => numberAt(Reflect.get(layer, 'strides'), axis));
  if (isTransposed ? isSingle(sizes, strides) : isValid || sizes.every((size) => size === 1)) {
    return { sizes, sets: sizes.map((size) => [[...Array(size).keys()]]) };
  }
  if (inputs === undefined) return undefined;
  const sets = sizes.map((size, axis) => {
    const reach = {
      size,
      stride: strides[axis]!,
      dilation: numberAt(Reflect.get(layer, 'dilationRate'), axis),
    };
    const [from, to] = [inputs[axis]!, outputs[axis]!];
    return isTransposed
      ? spreading({ ...reach, dilation: 1 }, from, to, isValid)
      : gathering(reach, from, to);
  });
  return { sizes, sets };
}

const isSingle = (sizes: readonly number[], strides: readonly number[]): boolean =>
  [...sizes, ...strides].every((size) => size === 1);

interface Reach {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
}

/** As much before as after, of an odd number the smaller half before. */
function before({ size, stride, dilation }: Reach, wide: number, narrow: number): number {
  return Math.floor(Math.max((narrow - 1) * stride + (size - 1) * dilation + 1 - wide, 0) / 2);
}

function gathering(reach: Reach, input: number, output: number): number[][] {
  const pad = before(reach, input, output);
  return setsOf(reach.size, output, (at, tap) => {
    const place = at * reach.stride + tap * reach.dilation - pad;
    return place >= 0 && place < input;
  });
}

function spreading(reach: Reach, input: number, output: number, isValid: boolean): number[][] {
  const pad = isValid ? 0 : before(reach, output, input);
  return setsOf(reach.size, output, (at, tap) => {
    const place = (at + pad - tap) / reach.stride;
    return Number.isInteger(place) && place >= 0 && place < input;
  });
}

function setsOf(size: number, output: number, meets: (at: number, tap: number) => boolean): number[][] {
  const sets = new Map<string, number[]>();
  for (let at = 0; at < output; at++) {
    const set = [...Array(size).keys()].filter((tap) => meets(at, tap));
    sets.set(set.join(), set);
  }
  return [...sets.values()];
}

/**
 * @param kernel A kernel: positions, then inputs and outputs.
 * @param windows How it goes over positions; undefined where that is not known.
 * @param isTransposed Whether its outputs are before its inputs.
 * @returns What it adds.
 */
export function sumsOver(kernel: Weight, windows: Windows | undefined, isTransposed: boolean): WindowSums {
  const [a, b] = [kernel.shape.at(-2)!, kernel.shape.at(-1)!];
  const outputs = isTransposed ? a : b;
  const area = kernel.values.length / (a * b);
  const taps = [...Array(area).keys()];
  // A copy: what the backend hands out is good only until the next tensor is made.
  const values = kernel.values.slice();
  const add = (input: number, over: readonly number[]): Float64Array => {
    const sum = new Float64Array(outputs);
    for (const tap of over) {
      const base = tap * a * b;
      for (let o = 0; o < outputs; o++)
        sum[o]! += values[base + (isTransposed ? o * b + input : input * b + o)]!;
    }
    return sum;
  };
  const all = windows && windowTaps(windows);
  const touches = (input: number): Uint8Array =>
    Uint8Array.from({ length: outputs }, (_, o) => {
      const place = isTransposed ? o * b + input : input * b + o;
      return taps.some((tap) => values[tap * a * b + place] !== 0) ? 1 : 0;
    });
  const differs = (input: number): Uint8Array => {
    if (all === undefined) return touches(input);
    const sums = all.map((over) => add(input, over));
    return Uint8Array.from(sums[0]!, (first, o) => (sums.some((sum) => isOther(sum[o]!, first)) ? 1 : 0));
  };
  return {
    sums: (input) => {
      const whole = add(input, taps);
      if (all === undefined) return whole;
      const [alike, uneven] = [add(input, all[0]!), differs(input)];
      return whole.map((sum, o) => (uneven[o] === 1 ? sum : alike[o]!));
    },
    differs,
    touches,
  };
}

/** For each window the places of its values in the kernel. */
function windowTaps({ sizes, sets }: Windows): number[][] {
  return sets.reduce<number[][]>(
    (windows, axisSets, axis) => {
      const stride = product(sizes.slice(axis + 1));
      return windows.flatMap((window) =>
        axisSets.map((set) => window.flatMap((base) => set.map((tap) => base + tap * stride))),
      );
    },
    [[0]],
  );
}

/** Whether two sums differ. Those of a kernel that is broken are NaN everywhere, and alike. */
export function isOther(a: number, b: number): boolean {
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b));
}
