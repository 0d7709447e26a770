import { type Mask, wordsOf } from './mask';
import type { Kept } from './memory';

/**
 * What a mask displaced: those values alone, in order; or, where they are most of them, all the values at their own
 * places.
 */
export interface Displaced extends Kept {
  /** How many values are displaced. */
  readonly count: number;
}

function onHost(count: number, values: Float32Array): Displaced {
  return { count, read: () => values, free: () => {} };
}

/**
 * Whether a mask displaces so much that all the values are kept: copying them is far quicker than gathering.
 *
 * @param mask The mask.
 */
export function isMost({ zeros, size }: Mask): boolean {
  return 2 * zeros >= size;
}

/**
 * Keeps on the host what a mask displaces. Where that is at least half of the values they are copied as a whole, which
 * takes at most twice the memory; else they are gathered in one pass without a branch: each value is written,
 * and the next one over it unless it was displaced. Bits are moved, not numbers, so NaN and −0 come through.
 *
 * @param mask Which values stay.
 * @param values As many values; copied.
 */
export function displacedBy(mask: Mask, values: Float32Array): Displaced {
  const { zeros: count, bytes } = mask;
  if (isMost(mask)) return onHost(count, values.slice());
  // One more than there are, for the last kept value to be written to.
  const displaced = new Float32Array(count + 1);
  const from = new Int32Array(values.buffer, values.byteOffset, values.length);
  const to = new Int32Array(displaced.buffer);
  const words = wordsOf(bytes);
  let next = 0;
  for (let word = 0, i = 0; word < words.length; word++, i += 4) {
    const kept = words[word]!;
    to[next] = from[i]!;
    next += 1 - (kept & 1);
    to[next] = from[i + 1]!;
    next += 1 - ((kept >>> 8) & 1);
    to[next] = from[i + 2]!;
    next += 1 - ((kept >>> 16) & 1);
    to[next] = from[i + 3]!;
    next += 1 - (kept >>> 24);
  }
  for (let i = words.length * 4; i < bytes.length; i++) {
    to[next] = from[i]!;
    next += 1 - bytes[i]!;
  }
  return onHost(count, displaced.subarray(0, count));
}

/**
 * Puts displaced values back: the inverse of {@link displacedBy}.
 *
 * @param mask Which values stay.
 * @param stored The values that are left, anything where the mask is zero; not changed.
 * @param displaced What the mask displaced.
 * @returns A new array.
 */
export function merge({ bytes }: Mask, stored: Float32Array, displaced: Displaced): Float32Array {
  const values = displaced.read();
  const merged = new Float32Array(stored.length);
  const to = new Int32Array(merged.buffer);
  const left = new Int32Array(stored.buffer, stored.byteOffset, stored.length);
  const aside = new Int32Array(values.buffer, values.byteOffset, values.length);
  if (values.length === bytes.length) {
    for (let i = 0; i < bytes.length; i++) {
      const kept = -bytes[i]!;
      to[i] = (left[i]! & kept) | (aside[i]! & ~kept);
    }
  } else {
    let next = 0;
    for (let i = 0; i < bytes.length; i++) to[i] = bytes[i] === 1 ? left[i]! : aside[next++]!;
  }
  return merged;
}
