import type { Heap } from '../wasm/heap';
import { FAR_ENTRY, GROUP, GROUP_BITS, NEAR_ENTRY } from '../wasm/wat/tile';

/** The largest byte offset of a near weight: 16 bits tell it in floats. */
const NEAREST = 4 * 0xffff;
/** Bytes of what is kept of an output channel. */
const HEAD = 4;
/** The most weights of an output channel that its head can tell. */
export const MOST_WEIGHTS: number = 2 ** (32 - GROUP_BITS) - 1;

/** A kernel's weights without its zeros, in the backend's memory; see wat/sparse-tile.ts for the layout. */
export interface TileStream {
  /** How many weights there are. */
  readonly nonzeros: number;
  /** Bytes of memory that it takes. */
  readonly bytes: number;
  /** Address of the channels. */
  readonly heads: number;
  /** Address of the weights, where the channels end. */
  readonly stream: number;
  /** Number of output channels. */
  readonly channels: number;
  /** Which kernel reads it: that of near weights, or the one for any offsets. */
  readonly kernel: 'sparseTile' | 'sparseTileNear';
  free(): void;
}

/**
 * Packs a kernel in one pass over its memory.
 *
 * @param heap Where the kernel is, and the packed weights will be.
 * @param address The kernel's: row-major [taps, channels], the last axis the output channels.
 * @param offsets For each tap, the byte offset that goes with its weights.
 * @param counts What {@link countNonzeros} gives for it: its output channels.
 * @param isLasting Whether no larger offsets are to come: then weights take less memory if these are small.
 * @returns The packed weights, to be freed by the caller; undefined where there is no memory left.
 */
export function packTiles(
  heap: Heap,
  address: number,
  offsets: Int32Array,
  counts: Int32Array,
  isLasting: boolean,
): TileStream | undefined {
  const channels = counts.length;
  const size = offsets.length * channels;
  const nonzeros = counts.reduce((sum, count) => sum + count, 0);
  const isNear = isLasting && isAllNear(offsets);
  const entry = isNear ? NEAR_ENTRY : FAR_ENTRY;
  const bytes = HEAD * channels + entry * nonzeros;
  const heads = heap.allocate(bytes);
  if (heads === undefined) return undefined;
  const stream = heads + HEAD * channels;
  const bits = new Int32Array(heap.buffer, address, size);
  const starts = writeHeads(new Int32Array(heap.buffer, heads, channels), counts);
  const halves = isNear ? 3 : 4;
  writeStream(new Uint16Array(heap.buffer, stream, halves * nonzeros), halves, starts, bits, offsets);
  const kernel = isNear ? 'sparseTileNear' : 'sparseTile';
  return { nonzeros, bytes, heads, stream, channels, kernel, free: () => heap.free(heads) };
}

function isAllNear(offsets: Int32Array): boolean {
  return offsets.every((offset) => offset <= NEAREST);
}

/**
 * Gives packed weights other offsets, for images of another size.
 *
 * @param heap Where they are.
 * @param packed The weights.
 * @param from The offsets that they have.
 * @param to The offsets that they are to have.
 * @returns Whether they could; false, with nothing changed, where the weights are near and an offset is not.
 */
export function changeOffsets(heap: Heap, packed: TileStream, from: Int32Array, to: Int32Array): boolean {
  const isNear = packed.kernel === 'sparseTileNear';
  if (isNear && !isAllNear(to)) return false;
  const last = from.reduce((most, offset) => Math.max(most, offset), 0);
  const table = new Int32Array(last / 4 + 1);
  for (let tap = 0; tap < from.length; tap++) table[from[tap]! / 4] = to[tap]!;
  if (isNear) {
    const stream = new Uint16Array(heap.buffer, packed.stream, 3 * packed.nonzeros);
    for (let i = 2; i < stream.length; i += 3) stream[i] = table[stream[i]!]! >> 2;
  } else {
    const stream = new Int32Array(heap.buffer, packed.stream, 2 * packed.nonzeros);
    for (let i = 1; i < stream.length; i += 2) stream[i] = table[stream[i]! >> 2]!;
  }
  return true;
}

/** How many bits there are besides a float's sign: none for 0 and −0. */
const MAGNITUDE = 0x7fffffff;

/**
 * Counts the weights that are not zero.
 *
 * @param bits The kernel's bits, row-major [taps, channels].
 * @param channels Number of output channels.
 * @returns One count for each output channel.
 */
export function countNonzeros(bits: Int32Array, channels: number): Int32Array {
  const counts = new Int32Array(channels);
  for (let row = 0; row < bits.length; row += channels) {
    for (let channel = 0; channel < channels; channel++) {
      // The sign bit of −magnitude: 1 where it is not 0.
      counts[channel]! += -(bits[row + channel]! & MAGNITUDE) >>> 31;
    }
  }
  return counts;
}

/** Writes the channels and returns, for each, which of all weights its first one is. */
function writeHeads(heads: Int32Array, counts: Int32Array): Int32Array {
  const starts = new Int32Array(counts.length);
  let head = 0;
  let next = 0;
  for (let start = 0; start < counts.length; start += GROUP) {
    const group = Array.from(counts.subarray(start, start + GROUP), (_, i) => start + i);
    for (const channel of group.sort((a, b) => counts[a]! - counts[b]!)) {
      heads[head++] = (counts[channel]! << GROUP_BITS) | (channel - start);
      starts[channel] = next;
      next += counts[channel]!;
    }
  }
  return starts;
}

/** Writes weights in halves: with three a weight near offsets, in floats, with four any. */
function writeStream(
  target: Uint16Array,
  halves: 3 | 4,
  starts: Int32Array,
  bits: Int32Array,
  offsets: Int32Array,
): void {
  const channels = starts.length;
  const cursors = starts.map((start) => halves * start);
  for (let tap = 0; tap < offsets.length; tap++) {
    const offset = halves === 3 ? offsets[tap]! >> 2 : offsets[tap]!;
    const row = tap * channels;
    for (let channel = 0; channel < channels; channel++) {
      const weight = bits[row + channel]!;
      if ((weight & MAGNITUDE) === 0) continue;
      const at = cursors[channel]!;
      // What is beyond sixteen bits is cut off.
      target[at] = weight;
      target[at + 1] = weight >>> 16;
      target[at + 2] = offset;
      if (halves === 4) target[at + 3] = offset >>> 16;
      cursors[channel] = at + halves;
    }
  }
}
