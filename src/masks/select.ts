const MAGNITUDE_BITS = 0x7fffffff;
const LOW_BITS = 15;
const LOW_MASK = (1 << LOW_BITS) - 1;
const HIGH_BINS = 1 << 16;

/** The key of every NaN: PyTorch ranks them all alike, above infinity. */
export const NAN_KEY = 0x7f800001;

/** Entries to rank. Their keys are whole numbers from 0 to {@link NAN_KEY}, or the bits of floats, ranked by |x|. */
export interface Candidates {
  /** One number an entry. */
  readonly bits: Int32Array;
  /** 1 for entries to rank and 0 for those to pass over; all are ranked without it. */
  readonly mask?: Uint8Array | undefined;
}

/** Where a ranking is cut: the smallest keys are taken, and of those that equal the threshold perhaps only some. */
export interface Cut {
  /** The largest key that is taken. */
  readonly threshold: number;
  /** How many entries have that key. */
  readonly tied: number;
  /** How many of these are taken, at least one. */
  readonly taken: number;
}

/**
 * The key of a number: its magnitude, as an integer of the same order.
 *
 * @param bits The bits of a float32, or a key.
 * @returns A whole number from 0 to {@link NAN_KEY}.
 */
export function keyOf(bits: number): number {
  const key = bits & MAGNITUDE_BITS;
  return Math.min(key, NAN_KEY);
}

/**
 * Whether a key is above a threshold, without a branch: half of the branches would be foretold wrong.
 *
 * @param key A whole number from 0 to {@link NAN_KEY}.
 * @param threshold Another, or −1.
 * @returns 1 if it is, else 0.
 */
export function isAbove(key: number, threshold: number): number {
  return (threshold - key) >>> 31;
}

/**
 * The bits of floats, as the keys that {@link findCut} reads. No copy is made.
 *
 * @param scores Any floats.
 * @returns A view of the same memory.
 */
export function bitsOf(scores: Float32Array): Int32Array {
  return new Int32Array(scores.buffer, scores.byteOffset, scores.length);
}

/**
 * Finds the key at which the `count` smallest end, by a radix select: two passes over memory, in any order, nothing
 * gathered or moved.
 *
 * @param parts The entries, in as many pieces as they lie in.
 * @param count How many to take, from 1 to the number of entries that are ranked.
 * @returns The cut.
 */
export function findCut(parts: readonly Candidates[], count: number): Cut {
  const high = new Int32Array(HIGH_BINS);
  for (const part of parts) countHigh(part, high);
  const upper = binOf(high, count);
  const low = new Int32Array(1 << LOW_BITS);
  for (const part of parts) countLow(part, upper.bin, low);
  const lower = binOf(low, upper.left);
  return { threshold: upper.bin * (1 << LOW_BITS) + lower.bin, tied: low[lower.bin]!, taken: lower.left };
}

function countHigh({ bits, mask }: Candidates, bins: Int32Array): void {
  if (mask === undefined) {
    for (let i = 0; i < bits.length; i++) bins[keyOf(bits[i]!) >>> LOW_BITS]!++;
  } else {
    for (let i = 0; i < bits.length; i++) bins[keyOf(bits[i]!) >>> LOW_BITS]! += mask[i]!;
  }
}

function countLow({ bits, mask }: Candidates, bin: number, bins: Int32Array): void {
  for (let i = 0; i < bits.length; i++) {
    const key = keyOf(bits[i]!);
    if (key >>> LOW_BITS === bin) bins[key & LOW_MASK]! += mask === undefined ? 1 : mask[i]!;
  }
}

function binOf(bins: Int32Array, count: number): { bin: number; left: number } {
  let bin = 0;
  let left = count;
  while (left > bins[bin]!) left -= bins[bin++]!;
  return { bin, left };
}
