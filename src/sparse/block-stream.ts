import type { Heap } from '../wasm/heap';

/** How many neighbouring output channels a block may have. */
export type BlockWidth = 8 | 16;

/** The least of them, of which a kernel's output channels must be a multiple to have blocks. */
export const LEAST_WIDTH = 8;

/** A kernel's blocks that are not all zero. */
export interface Blocks {
  /** Output channels of a block. */
  readonly width: BlockWidth;
  /** For each group of so many output channels, how many blocks are left. */
  readonly counts: Int32Array;
  /** How many weights there are in them. */
  readonly weights: number;
}

/** How many times as fast a weight in a block of sixteen is; see {@link decide}. */
const WIDE_GAIN = 1.1;

const MAGNITUDE = 0x7fffffff;

/**
 * Counts blocks of neighbouring output channels that are not all zero: of sixteen, or of eight where that leaves out so many
 * more weights that it is worth it.
 *
 * @param bits The weight's bits, row-major [taps, channels].
 * @param channels Number of output channels, a multiple of {@link LEAST_WIDTH}.
 */
export function blocksOf(bits: Int32Array, channels: number): Blocks {
  const narrow = countBlocks(bits, channels, 8);
  if (channels % 16 !== 0) return narrow;
  const wide = countBlocks(bits, channels, 16);
  return wide.weights <= WIDE_GAIN * narrow.weights ? wide : narrow;
}

/**
 * Counts blocks of a width.
 *
 * @param bits The weight's bits, row-major [taps, channels].
 * @param channels Number of output channels, a multiple of the width.
 * @param width Output channels of a block.
 */
export function countBlocks(bits: Int32Array, channels: number, width: BlockWidth): Blocks {
  const counts = new Int32Array(channels / width);
  for (let row = 0; row < bits.length; row += channels) {
    for (let group = 0; group < counts.length; group++) {
      if (isLeft(bits, row + width * group, width)) counts[group]!++;
    }
  }
  return { width, counts, weights: width * counts.reduce((sum, count) => sum + count, 0) };
}

function isLeft(bits: Int32Array, at: number, width: BlockWidth): boolean {
  let any = 0;
  for (let i = at; i < at + width; i++) any |= bits[i]!;
  return (any & MAGNITUDE) !== 0;
}

/** What the offset of a tap depends on: how many channels a place of the window has, and what lies between places. */
export interface Offsets {
  readonly inputs: number;
  /** Bytes from one row of the window to the next. */
  readonly row: number;
  /** Bytes from one place of a row to the next. */
  readonly column: number;
  /** Places of a row. */
  readonly columns: number;
}

/** A kernel's blocks in the backend's memory; see wat/sparse-block.ts for the layout. */
export interface BlockStream {
  readonly width: BlockWidth;
  /** Bytes of memory that it takes. */
  readonly bytes: number;
  /** Address of the groups of output channels. */
  readonly heads: number;
  /** Address of the blocks, where the groups end. */
  readonly stream: number;
  /** For each group, how many bytes of blocks come before it; in the end, how many there are. */
  readonly starts: Int32Array;
  /** Lets it read images that are laid out so. */
  useOffsets(wanted: Offsets): void;
  free(): void;
}

/**
 * Packs a kernel's blocks in one pass over its memory.
 *
 * @param heap Where the kernel is, and the blocks will be.
 * @param address The kernel's: row-major [taps, channels].
 * @param blocks What {@link blocksOf} gives for it.
 * @param taps Weights of an output channel, zeros included.
 * @returns The packed blocks, to be freed by the caller; undefined where there is no memory left.
 */
export function packBlocks(
  heap: Heap,
  address: number,
  { width, counts, weights }: Blocks,
  taps: number,
): BlockStream | undefined {
  const entry = 1 + width;
  const words = (weights / width) * entry;
  const bytes = 4 * (counts.length + words);
  const heads = heap.allocate(bytes);
  if (heads === undefined) return undefined;
  const stream = heads + 4 * counts.length;
  new Int32Array(heap.buffer, heads, counts.length).set(counts.map((count) => 4 * entry * count));
  const starts = new Int32Array(counts.length + 1);
  for (let group = 0; group < counts.length; group++) {
    starts[group + 1] = starts[group]! + 4 * entry * counts[group]!;
  }
  const bits = new Int32Array(heap.buffer, address, taps * width * counts.length);
  writeBlocks(new Int32Array(heap.buffer, stream, words), starts, bits, width);

  // As they are written: those of a matrix.
  let used: Offsets = { inputs: taps, row: 0, column: 0, columns: 1 };
  const useOffsets = (wanted: Offsets): void => {
    const isSame = (['inputs', 'row', 'column', 'columns'] as const).every(
      (field) => used[field] === wanted[field],
    );
    if (isSame) return;
    rewriteOffsets(new Int32Array(heap.buffer, stream, words), entry, taps, used, wanted);
    used = wanted;
  };
  return { width, bytes, heads, stream, starts, useOffsets, free: () => heap.free(heads) };
}

/** Writes the blocks with the offsets of a matrix: four bytes a tap. */
function writeBlocks(target: Int32Array, starts: Int32Array, bits: Int32Array, width: BlockWidth): void {
  const groups = starts.length - 1;
  const channels = width * groups;
  const cursors = starts.map((start) => start / 4);
  for (let row = 0, tap = 0; row < bits.length; row += channels, tap++) {
    for (let group = 0; group < groups; group++) {
      const from = row + width * group;
      if (!isLeft(bits, from, width)) continue;
      const at = cursors[group]!;
      target[at] = 4 * tap;
      for (let i = 0; i < width; i++) target[at + 1 + i] = bits[from + i]!;
      cursors[group] = at + 1 + width;
    }
  }
}

function offsetOf(tap: number, { inputs, row, column, columns }: Offsets): number {
  const place = Math.floor(tap / inputs);
  const placeRow = Math.floor(place / columns);
  return 4 * (tap - place * inputs) + placeRow * row + (place - placeRow * columns) * column;
}

function rewriteOffsets(stream: Int32Array, entry: number, taps: number, from: Offsets, to: Offsets): void {
  const table = new Map<number, number>();
  for (let tap = 0; tap < taps; tap++) table.set(offsetOf(tap, from), offsetOf(tap, to));
  for (let at = 0; at < stream.length; at += entry) stream[at] = table.get(stream[at]!)!;
}
