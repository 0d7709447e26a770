import type { Kernels } from '../wasm/kernels';
import { TILE } from '../wasm/wat/tile';
import type { Geometry } from './geometry';
import type { TileStream } from './tile-stream';

/** What a convolution reads and writes, as addresses in the backend's memory. */
export interface Operands {
  /** The images, NHWC. */
  readonly x: number;
  /** The output, NHWC. */
  readonly y: number;
  /** A number for each output channel. */
  readonly bias: number;
  /** The packed kernel. */
  readonly packed: TileStream;
  /** Nothing below comes out. */
  readonly min: number;
  /** Nothing above comes out. */
  readonly max: number;
  /** Room for what is needed on the way. */
  readonly scratch: number;
}

const TILE_BYTES = 4 * TILE;

/** How many fours of pixels a tile of so many pixels takes. */
function vectorsOf(pixels: number): number {
  return (pixels + 3) >> 2;
}

/**
 * How much room {@link convolvePointwise} needs.
 *
 * @param channels Of the input.
 * @param packed The kernel.
 * @returns Bytes.
 */
export function pointwiseScratch(channels: number, packed: TileStream): number {
  return TILE_BYTES * (channels + packed.channels);
}

/** Pixels of the input that a pointwise convolution reads. */
export interface Pixels {
  readonly rows: number;
  /** Of a row. */
  readonly columns: number;
  /** How many channels each has. */
  readonly channels: number;
  /** Bytes from one row to the next. */
  readonly rowStep: number;
  /** Bytes from one pixel of a row to the next. */
  readonly columnStep: number;
}

/**
 * Mixes the channels of each pixel, a tile of pixels at a time.
 *
 * @param kernels The kernels.
 * @param pixels Where they are, from the input's address on.
 * @param operands What is read and written.
 */
export function convolvePointwise(
  kernels: Kernels,
  pixels: Pixels,
  { x, y, bias, packed, min, max, scratch }: Operands,
): void {
  const { heads, stream, channels: outputs } = packed;
  const results = scratch + TILE_BYTES * pixels.channels;
  const count = pixels.rows * pixels.columns;
  for (let start = 0; start < count; start += TILE) {
    const end = Math.min(start + TILE, count);
    gather(kernels, pixels, start, end, x, scratch);
    kernels.sparseTile(heads, stream, stream, scratch, bias, results, min, max, vectorsOf(end - start));
    kernels.toPixels(results, TILE_BYTES, outputs, end - start, y + 4 * outputs * start, 4 * outputs);
  }
}

/** Brings the channels of some pixels together. */
function gather(
  kernels: Kernels,
  { columns, channels, rowStep, columnStep }: Pixels,
  start: number,
  end: number,
  x: number,
  tile: number,
): void {
  for (let row = Math.floor(start / columns); row * columns < end; row++) {
    const from = Math.max(start, row * columns);
    const to = Math.min(end, (row + 1) * columns);
    const first = x + row * rowStep + (from - row * columns) * columnStep;
    kernels.toPlanes(first, columnStep, to - from, channels, tile + 4 * (from - start), TILE_BYTES);
  }
}

/**
 * How much room {@link convolveSpatial} needs.
 *
 * @param geometry The layout of an image.
 * @param packed The kernel.
 * @returns Bytes.
 */
export function spatialScratch(geometry: Geometry, packed: TileStream): number {
  return geometry.bytes + TILE_BYTES * packed.channels;
}

/**
 * Convolves one image after the other.
 *
 * @param kernels The kernels.
 * @param memory The backend's bytes.
 * @param geometry How an image is laid out.
 * @param operands What is read and written.
 */
export function convolveSpatial(
  kernels: Kernels,
  memory: Uint8Array,
  geometry: Geometry,
  operands: Operands,
): void {
  const c = geometry.convolution;
  const inBytes = 4 * c.inHeight * c.inWidth * c.inChannels;
  const outBytes = 4 * c.outHeight * c.outWidth * c.outChannels;
  // The padding stays zero from one image to the next.
  memory.fill(0, operands.scratch, operands.scratch + geometry.bytes);
  for (let image = 0; image < c.batchSize; image++) {
    const x = operands.x + image * inBytes;
    const y = operands.y + image * outBytes;
    layPlanes(kernels, geometry, x, operands.scratch);
    convolvePlanes(kernels, geometry, { ...operands, x, y });
  }
}

function layPlanes(kernels: Kernels, geometry: Geometry, x: number, planes: number): void {
  const { convolution: c, rows, columns, rowStride, planeStride } = geometry;
  const pixelBytes = 4 * c.inChannels;
  let phasePlanes = planes;
  for (const row of rows.phases) {
    for (const column of columns.phases) {
      const firstColumn = column.first + column.before * c.strideWidth;
      for (let i = row.before; i < row.before + row.inside; i++) {
        const firstPixel = (row.first + i * c.strideHeight) * c.inWidth + firstColumn;
        kernels.toPlanes(
          x + firstPixel * pixelBytes,
          pixelBytes * c.strideWidth,
          column.inside,
          c.inChannels,
          phasePlanes + 4 * (i * rowStride + column.before),
          4 * planeStride,
        );
      }
      phasePlanes += 4 * planeStride * c.inChannels;
    }
  }
}

function convolvePlanes(
  kernels: Kernels,
  geometry: Geometry,
  { y, bias, packed, min, max, scratch: planes }: Operands,
): void {
  const { convolution: c, rowStride, length } = geometry;
  const { heads, stream, channels } = packed;
  const results = planes + geometry.bytes;
  for (let start = 0; start < length; start += TILE) {
    const end = Math.min(start + TILE, length);
    kernels.sparseTile(
      heads,
      stream,
      stream,
      planes + 4 * start,
      bias,
      results,
      min,
      max,
      vectorsOf(end - start),
    );
    for (let row = Math.floor(start / rowStride); row * rowStride < end; row++) {
      const from = Math.max(start, row * rowStride);
      const to = Math.min(end, row * rowStride + c.outWidth);
      if (from >= to) continue;
      const pixel = row * c.outWidth + from - row * rowStride;
      kernels.toPixels(
        results + 4 * (from - start),
        TILE_BYTES,
        channels,
        to - from,
        y + 4 * channels * pixel,
        4 * channels,
      );
    }
  }
}
