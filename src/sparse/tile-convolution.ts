import type { RecordedKernels } from '../wasm/tape';
import { TILE } from '../wasm/wat/tile';
import type { Geometry } from './geometry';
import { type Images, readPixels, TILE_BYTES, writePixels } from './pixel-run';
import type { Engine } from './sparse-weight';
import { layImage, layWindow } from './tile-layout';
import type { TileStream } from './tile-stream';
import { inParts, mostParts, type Operands, type Workers } from './tile-work';

/** How many fours of pixels a tile of so many pixels takes. */
function vectorsOf(pixels: number): number {
  return (pixels + 3) >> 2;
}

/**
 * How much room {@link convolvePointwise} needs.
 *
 * @param team Who computes.
 * @param channels Of the input.
 * @param packed The kernel.
 * @returns Bytes.
 */
export function pointwiseScratch(team: Engine['team'], channels: number, packed: TileStream): number {
  return mostParts(team) * TILE_BYTES * (channels + packed.channels);
}

/** Pixels of the input that a pointwise convolution reads, in rows; steps are numbers of pixels. */
export interface Pixels {
  readonly images: number;
  /** Rows of an image, and pixels of a row. */
  readonly rows: number;
  readonly columns: number;
  readonly imageStep: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/**
 * Mixes the channels of each pixel, a tile of pixels at a time.
 *
 * @param workers Who computes.
 * @param pixels Which.
 * @param operands What is read and written.
 */
export function convolvePointwise(
  workers: Workers,
  pixels: Pixels,
  { x, y, bias, packed, min, max, scratch }: Operands,
): void {
  const { heads, stream, kernel } = packed;
  const count = pixels.images * pixels.rows * pixels.columns;
  // One tile meets the next where they are.
  const isWhole = x.isTiled && pixels.images === 1 && pixels.rows === 1 && pixels.columnStep === 1;
  inParts(workers, Math.ceil(count / TILE), (kernels, first, next, part) => {
    const gathered = scratch + part * TILE_BYTES * (x.channels + y.channels);
    const results = gathered + TILE_BYTES * x.channels;
    for (let start = TILE * first; start < TILE * next; start += TILE) {
      const end = Math.min(start + TILE, count);
      const tile = isWhole ? x.address + 4 * x.channels * start : gathered;
      if (!isWhole) gather(kernels, pixels, start, end, x, gathered);
      const to = y.isTiled ? y.address + 4 * y.channels * start : results;
      kernels[kernel](heads, stream, stream, tile, bias, to, min, max, vectorsOf(end - start));
      if (!y.isTiled) writePixels(kernels, results, y, start, end - start);
    }
  });
}

/** Brings the channels of some pixels together. */
function gather(
  kernels: RecordedKernels,
  { rows, columns, imageStep, rowStep, columnStep }: Pixels,
  start: number,
  end: number,
  x: Images,
  tile: number,
): void {
  for (let row = Math.floor(start / columns); row * columns < end; row++) {
    const from = Math.max(start, row * columns);
    const to = Math.min(end, (row + 1) * columns);
    const image = Math.floor(row / rows);
    const first = image * imageStep + (row - image * rows) * rowStep + (from - row * columns) * columnStep;
    readPixels(kernels, x, first, columnStep, to - from, tile + 4 * (from - start), TILE_BYTES);
  }
}

/**
 * How much room {@link convolveSpatial} needs.
 *
 * @param team Who computes.
 * @param geometry How images are laid out.
 * @param packed The kernel.
 * @returns Bytes.
 */
export function spatialScratch(team: Engine['team'], geometry: Geometry, packed: TileStream): number {
  const { once, each } = roomOf(geometry);
  return once + mostParts(team) * (each + TILE_BYTES * packed.channels);
}

/** Bytes of what is laid out once for an image, and for each tile anew. */
function roomOf({ layout, size }: Geometry): { readonly once: number; readonly each: number } {
  return layout === 'windows' ? { once: 0, each: 4 * size } : { once: 4 * size, each: 0 };
}

/**
 * Convolves one image after the other.
 *
 * @param workers Who computes.
 * @param geometry How an image is laid out.
 * @param batchSize How many images.
 * @param operands What is read and written.
 */
export function convolveSpatial(
  workers: Workers,
  geometry: Geometry,
  batchSize: number,
  operands: Operands,
): void {
  const { inHeight, inWidth, outHeight, outWidth } = geometry.convolution;
  for (let image = 0; image < batchSize; image++) {
    const first = image * inHeight * inWidth;
    if (geometry.layout !== 'windows') layImage(workers, geometry, operands, first);
    convolveImage(workers, geometry, operands, first, image * outHeight * outWidth);
  }
}

/**
 * Convolves an image.
 *
 * @param workers Who computes.
 * @param geometry How it is laid out.
 * @param operands What is read and written.
 * @param from The number of its first pixel.
 * @param to That of its output.
 */
function convolveImage(
  workers: Workers,
  geometry: Geometry,
  operands: Operands,
  from: number,
  to: number,
): void {
  const { bias, packed, min, max, scratch, y } = operands;
  const { heads, stream, channels, kernel } = packed;
  const { layout, lines, length, rowLength, rowStride } = geometry;
  const { outWidth } = geometry.convolution;
  const { once, each } = roomOf(geometry);
  const tilesOfLine = Math.ceil(length / TILE);
  inParts(workers, lines * tilesOfLine, (kernels, first, next, part) => {
    const window = scratch + once + part * (each + TILE_BYTES * channels);
    const results = window + each;
    for (let tile = first; tile < next; tile++) {
      const line = Math.floor(tile / tilesOfLine);
      const start = TILE * (tile - line * tilesOfLine);
      const end = Math.min(start + TILE, length);
      if (layout === 'windows') layWindow(kernels, geometry, operands, from, start, end, window);
      const x = layout === 'windows' ? window : scratch + 4 * (line * rowStride + start);
      const row = Math.floor(start / rowLength);
      const place = start - row * rowLength;
      const pixel = to + (line + row) * outWidth + place;
      // A tile of the output has no useless results in it.
      const isWhole = y.isTiled && pixel % TILE === 0 && end - start === TILE && place + TILE <= outWidth;
      const target = isWhole ? y.address + 4 * y.channels * pixel : results;
      kernels[kernel](heads, stream, stream, x, bias, target, min, max, vectorsOf(end - start));
      if (!isWhole) writeRows(kernels, geometry, target, y, to + line * outWidth, start, end);
    }
  });
}

/** Puts the results of a tile where they belong; the pixels of its line begin at some number. */
function writeRows(
  kernels: RecordedKernels,
  { convolution: { outWidth }, rowLength }: Geometry,
  results: number,
  y: Images,
  first: number,
  start: number,
  end: number,
): void {
  for (let row = Math.floor(start / rowLength); row * rowLength < end; row++) {
    const from = Math.max(start, row * rowLength);
    const to = Math.min(end, row * rowLength + outWidth);
    if (from >= to) continue;
    const pixel = first + row * outWidth + from - row * rowLength;
    writePixels(kernels, results + 4 * (from - start), y, pixel, to - from);
  }
}
