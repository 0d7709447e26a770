import type { RecordedKernels } from '../wasm/tape';
import { TILE } from '../wasm/wat/tile';
import type { Geometry } from './geometry';
import { type Images, readPixels, TILE_BYTES, writePixels } from './pixel-run';
import type { Engine } from './sparse-weight';
import type { TileStream } from './tile-stream';

/** What a convolution reads and writes, in the backend's memory. */
export interface Operands {
  /** The images. */
  readonly x: Images;
  /** The output. */
  readonly y: Images;
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

/** Who computes. */
type Workers = Pick<Engine, 'kernels' | 'team'>;

/** Parts for each thread, so that one which begins late leaves its parts to the others. */
const PARTS_PER_THREAD = 4;

/** Into how many parts work is split at most. */
function mostParts({ threads }: Engine['team']): number {
  return threads === 1 ? 1 : PARTS_PER_THREAD * threads;
}

/** Splits so many pieces of work into parts; calls with the numbers of the first of a part and of the next one's first. */
function inParts(
  { kernels, team }: Workers,
  pieces: number,
  work: (kernels: RecordedKernels, first: number, next: number, part: number) => void,
): void {
  const parts = Math.min(pieces, mostParts(team));
  const first = (part: number): number => Math.floor((pieces * part) / parts);
  team.run(kernels, parts, (recorded, part) => work(recorded, first(part), first(part + 1), part));
}

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
  const { heads, stream } = packed;
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
      kernels.sparseTile(heads, stream, stream, tile, bias, to, min, max, vectorsOf(end - start));
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
 * @param geometry The layout of an image.
 * @param packed The kernel.
 * @returns Bytes.
 */
export function spatialScratch(team: Engine['team'], geometry: Geometry, packed: TileStream): number {
  return geometry.bytes + mostParts(team) * TILE_BYTES * packed.channels;
}

/**
 * Convolves one image after the other.
 *
 * @param workers Who computes.
 * @param memory The backend's bytes.
 * @param geometry How an image is laid out.
 * @param operands What is read and written.
 */
export function convolveSpatial(
  workers: Workers,
  memory: Uint8Array,
  geometry: Geometry,
  operands: Operands,
): void {
  const c = geometry.convolution;
  // The padding stays zero from one image to the next.
  memory.fill(0, operands.scratch, operands.scratch + geometry.bytes);
  for (let image = 0; image < c.batchSize; image++) {
    layPlanes(workers, geometry, operands, image * c.inHeight * c.inWidth);
    convolvePlanes(workers, geometry, operands, image * c.outHeight * c.outWidth);
  }
}

/** Lays out an image whose pixels begin at some number. */
function layPlanes(workers: Workers, geometry: Geometry, { x, scratch }: Operands, image: number): void {
  const { convolution: c, rows, columns, rowStride, planeStride } = geometry;
  let phasePlanes = scratch;
  for (const row of rows.phases) {
    for (const column of columns.phases) {
      const planes = phasePlanes;
      const firstColumn = column.first + column.before * c.strideWidth;
      inParts(workers, row.inside, (kernels, begin, next) => {
        for (let i = row.before + begin; i < row.before + next; i++) {
          const first = image + (row.first + i * c.strideHeight) * c.inWidth + firstColumn;
          const to = planes + 4 * (i * rowStride + column.before);
          readPixels(kernels, x, first, c.strideWidth, column.inside, to, 4 * planeStride);
        }
      });
      phasePlanes += 4 * planeStride * c.inChannels;
    }
  }
}

/** Convolves an image that is laid out, whose output's pixels begin at some number. */
function convolvePlanes(
  workers: Workers,
  geometry: Geometry,
  { y, bias, packed, min, max, scratch: planes }: Operands,
  image: number,
): void {
  const { convolution: c, rowStride, length } = geometry;
  const { heads, stream } = packed;
  inParts(workers, Math.ceil(length / TILE), (kernels, first, next, part) => {
    const results = planes + geometry.bytes + part * TILE_BYTES * y.channels;
    for (let start = TILE * first; start < TILE * next; start += TILE) {
      const end = Math.min(start + TILE, length);
      const x = planes + 4 * start;
      kernels.sparseTile(heads, stream, stream, x, bias, results, min, max, vectorsOf(end - start));
      for (let row = Math.floor(start / rowStride); row * rowStride < end; row++) {
        const from = Math.max(start, row * rowStride);
        const to = Math.min(end, row * rowStride + c.outWidth);
        if (from >= to) continue;
        const pixel = image + row * c.outWidth + from - row * rowStride;
        writePixels(kernels, results + 4 * (from - start), y, pixel, to - from);
      }
    }
  });
}
