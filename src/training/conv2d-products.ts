/** A convolution and its two gradients as matrix products in the wasm backend's memory. */
import type * as tf from '@tensorflow/tfjs';
import type { PrunedData } from '../core/pruned-data';
import { PANEL_ROWS } from '../wasm/wat/panel';
import type { Multiplier } from './matrix-product';
import { columnsOf, filterTransposed, type Taps, windows, windowsTransposed } from './operands';
import { gridTaps, pixelsOf } from './pixel-taps';
import { sparseMatrixOf } from './pruned-filter';
import { differentiateSparse, multiplySparse } from './sparse-products';

/** A convolution's sizes, as tfjs computes them; NHWC. */
export type Conv2DInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>;

/** Whether each pixel of the output meets the pixel of the input in its place, and no other. */
function isPointwise(info: Conv2DInfo): boolean {
  const { top, bottom, left, right } = info.padInfo;
  const isSingle = info.filterHeight * info.filterWidth * info.strideHeight * info.strideWidth === 1;
  return isSingle && top + bottom + left + right === 0;
}

/** The pixels of x that the output's pixels meet. */
function inputTaps(info: Conv2DInfo, address: number, zeros: number): Taps {
  const { inHeight: height, inWidth: width, inChannels: channels, filterWidth, padInfo } = info;
  if (isPointwise(info)) return pixelsOf(address, channels);
  const taps = Array.from({ length: info.filterHeight * filterWidth }, (_, tap) => ({
    top: Math.floor(tap / filterWidth) * info.dilationHeight - padInfo.top,
    left: (tap % filterWidth) * info.dilationWidth - padInfo.left,
  }));
  const { outHeight: rows, outWidth: columns, strideHeight: rowStep, strideWidth: columnStep } = info;
  return gridTaps({ address, height, width, channels, zeros }, { rows, columns, rowStep, columnStep, taps });
}

const allTaps = ({ count }: Taps): number[] => Array.from({ length: count }, (_, tap) => tap);

/**
 * `y = x ∗ filter`, or that added to what y holds.
 *
 * @param multiplier What multiplies.
 * @param info The convolution.
 * @param at The addresses of its tensors.
 * @param add Whether to add to y.
 * @param pruned The filter's mask, where it is to be made use of.
 * @returns Whether there was memory for it; nothing has changed otherwise.
 */
export function convolve(
  multiplier: Multiplier,
  info: Conv2DInfo,
  at: { readonly x: number; readonly filter: number; readonly y: number },
  add = false,
  pruned?: PrunedData,
): boolean {
  const { inChannels, outChannels } = info;
  const zeros = multiplier.prepare(Math.max(inChannels, outChannels));
  if (zeros === undefined) return false;
  const taps = inputTaps(info, at.x, zeros);
  const rows = info.batchSize * info.outHeight * info.outWidth;
  const rowOf = (row: number): number => at.y + 4 * outChannels * row;
  const matrix =
    pruned && sparseMatrixOf(multiplier.heap, pruned, { ...info, taps: allTaps(taps), columns: 'out' });
  const sparse = matrix && { rows, taps, matrix, filter: at.filter, rowOf, add };
  if (sparse !== undefined && multiplySparse(multiplier, zeros, sparse)) return true;
  multiplier.multiply({
    rows,
    columns: outChannels,
    depth: taps.count * inChannels,
    left: windows(taps),
    right: columnsOf(at.filter, outChannels),
    rowOf,
    add,
  });
  return true;
}

/**
 * The gradient of the filter, [filterHeight, filterWidth, inChannels, outChannels].
 *
 * @param multiplier What multiplies.
 * @param info The convolution.
 * @param at The addresses of its tensors.
 * @param pruned The filter's mask, where the gradient is to be zero where it is.
 * @returns Whether there was memory for it; nothing has changed otherwise.
 */
export function differentiateFilter(
  multiplier: Multiplier,
  info: Conv2DInfo,
  at: { readonly x: number; readonly dy: number; readonly filter: number },
  pruned?: PrunedData,
): boolean {
  const { inChannels, outChannels } = info;
  const zeros = multiplier.prepare(Math.max(inChannels, outChannels));
  if (zeros === undefined) return false;
  const taps = inputTaps(info, at.x, zeros);
  const pixels = info.batchSize * info.outHeight * info.outWidth;
  if (pruned !== undefined) {
    const matrix = sparseMatrixOf(multiplier.heap, pruned, { ...info, taps: allTaps(taps), columns: 'out' });
    const dy = pixelsOf(at.dy, outChannels);
    const size = taps.count * inChannels * outChannels;
    const sparse = matrix && { rows: pixels, taps, dy, matrix, filter: at.filter, size };
    return sparse !== undefined && differentiateSparse(multiplier, zeros, sparse);
  }
  const stride = Math.ceil(inChannels / PANEL_ROWS) * PANEL_ROWS;
  multiplier.multiply({
    rows: taps.count * stride,
    columns: outChannels,
    depth: pixels,
    left: windowsTransposed(taps, stride, PANEL_ROWS),
    right: columnsOf(at.dy, outChannels),
    rowOf: (row) => {
      const channel = row % stride;
      if (channel >= inChannels) return 0;
      return at.filter + 4 * outChannels * (((row - channel) / stride) * inChannels + channel);
    },
  });
  return true;
}

/** Along one axis, the pixels of the input from `phase` on that meet the same taps. */
interface Phase {
  readonly first: number;
  readonly count: number;
  /** The numbers of the taps, and which of the output's pixels the first pixel meets there. */
  readonly taps: ReadonlyArray<{ readonly tap: number; readonly meets: number }>;
}

function phases(size: number, kernel: number, stride: number, pad: number): Phase[] {
  return Array.from({ length: Math.min(stride, size) }, (_, first) => ({
    first,
    count: Math.ceil((size - first) / stride),
    taps: Array.from({ length: kernel }, (_, tap) => ({ tap, meets: (first + pad - tap) / stride })).filter(
      ({ meets }) => Number.isInteger(meets),
    ),
  }));
}

/**
 * The gradient of the input: where the convolution strides, a product for each of the stride² kinds of pixels, with the
 * taps that such a pixel meets.
 *
 * @param multiplier What multiplies.
 * @param info The convolution, not dilated.
 * @param at The addresses of its tensors; `x` is where the gradient goes.
 * @param pruned The filter's mask, where it is to be made use of.
 * @returns Whether there was memory for it; nothing has changed otherwise.
 */
export function differentiateInput(
  multiplier: Multiplier,
  info: Conv2DInfo,
  at: { readonly dy: number; readonly filter: number; readonly x: number },
  pruned?: PrunedData,
): boolean {
  const { inChannels, outChannels, inHeight, inWidth, padInfo } = info;
  const zeros = multiplier.prepare(Math.max(inChannels, outChannels));
  if (zeros === undefined) return false;
  const size = info.batchSize * inHeight * inWidth * inChannels;
  const vertical = phases(inHeight, info.filterHeight, info.strideHeight, padInfo.top);
  const horizontal = phases(inWidth, info.filterWidth, info.strideWidth, padInfo.left);
  if ([...vertical, ...horizontal].some(({ taps }) => taps.length === 0)) {
    new Float32Array(multiplier.heap.buffer, at.x, size).fill(0);
  }
  for (const rows of vertical) {
    for (const columns of horizontal) {
      if (rows.taps.length > 0 && columns.taps.length > 0) {
        differentiatePhase(multiplier, info, { ...at, zeros }, rows, columns, pruned);
      }
    }
  }
  return true;
}

function differentiatePhase(
  multiplier: Multiplier,
  info: Conv2DInfo,
  at: { readonly dy: number; readonly filter: number; readonly x: number; readonly zeros: number },
  rows: Phase,
  columns: Phase,
  pruned: PrunedData | undefined,
): void {
  const { inChannels, outChannels, outHeight, outWidth, inHeight, inWidth, filterWidth } = info;
  const taps = rows.taps.flatMap((row) => columns.taps.map((column) => ({ row, column })));
  const pixels = rows.count * columns.count;
  const dy = { address: at.dy, height: outHeight, width: outWidth, channels: outChannels, zeros: at.zeros };
  const outputTaps = isPointwise(info)
    ? pixelsOf(at.dy, outChannels)
    : gridTaps(dy, {
        rows: rows.count,
        columns: columns.count,
        rowStep: 1,
        columnStep: 1,
        taps: taps.map(({ row, column }) => ({ top: row.meets, left: column.meets })),
      });
  const count = info.batchSize * pixels;
  const numbers = taps.map(({ row, column }) => row.tap * filterWidth + column.tap);
  const rowOf = (pixel: number): number => {
    const image = Math.floor(pixel / pixels);
    const y = rows.first + Math.floor((pixel % pixels) / columns.count) * info.strideHeight;
    const z = columns.first + (pixel % columns.count) * info.strideWidth;
    return at.x + 4 * inChannels * ((image * inHeight + y) * inWidth + z);
  };
  const matrix = pruned && sparseMatrixOf(multiplier.heap, pruned, { ...info, taps: numbers, columns: 'in' });
  const sparse = matrix && {
    rows: count,
    taps: outputTaps,
    matrix,
    filter: at.filter,
    rowOf,
    add: false,
  };
  if (sparse !== undefined && multiplySparse(multiplier, at.zeros, sparse)) return;
  multiplier.multiply({
    rows: count,
    columns: inChannels,
    depth: taps.length * outChannels,
    left: windows(outputTaps),
    right: filterTransposed(at.filter, inChannels, outChannels, numbers),
    rowOf,
  });
}
