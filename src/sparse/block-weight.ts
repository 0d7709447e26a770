import { type Convolution, isPointwise } from './geometry';
import type { Operation } from './operation';
import type { Engine, SparseWeight } from './sparse-weight';

/** Output channels of a block. */
export const BLOCK = 8;

/** Words of a block in the stream: an offset and its weights. */
const ENTRY = 1 + BLOCK;

/** As much of an image meets all blocks before the next does: what a processor's cache holds beside the blocks. */
const NEAR_BYTES = 32 * 1024;

const MAGNITUDE = 0x7fffffff;

/**
 * Counts blocks of {@link BLOCK} neighbouring output channels that are not all zero.
 *
 * @param bits The weight's bits, row-major [taps, channels].
 * @param channels Number of output channels, a multiple of the block.
 * @returns For each eight channels, how many of their blocks are left.
 */
export function countBlocks(bits: Int32Array, channels: number): Int32Array {
  const counts = new Int32Array(channels / BLOCK);
  for (let row = 0; row < bits.length; row += channels) {
    for (let group = 0; group < counts.length; group++) {
      if (isLeft(bits, row + BLOCK * group)) counts[group]!++;
    }
  }
  return counts;
}

function isLeft(bits: Int32Array, at: number): boolean {
  let any = 0;
  for (let i = at; i < at + BLOCK; i++) any |= bits[i]!;
  return (any & MAGNITUDE) !== 0;
}

/** An image as the kernel reads it: with its padding written out. */
interface Frame {
  readonly convolution: Convolution;
  readonly width: number;
  readonly height: number;
  readonly isPadded: boolean;
}

function frameOf(convolution: Convolution): Frame {
  const c = convolution;
  const spanned = (outputs: number, stride: number, kernel: number, dilation: number): number =>
    (outputs - 1) * stride + (kernel - 1) * dilation + 1;
  const height = Math.max(
    spanned(c.outHeight, c.strideHeight, c.filterHeight, c.dilationHeight),
    c.inHeight + c.padTop,
  );
  const width = Math.max(
    spanned(c.outWidth, c.strideWidth, c.filterWidth, c.dilationWidth),
    c.inWidth + c.padLeft,
  );
  return { convolution, width, height, isPadded: height !== c.inHeight || width !== c.inWidth };
}

/**
 * Packs a weight whose zeros come in blocks of {@link BLOCK} neighbouring output channels. It reads images as they are,
 * eight channels of a pixel at a time.
 *
 * @param engine What it is made and run with.
 * @param address The weight's: row-major [taps, channels].
 * @param counts What {@link countBlocks} gives for it.
 * @param taps Weights of an output channel, zeros included.
 * @param channels Number of output channels, a multiple of the block.
 * @returns The packed weight; undefined where there is no memory left.
 */
export function makeBlockWeight(
  { heap, kernels, workspace }: Engine,
  address: number,
  counts: Int32Array,
  taps: number,
  channels: number,
): SparseWeight | undefined {
  const blocks = counts.reduce((sum, count) => sum + count, 0);
  const bytes = 4 * ENTRY * blocks;
  const stream = heap.allocate(Math.max(bytes, 4));
  if (stream === undefined) return undefined;
  const starts = startsOf(counts);
  const words = (): Int32Array => new Int32Array(heap.buffer, stream, ENTRY * blocks);
  writeBlocks(words(), starts, new Int32Array(heap.buffer, address, taps * channels), channels);

  // The offset of a tap is that of its channel, plus its window's place times what lies between pixels and rows.
  let used = { inputs: taps, dilatedRow: 0, dilatedColumn: 0, columns: 1 };
  const useOffsets = (wanted: typeof used): void => {
    const isSame = (['inputs', 'dilatedRow', 'dilatedColumn', 'columns'] as const).every(
      (field) => used[field] === wanted[field],
    );
    if (!isSame) rewriteOffsets(words(), taps, used, wanted);
    used = wanted;
  };

  const run = (
    rows: number,
    { y, bias, range }: Operation,
    at: { x: number; xStep: number; rowBytes: number; pixels: number; zeros: number },
  ): void => {
    const yStep = 4 * channels;
    const nearPixels = Math.max(Math.floor(NEAR_BYTES / at.xStep) & -4, 4);
    const nearRows = Math.max(Math.floor(nearPixels / at.pixels), 1);
    const runGroups = (fromRow: number, toRow: number, fromPixel: number, toPixel: number): void => {
      for (let group = 0; group < counts.length; group++) {
        const [from, to] = [stream + 4 * starts[group]!, stream + 4 * starts[group + 1]!];
        const groupBytes = 4 * BLOCK * group;
        for (let row = fromRow; row < toRow; row++) {
          const start = y + groupBytes + row * at.pixels * yStep;
          kernels.sparseBlock(
            from,
            to,
            at.x + row * at.rowBytes + fromPixel * at.xStep,
            at.xStep,
            start + fromPixel * yStep,
            yStep,
            start + toPixel * yStep,
            (bias ?? at.zeros) + groupBytes,
            range.min,
            range.max,
          );
        }
      }
    };
    for (let row = 0; row < rows; row += nearRows) {
      for (let pixel = 0; pixel < at.pixels; pixel += nearPixels) {
        runGroups(row, Math.min(row + nearRows, rows), pixel, Math.min(pixel + nearPixels, at.pixels));
      }
    }
  };

  const multiply = (rows: number, inputs: number, operation: Operation): boolean => {
    const zeros = reserveZeros(0);
    if (zeros === undefined) return false;
    useOffsets({ inputs, dilatedRow: 0, dilatedColumn: 0, columns: 1 });
    run(1, operation, { x: operation.x, xStep: 4 * inputs, rowBytes: 0, pixels: rows, zeros });
    return true;
  };

  /** Reserves room after zeros for a layer without a bias. */
  function reserveZeros(more: number): number | undefined {
    const zeros = workspace.reserve(4 * channels + more);
    if (zeros !== undefined) new Uint8Array(heap.buffer).fill(0, zeros, zeros + 4 * channels);
    return zeros;
  }

  const convolve = (convolution: Convolution, operation: Operation): boolean => {
    const c = convolution;
    if (isPointwise(c)) return multiply(c.batchSize * c.outHeight * c.outWidth, c.inChannels, operation);
    const frame = frameOf(c);
    const pixelBytes = 4 * c.inChannels;
    const frameBytes = frame.isPadded ? frame.width * frame.height * pixelBytes : 0;
    const zeros = reserveZeros(frameBytes);
    if (zeros === undefined) return false;
    useOffsets({
      inputs: c.inChannels,
      dilatedRow: frame.width * pixelBytes * c.dilationHeight,
      dilatedColumn: pixelBytes * c.dilationWidth,
      columns: c.filterWidth,
    });
    const memory = new Uint8Array(heap.buffer);
    const padded = zeros + 4 * channels;
    memory.fill(0, padded, padded + frameBytes);
    for (let image = 0; image < c.batchSize; image++) {
      const x = operation.x + image * c.inHeight * c.inWidth * pixelBytes;
      if (frame.isPadded) copyInto(memory, frame, x, padded);
      run(
        c.outHeight,
        { ...operation, y: operation.y + image * c.outHeight * c.outWidth * 4 * channels },
        {
          x: frame.isPadded ? padded : x,
          xStep: pixelBytes * c.strideWidth,
          rowBytes: frame.width * pixelBytes * c.strideHeight,
          pixels: c.outWidth,
          zeros,
        },
      );
    }
    return true;
  };
  return { heap, channels, bytes, convolve, multiply, free: () => heap.free(stream) };
}

/** Where the blocks of each group begin in the stream, and where the last ones end, in words. */
function startsOf(counts: Int32Array): Int32Array {
  const starts = new Int32Array(counts.length + 1);
  for (let group = 0; group < counts.length; group++)
    starts[group + 1] = starts[group]! + ENTRY * counts[group]!;
  return starts;
}

/** Writes the blocks with the offsets of a matrix: four bytes a tap. */
function writeBlocks(target: Int32Array, starts: Int32Array, bits: Int32Array, channels: number): void {
  const cursors = starts.slice();
  for (let row = 0, tap = 0; row < bits.length; row += channels, tap++) {
    for (let group = 0; group < starts.length - 1; group++) {
      const from = row + BLOCK * group;
      if (!isLeft(bits, from)) continue;
      const at = cursors[group]!;
      target[at] = 4 * tap;
      for (let i = 0; i < BLOCK; i++) target[at + 1 + i] = bits[from + i]!;
      cursors[group] = at + ENTRY;
    }
  }
}

/** What the offset of a tap depends on: how many channels a place of the window has, and what lies between places. */
interface Offsets {
  readonly inputs: number;
  readonly dilatedRow: number;
  readonly dilatedColumn: number;
  readonly columns: number;
}

function offsetOf(tap: number, { inputs, dilatedRow, dilatedColumn, columns }: Offsets): number {
  const place = Math.floor(tap / inputs);
  const row = Math.floor(place / columns);
  return 4 * (tap - place * inputs) + row * dilatedRow + (place - row * columns) * dilatedColumn;
}

function rewriteOffsets(stream: Int32Array, taps: number, from: Offsets, to: Offsets): void {
  const table = new Map<number, number>();
  for (let tap = 0; tap < taps; tap++) table.set(offsetOf(tap, from), offsetOf(tap, to));
  for (let at = 0; at < stream.length; at += ENTRY) stream[at] = table.get(stream[at]!)!;
}

function copyInto(memory: Uint8Array, { convolution: c, width }: Frame, x: number, padded: number): void {
  const pixelBytes = 4 * c.inChannels;
  const rowBytes = c.inWidth * pixelBytes;
  for (let row = 0; row < c.inHeight; row++) {
    const to = padded + ((row + c.padTop) * width + c.padLeft) * pixelBytes;
    memory.copyWithin(to, x + row * rowBytes, x + (row + 1) * rowBytes);
  }
}
