import { type Cut, findCut, isAbove, keyOf, NAN_KEY } from './select';

/** Keys around the one at which a ranking is cut, both ends included. */
export interface Bracket {
  /** The smallest, from 0. */
  readonly low: number;
  /** The largest, not below `low`. */
  readonly high: number;
}

/** How the keys of a chunk lie to a bracket; those below it are the rest. */
export interface SplitCounts {
  /** How many are above the bracket. */
  readonly above: number;
  /** How many are in it. */
  readonly inside: number;
}

/**
 * Splits a chunk of keys, or of the bits of floats, at a bracket. The key of a float is the bits of its magnitude, and that
 * of every NaN 0x7f800001. `mask` becomes 1 where the key is above it and 0
 * elsewhere, and `listed` begins with the places of the keys inside, in order. Both have room for all of the chunk.
 */
export type SplitKeys = (
  bits: Int32Array,
  bracket: Bracket,
  mask: Uint8Array,
  listed: Int32Array,
) => SplitCounts;

/** Most keys that are split in one go, so many that they stay in a near cache. */
export const CHUNK: number = 1 << 15;

/** Fewer keys than this are ranked as fast without. */
export const WORTH_SPLITTING: number = 1 << 18;

/** How many of the keys at most may lie in the bracket: more, and it tells too little. */
const MOST_INSIDE = 1 / 8;

/**
 * Finds a cut in one pass over the keys, where a bracket around it is known. The few keys inside are remembered and
 * ranked in the end; all others are decided as they pass. After Floyd and Rivest's SELECT (1975).
 */
export class Splitting {
  #above = 0;
  #seen = 0;
  #inside = 0;
  #places: Int32Array = new Int32Array(CHUNK);
  #keys: Int32Array = new Int32Array(CHUNK);
  readonly #listed: Int32Array = new Int32Array(CHUNK);
  readonly #most: number;
  readonly #bracket: Bracket;
  readonly #split: SplitKeys;

  /**
   * @param bracket Where the cut is believed to be.
   * @param total Number of keys that will be added.
   * @param split What splits a chunk.
   */
  constructor(bracket: Bracket, total: number, split: SplitKeys) {
    this.#bracket = bracket;
    this.#most = total * MOST_INSIDE;
    this.#split = split;
  }

  /**
   * Takes in the next keys.
   *
   * @param bits Keys or the bits of floats.
   * @param mask Set to 1 for keys above the bracket, else to 0; as long as `bits`.
   * @returns Whether it goes on; false once too many keys lie in the bracket.
   */
  add(bits: Int32Array, mask: Uint8Array): boolean {
    for (let from = 0; from < bits.length; from += CHUNK) {
      const chunk = bits.subarray(from, from + CHUNK);
      const counts = this.#split(chunk, this.#bracket, mask.subarray(from, from + CHUNK), this.#listed);
      this.#above += counts.above;
      this.#remember(chunk, counts.inside);
      if (this.#inside > this.#most) return false;
    }
    return true;
  }

  #remember(chunk: Int32Array, count: number): void {
    if (this.#inside + count > this.#keys.length) {
      this.#places = grown(this.#places);
      this.#keys = grown(this.#keys);
    }
    for (let i = 0; i < count; i++) {
      const place = this.#listed[i]!;
      this.#places[this.#inside] = this.#seen + place;
      this.#keys[this.#inside++] = keyOf(chunk[place]!);
    }
    this.#seen += chunk.length;
  }

  /**
   * @param count How many of all keys are taken.
   * @returns The cut, as {@link findCut} gives it; undefined if it is not in the bracket.
   */
  cut(count: number): Cut | undefined {
    const left = count - (this.#seen - this.#above - this.#inside);
    if (left < 1 || left > this.#inside) return undefined;
    return findCut([{ bits: this.#keys.subarray(0, this.#inside) }], left);
  }

  /**
   * Sets what the bracket left open.
   *
   * @param masks The masks that were added, in the same order.
   * @param threshold 1 for keys above this one.
   */
  settle(masks: readonly Uint8Array[], threshold: number): void {
    let i = 0;
    let start = 0;
    for (const mask of masks) {
      const end = start + mask.length;
      for (; i < this.#inside && this.#places[i]! < end; i++) {
        mask[this.#places[i]! - start] = isAbove(this.#keys[i]!, threshold);
      }
      start = end;
    }
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/**
 * Splits without anything but JavaScript; see {@link SplitKeys}.
 *
 * @returns The counts.
 */
export const splitKeys: SplitKeys = (bits, { low, high }, mask, listed) => {
  const width = high - low;
  let above = 0;
  let inside = 0;
  for (let i = 0; i < bits.length; i++) {
    const key = keyOf(bits[i]!);
    const isOver = isAbove(key, high);
    mask[i] = isOver;
    above += isOver;
    if ((key - low) >>> 0 <= width) listed[inside++] = i;
  }
  return { above, inside };
};

/** Entries of a sample at most, and how many entries one of it stands for at least. */
const MOST_SAMPLES = 1 << 16;
const ENTRIES_A_SAMPLE = 64;

/** How many standard deviations the cut may lie off. */
const DEVIATIONS = 6;

/**
 * Where a sample lets expect the cut.
 *
 * @param parts The bits of floats, all of which are ranked.
 * @param count How many of them are taken.
 */
export function sampledBracket(parts: readonly Int32Array[], count: number): Bracket {
  const sample = sampleOf(parts);
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const share = count / size;
  const rank = share * sample.length;
  const off = DEVIATIONS * Math.sqrt(rank * (1 - share)) + 1;
  const keyAt = (nth: number): number => findCut([{ bits: sample }], nth).threshold;
  const first = Math.floor(rank - off);
  const last = Math.ceil(rank + off);
  return {
    low: first < 1 ? 0 : keyAt(first),
    high: last > sample.length ? NAN_KEY : keyAt(last),
  };
}

/** One entry of each stretch of the parts, now here and now there in it: weights repeat at even steps. */
function sampleOf(parts: readonly Int32Array[]): Int32Array {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const step = Math.max(ENTRIES_A_SAMPLE, Math.ceil(size / MOST_SAMPLES));
  const sample = new Int32Array(Math.floor(size / step));
  let random = 1;
  let start = 0;
  let next = 0;
  for (const part of parts) {
    for (; next < sample.length; next++) {
      const place = next * step + ((random >>> 16) % step) - start;
      if (place >= part.length) break;
      sample[next] = part[place]!;
      random = (Math.imul(random, 1664525) + 1013904223) | 0;
    }
    start += part.length;
  }
  return sample;
}
