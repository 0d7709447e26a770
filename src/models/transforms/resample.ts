/**
 * Resizing as Pillow does it (`ImagingResample` of its Resample.c, for 8-bit images), bit for bit: a filter that widens
 * with the scale when it shrinks, weights in fixed point, first across, then down, rounded to whole levels in between.
 */
import type { RgbImage } from './pixels';

/** Pillow's filter: how it weighs the pixels around a point. */
export type Interpolation = 'bilinear' | 'bicubic';

/** One axis of a resize, and the part of the result that is wanted. */
export interface Span {
  /** Pixels before. */
  readonly from: number;
  /** Pixels after. */
  readonly to: number;
  /** The first pixel wanted of those after. */
  readonly start: number;
  /** How many are wanted. */
  readonly count: number;
}

interface Filter {
  /** The distance in pixels beyond which the weight is zero. */
  readonly support: number;
  weight(distance: number): number;
}

const FILTERS: Readonly<Record<Interpolation, Filter>> = {
  bilinear: { support: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  bicubic: { support: 2, weight: (distance) => cubic(Math.abs(distance)) },
};

/** Keys' kernel with a = −0.5, in Pillow's order of operations. */
function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** Bits after the point: a weighted sum of 8-bit values, which may overshoot by two bits, fits in 32. */
const PRECISION = 32 - 8 - 2;
const HALF = 1 << (PRECISION - 1);

/** For each pixel wanted, the pixels that it is made of and their weights. */
interface Taps {
  /** The first of them. */
  readonly first: Int32Array;
  /** How many there are. */
  readonly length: Int32Array;
  /** Their weights in fixed point, `stride` a pixel. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Resizes an image, as far as the result is wanted.
 *
 * @param image The image.
 * @param across Its width.
 * @param down Its height.
 * @param interpolation Pillow's name of the filter.
 * @returns The bytes that are wanted, [down.count, across.count, 3].
 */
export function resample(
  image: RgbImage,
  across: Span,
  down: Span,
  interpolation: Interpolation,
): Uint8ClampedArray {
  const rows = tapsOf(down, FILTERS[interpolation]);
  const top = rows.first[0]!;
  const bottom = rows.first[down.count - 1]! + rows.length[down.count - 1]!;
  const narrowed = resampleAcross(image, tapsOf(across, FILTERS[interpolation]), top, bottom);
  return resampleDown(narrowed, 3 * across.count, rows, top);
}

function tapsOf({ from, to, start, count }: Span, { support, weight }: Filter): Taps {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const stride = 2 * Math.ceil(reach) + 1;
  const first = new Int32Array(count);
  const length = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < count; i++) {
    const centre = (start + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - reach + 0.5));
    const size = Math.min(from, Math.trunc(centre + reach + 0.5)) - low;
    let total = 0;
    for (let tap = 0; tap < size; tap++) {
      exact[tap] = weight((tap + low - centre + 0.5) * (1 / stretch));
      total += exact[tap]!;
    }
    for (let tap = 0; tap < size; tap++) weights[i * stride + tap] = fixed(exact[tap]! / total);
    first[i] = low;
    length[i] = size;
  }
  return { first, length, weights, stride };
}

/** Rounds halves away from zero, as C does with a cast. */
function fixed(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
}

/** Resizes the rows from `top` to before `bottom`. */
function resampleAcross(image: RgbImage, taps: Taps, top: number, bottom: number): Uint8ClampedArray {
  const rowLength = 3 * taps.first.length;
  const result = new Uint8ClampedArray((bottom - top) * rowLength);
  for (let y = top; y < bottom; y++) {
    resampleRow(image, y * image.width * image.channels, taps, result, (y - top) * rowLength);
  }
  return result;
}

/** Resizes the row that begins at `start`. The array that is written to clamps what overshoots. */
function resampleRow(image: RgbImage, start: number, taps: Taps, into: Uint8ClampedArray, at: number): void {
  const { data, channels } = image;
  const { first, length, weights, stride } = taps;
  for (let x = 0, to = at; x < first.length; x++, to += 3) {
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    let from = start + first[x]! * channels;
    const end = x * stride + length[x]!;
    for (let tap = x * stride; tap < end; tap++, from += channels) {
      const weight = weights[tap]!;
      red += Math.imul(weight, data[from]!);
      green += Math.imul(weight, data[from + 1]!);
      blue += Math.imul(weight, data[from + 2]!);
    }
    into[to] = red >> PRECISION;
    into[to + 1] = green >> PRECISION;
    into[to + 2] = blue >> PRECISION;
  }
}

/** Resizes the columns of rows of which the first is row `top`. */
function resampleDown(
  rows: Uint8ClampedArray,
  rowLength: number,
  taps: Taps,
  top: number,
): Uint8ClampedArray {
  const { first, length, weights, stride } = taps;
  const result = new Uint8ClampedArray(first.length * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < first.length; y++) {
    sums.fill(HALF);
    for (let tap = 0; tap < length[y]!; tap++) {
      addWeighted(sums, rows, (first[y]! - top + tap) * rowLength, weights[y * stride + tap]!);
    }
    writeLevels(sums, result, y * rowLength);
  }
  return result;
}

function addWeighted(sums: Int32Array, rows: Uint8ClampedArray, start: number, weight: number): void {
  for (let x = 0; x < sums.length; x++) sums[x]! += Math.imul(weight, rows[start + x]!);
}

function writeLevels(sums: Int32Array, into: Uint8ClampedArray, at: number): void {
  for (let x = 0; x < sums.length; x++) into[at + x] = sums[x]! >> PRECISION;
}
