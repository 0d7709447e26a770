/** What kernels make of constants. */
import { apart } from './axes';
import type { ConstantCall } from './call';
import type { Constants, Elements } from './constant';
import { type Kernel, kernelOf, weightAt } from './kernels';
import { type Read, readBy } from './positions';
import { reachesOf } from './reaches';
import { EACH, type Windows, windowsOver } from './windows';

/** What a kernel reads. */
export interface KernelRead extends Read {
  /** The kernel, to be used before the next tensor is made. */
  readonly kernel: () => Kernel;
}

/**
 * @param call A call of a layer with a kernel that makes channels.
 * @param weight That kernel, by tfjs's name.
 * @returns What it reads by it.
 */
export function kernelRead(call: ConstantCall, weight: string): KernelRead {
  const { layer } = call;
  if (weight === 'pointwiseKernel') return { ...afterDepthwise(call), kernel: () => kernelOf(layer, weight) };
  return { ...readAlong(call, weight), kernel: () => kernelOf(layer, weight, isTransposed(call)) };
}

export const isTransposed = ({ className }: ConstantCall): boolean => className.endsWith('Transpose');

/** A transposed convolution meets other values of its kernel everywhere, not just at borders. */
function readAlong(call: ConstantCall, weight: string): Read {
  const { layer, className, model } = call;
  const sizes = weightAt(layer, weight)!.shape.slice(0, -2);
  return readBy(call, reachesOf(layer, className, sizes), model.isContinued && !isTransposed(call));
}

/** What the second kernel of a separable convolution reads. */
function afterDepthwise(call: ConstantCall): Read {
  const made = depthwiseOf(call);
  if (made === undefined) return { input: readAlong(call, 'depthwiseKernel').input, windows: undefined };
  const { axes, isOpen } = made.windows;
  const windows = windowsOver(
    axes,
    axes.map(() => EACH),
    { isOpen: false, isContinued: false },
  )!;
  return {
    input: { ...made.elements, axes: [...axes, apart(made.channels)] },
    windows: { ...windows, isOpen },
  };
}

/** @returns What a depthwise kernel makes, without a bias; undefined where that depends on a size that is open. */
export function depthwiseOf(
  call: ConstantCall,
): { readonly elements: Elements; readonly channels: number; readonly windows: Windows } | undefined {
  const { input, windows } = readAlong(call, 'depthwiseKernel');
  if (windows === undefined) return undefined;
  const kernel = kernelOf(call.layer, 'depthwiseKernel');
  const channels = kernel.inputs * kernel.outputs;
  const values = new Float64Array(windows.places.length * channels);
  const notes = Array<string | undefined>(values.length).fill(undefined);
  windows.places.forEach((window, w) => {
    window.forEach((place, tap) => {
      if (place < 0) return;
      for (let i = 0, at = w * channels; i < kernel.inputs; i++) {
        const from = place * kernel.inputs + i;
        const value = input.values[from]!;
        for (let m = 0; m < kernel.outputs; m++, at++) {
          const weight = kernel.values[tap * kernel.tapStride + i * kernel.inputStride + m]!;
          if (weight === 0 || value === 0) continue;
          const isKnown = !Number.isNaN(values[at]!);
          values[at]! += value * weight;
          if (Number.isNaN(value)) notes[at] = isKnown ? input.notes[from] : (notes[at] ?? input.notes[from]);
          else if (isKnown)
            notes[at] ??= input.notes[from] ?? (windows.pads[tap] === 1 ? call.path : undefined);
        }
      }
    });
  });
  const from = new Set([...input.from, `${call.path}:depthwiseKernel`]);
  return { elements: { values, notes, from }, channels, windows };
}

/**
 * @param read What a kernel reads.
 * @param windows How it goes over that.
 * @param path The path of its layer.
 * @returns By position and output what it makes of constants, where it reads nothing else, and whether it reads any; undefined
 * where each output depends on something that is not known.
 */
export function sumsOf(
  { input, kernel: kernelNow }: KernelRead,
  { places, pads }: Windows,
  path: string,
):
  | { readonly values: Float64Array; readonly notes: Array<string | undefined>; readonly isUsed: boolean }
  | undefined {
  const kernel = kernelNow();
  const { inputs, outputs } = kernel;
  const own = independent(input, kernel);
  if (own.length === 0) return undefined;
  const values = new Float64Array(places.length * outputs).fill(Number.NaN);
  const notes = Array<string | undefined>(values.length).fill(undefined);
  let isUsed = false;
  places.forEach((window, w) => {
    for (const o of own) values[w * outputs + o] = 0;
    window.forEach((place, tap) => {
      for (let i = 0; place >= 0 && i < inputs; i++) {
        const value = input.values[place * inputs + i]!;
        if (value === 0 || Number.isNaN(value)) continue;
        const base = tap * kernel.tapStride + i * kernel.inputStride;
        for (const o of own) {
          const weight = kernel.values[base + o * kernel.outputStride]!;
          if (weight === 0) continue;
          isUsed = true;
          values[w * outputs + o]! += value * weight;
          notes[w * outputs + o] ??= input.notes[place * inputs + i] ?? (pads[tap] === 1 ? path : undefined);
        }
      }
    });
  });
  return { values, notes, isUsed };
}

/** The outputs that read no channel of which anything is not known. */
function independent(input: Constants, kernel: Kernel): number[] {
  const { values, inputs, outputs, tapStride, inputStride, outputStride } = kernel;
  const isUnknown = new Uint8Array(inputs);
  input.values.forEach((value, i) => {
    if (Number.isNaN(value)) isUnknown[i % inputs] = 1;
  });
  const taps = values.length / tapStride;
  let left = Array.from({ length: outputs }, (_, o) => o);
  for (let i = 0; i < inputs; i++) {
    for (let tap = 0; isUnknown[i] === 1 && tap < taps; tap++) {
      const base = tap * tapStride + i * inputStride;
      left = left.filter((o) => values[base + o * outputStride] === 0);
    }
  }
  return left;
}

/** What one input channel adds to each output. */
export interface Product {
  readonly sums: Float64Array;
  /** What they are sums of, all taken as positive. */
  readonly sizes: Float64Array;
  /** Whether it adds that at all positions. */
  readonly isAlike: boolean;
  /** The path of what pads the channel, where padding is taken to continue it. */
  readonly note: string | undefined;
}

/**
 * @param read What a kernel reads.
 * @param path The path of its layer.
 * @param index A channel, all of which is known.
 * @param matters For each output 1 where it matters what is added.
 * @returns What it adds; undefined where that depends on a size that is open.
 */
export function productOf(
  { input, windows, kernel }: KernelRead,
  path: string,
  index: number,
  matters: Uint8Array,
): Product | undefined {
  if (windows === undefined) return undefined;
  const { values, inputs, outputs, tapStride, inputStride, outputStride } = kernel();
  let note: string | undefined;
  const sumsAt = (window: readonly number[]): Pick<Product, 'sums' | 'sizes'> => {
    const [sums, sizes] = [new Float64Array(outputs), new Float64Array(outputs)];
    window.forEach((place, tap) => {
      const value = place < 0 ? 0 : input.values[place * inputs + index]!;
      if (value === 0) return;
      const base = tap * tapStride + index * inputStride;
      let isRead = false;
      for (let o = 0; o < outputs; o++) {
        const term = value * values[base + o * outputStride]!;
        sums[o]! += term;
        sizes[o]! += Math.abs(term);
        isRead ||= term !== 0 && matters[o] === 1;
      }
      if (isRead)
        note ??= input.notes[place * inputs + index] ?? (windows.pads[tap] === 1 ? path : undefined);
    });
    return { sums, sizes };
  };
  const first = sumsAt(windows.places[0] ?? []);
  const isAlike = windows.places.every((window, w) => w === 0 || isSame(sumsAt(window), first, matters));
  return { ...first, isAlike, note };
}

/** How much of a sum may be rounding. */
const ROUNDING = 1e-9;

/** @returns Whether what is added is the same but for rounding. Sums of a kernel that is broken are NaN, and alike. */
export function isSame(
  a: Pick<Product, 'sums' | 'sizes'>,
  b: Pick<Product, 'sums' | 'sizes'>,
  matters: Uint8Array,
): boolean {
  for (let o = 0; o < a.sums.length; o++) {
    const [sum, other] = [a.sums[o]!, b.sums[o]!];
    if (matters[o] === 0 || sum === other || (Number.isNaN(sum) && Number.isNaN(other))) continue;
    // Not the other way round: of what is no number none is near.
    if (!(Math.abs(sum - other) <= ROUNDING * Math.max(a.sizes[o]!, b.sizes[o]!))) return false;
  }
  return true;
}
