/** What a layer's bias has to take over when constant channels no longer come into it. */
import { classNameOf } from '../../core/parameter';
import type { WeightAxis } from '../graph';
import type { Constants } from './constant';
import { summedOverPositions, weightAt, zerosAlong } from './kernels';
import type { Reader } from './read';
import { afterDepthwise, isPadding } from './rules';

/** What becomes of the result of a layer that reads channels, if some of them go. */
export interface Reading {
  /** For each index along the axis: whether the channel can go. */
  readonly verdicts: readonly Verdict[];
  /** For each index what it adds to each output, [index, output]; undefined where nothing is added. */
  readonly shares: { readonly sums: Float64Array; readonly values: Float64Array } | undefined;
}

/** Whether a channel can go as far as one layer is concerned. */
export type Verdict =
  /** It can, and the result stays the same. */
  | 'exact'
  /** It depends on the input. */
  | 'varies'
  /** It can, but not exactly. */
  | { readonly inexact: string }
  /** It is constant, but the layer cannot take that over. */
  | { readonly stays: string };

/** Layers with a bias that is added to the product with their kernel. */
const FOLDING: ReadonlySet<string> = new Set(['Conv1D', 'Conv2D', 'Conv3D', 'Dense', 'SeparableConv2D']);

/**
 * @param reader The layer.
 * @param axis The axis of its weight along which it reads channels.
 * @returns What it makes of each.
 */
export function readingOf({ layer, inputs }: Reader, { layer: path, weight, axis }: WeightAxis): Reading {
  const kernel = weightAt(layer, weight)!;
  const ignored = zerosAlong(kernel, axis);
  const isSeparable = weight === 'pointwiseKernel';
  const isState = weight.endsWith('recurrentKernel');
  // Constants are known along the last axis.
  const isLast = Reflect.get(layer, 'dataFormat') !== 'channelsFirst';
  const input = isState || !isLast ? undefined : agreed(inputs);
  const read = input && (isSeparable ? afterDepthwise(layer, path, input) : input);
  const canFold = FOLDING.has(classNameOf(layer) ?? '') && (weight === 'kernel' || isSeparable);
  const pads = !isSeparable && isPadding(layer);
  const verdicts = Array.from(ignored, (isIgnored, i): Verdict => {
    const value = read?.values[i] ?? Number.NaN;
    if (isIgnored === 1) return 'exact';
    if (Number.isNaN(value)) return 'varies';
    const by = read?.padded[i] ?? (pads ? path : undefined);
    if (value === 0 && read?.padded[i] === undefined) return 'exact';
    if (!canFold)
      return {
        stays: `'${path}' reads them as a constant that is not zero, which no bias of it can take over`,
      };
    return by === undefined
      ? 'exact'
      : { inexact: `'${by}' pads them, so that '${path}' does not read a constant at the borders` };
  });
  const shares = canFold && read ? { sums: summedOverPositions(kernel), values: read.values } : undefined;
  return { verdicts, shares };
}

/** What all calls of a layer agree on. */
function agreed(inputs: readonly Constants[]): Constants | undefined {
  return inputs.length === 0
    ? undefined
    : inputs.reduce((a, b) => ({
        values: a.values.map((value, i) => (value === b.values[i] ? value : Number.NaN)),
        padded: a.padded.map((by, i) => by ?? b.padded[i]),
      }));
}

/**
 * @param reading What a layer reads.
 * @param isRemoved Which indices along the axis go.
 * @returns What its bias has to take over; undefined where that is nothing.
 */
export function shiftOf({ shares }: Reading, isRemoved: (index: number) => boolean): number[] | undefined {
  if (shares === undefined) return undefined;
  const { sums, values } = shares;
  const outputs = sums.length / values.length;
  const shift = Array<number>(outputs).fill(0);
  values.forEach((value, i) => {
    if (!isRemoved(i) || !(value !== 0) || Number.isNaN(value)) return;
    for (let o = 0; o < outputs; o++) shift[o]! += value * sums[i * outputs + o]!;
  });
  return shift.some((value) => value !== 0) ? shift : undefined;
}
