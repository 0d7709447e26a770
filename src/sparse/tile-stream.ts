import type { Heap } from '../wasm/heap';
import { GROUP, GROUP_BITS } from '../wasm/wat/tile';

/** Bytes of a weight and its offset. */
const ENTRY = 8;
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
  free(): void;
}

/**
 * Packs a kernel in one pass over its memory.
 *
 * @param heap Where the kernel is, and the packed weights will be.
 * @param address The kernel's: row-major [taps, channels], the last axis the output channels.
 * @param offsets For each tap, the byte offset that goes with its weights.
 * @param counts What {@link countNonzeros} gives for it: its output channels.
 * @returns The packed weights, to be freed by the caller; undefined where there is no memory left.
 */
export function packTiles(
  heap: Heap,
  address: number,
  offsets: Int32Array,
  counts: Int32Array,
): TileStream | undefined {
  const channels = counts.length;
  const size = offsets.length * channels;
  const nonzeros = counts.reduce((sum, count) => sum + count, 0);
  const bytes = HEAD * channels + ENTRY * nonzeros;
  const heads = heap.allocate(bytes);
  if (heads === undefined) return undefined;
  const stream = heads + HEAD * channels;
  const target = new Int32Array(heap.buffer, heads, bytes / 4);
  const cursors = writeHeads(target, counts);
  writeStream(target, cursors, new Int32Array(heap.buffer, address, size), offsets);
  return { nonzeros, bytes, heads, stream, channels, free: () => heap.free(heads) };
}

/**
 * Gives packed weights other offsets, for images of another size.
 *
 * @param heap Where they are.
 * @param packed The weights.
 * @param from The offsets that they have.
 * @param to The offsets that they are to have.
 */
export function changeOffsets(heap: Heap, packed: TileStream, from: Int32Array, to: Int32Array): void {
  const last = from.reduce((most, offset) => Math.max(most, offset), 0);
  const table = new Int32Array(last / 4 + 1);
  for (let tap = 0; tap < from.length; tap++) table[from[tap]! / 4] = to[tap]!;
  const stream = new Int32Array(heap.buffer, packed.stream, 2 * packed.nonzeros);
  for (let i = 1; i < stream.length; i += 2) stream[i] = table[stream[i]! >> 2]!;
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

/** Writes the channels and returns, for each, where in the target its first weight belongs. */
function writeHeads(target: Int32Array, counts: Int32Array): Int32Array {
  const cursors = new Int32Array(counts.length);
  let head = 0;
  let next = counts.length;
  for (let start = 0; start < counts.length; start += GROUP) {
    const group = Array.from(counts.subarray(start, start + GROUP), (_, i) => start + i);
    for (const channel of group.sort((a, b) => counts[a]! - counts[b]!)) {
      target[head++] = (counts[channel]! << GROUP_BITS) | (channel - start);
      cursors[channel] = next;
      next += 2 * counts[channel]!;
    }
  }
  return cursors;
}

function writeStream(target: Int32Array, cursors: Int32Array, bits: Int32Array, offsets: Int32Array): void {
  const channels = cursors.length;
  for (let tap = 0; tap < offsets.length; tap++) {
    const offset = offsets[tap]!;
    const row = tap * channels;
    for (let channel = 0; channel < channels; channel++) {
      const weight = bits[row + channel]!;
      if ((weight & MAGNITUDE) === 0) continue;
      const at = cursors[channel]!;
      target[at] = weight;
      target[at + 1] = offset;
      cursors[channel] = at + 2;
    }
  }
}
