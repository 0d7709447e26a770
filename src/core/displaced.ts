import type { Kept } from './memory';

/**
 * What a mask displaced: those values alone, in order; or, where they are most of them, all the values at their own
 * places.
 */
export interface Displaced extends Kept {
  /** How many values are displaced. */
  readonly count: number;
}

/** How many words of four bytes, each 0 or 1, can be added up before a byte overflows; a multiple of four. */
const WORDS_AT_ONCE = 252;

/** A mask as words of four bytes; what is left over at its end stays out. */
function wordsOf(mask: Uint8Array): Uint32Array {
  const aligned = mask.byteOffset % 4 === 0 ? mask : mask.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

/**
 * Counts the zeros of a mask.
 *
 * @param mask 0 and 1 only.
 */
export function countZeros(mask: Uint8Array): number {
  const words = wordsOf(mask);
  let ones = 0;
  let i = 0;
  while (i + WORDS_AT_ONCE <= words.length) {
    let sum = 0;
    for (const end = i + WORDS_AT_ONCE; i < end; i += 4) {
      sum += words[i]! + words[i + 1]! + words[i + 2]! + words[i + 3]!;
    }
    ones += (sum & 255) + ((sum >>> 8) & 255) + ((sum >>> 16) & 255) + (sum >>> 24);
  }
  for (let byte = i * 4; byte < mask.length; byte++) ones += mask[byte]!;
  return mask.length - ones;
}

function onHost(count: number, values: Float32Array): Displaced {
  return { count, read: () => values, free: () => {} };
}

/**
 * Whether so much is displaced that all the values are kept: copying them is far quicker than gathering.
 *
 * @param count How many values are displaced.
 * @param mask Of how many.
 */
export function isMost(count: number, mask: Uint8Array): boolean {
  return 2 * count >= mask.length;
}

/**
 * Keeps on the host what a mask displaces. Where that is at least half of the values they are copied as a whole, which
 * takes at most twice the memory; else they are gathered in one pass without a branch: each value is written,
 * and the next one over it unless it was displaced. Bits are moved, not numbers, so NaN and −0 come through.
 *
 * @param mask 0 and 1 only.
 * @param values As many values; copied.
 */
export function displacedBy(mask: Uint8Array, values: Float32Array): Displaced {
  const count = countZeros(mask);
  if (isMost(count, mask)) return onHost(count, values.slice());
  // One more than there are, for the last kept value to be written to.
  const displaced = new Float32Array(count + 1);
  const from = new Int32Array(values.buffer, values.byteOffset, values.length);
  const to = new Int32Array(displaced.buffer);
  const words = wordsOf(mask);
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
  for (let i = words.length * 4; i < mask.length; i++) {
    to[next] = from[i]!;
    next += 1 - mask[i]!;
  }
  return onHost(count, displaced.subarray(0, count));
}

/**
 * Puts displaced values back: the inverse of {@link displacedBy}.
 *
 * @param mask 0 and 1 only.
 * @param stored The values that are left, anything where the mask is zero; not changed.
 * @param displaced What the mask displaced.
 * @returns A new array.
 */
export function merge(mask: Uint8Array, stored: Float32Array, displaced: Displaced): Float32Array {
  const values = displaced.read();
  const merged = new Float32Array(stored.length);
  const to = new Int32Array(merged.buffer);
  const left = new Int32Array(stored.buffer, stored.byteOffset, stored.length);
  const aside = new Int32Array(values.buffer, values.byteOffset, values.length);
  if (values.length === mask.length) {
    for (let i = 0; i < mask.length; i++) {
      const kept = -mask[i]!;
      to[i] = (left[i]! & kept) | (aside[i]! & ~kept);
    }
  } else {
    let next = 0;
    for (let i = 0; i < mask.length; i++) to[i] = mask[i] === 1 ? left[i]! : aside[next++]!;
  }
  return merged;
}
