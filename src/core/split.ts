/** Values parted by a mask. */
export interface Split {
  /** The values, zero where the mask is. */
  readonly masked: Float32Array;
  /** The values where the mask is zero, in order. */
  readonly displaced: Float32Array;
}

/** How many words of four mask bytes can be added before a byte overflows. */
const WORDS_AT_ONCE = 255;

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
  for (let start = 0; start < words.length; start += WORDS_AT_ONCE) {
    const end = Math.min(start + WORDS_AT_ONCE, words.length);
    let sum = 0;
    for (let i = start; i < end; i++) sum += words[i]!;
    ones += (sum & 255) + ((sum >>> 8) & 255) + ((sum >>> 16) & 255) + (sum >>> 24);
  }
  for (let i = words.length * 4; i < mask.length; i++) ones += mask[i]!;
  return mask.length - ones;
}

/**
 * Parts values by a mask in one pass without a branch: each value is written aside, and the next one over it unless it
 * was displaced. Bits are moved, not numbers, so NaN and −0 come through.
 *
 * @param mask 0 and 1 only.
 * @param values As many values; not changed.
 */
export function split(mask: Uint8Array, values: Float32Array): Split {
  const masked = new Float32Array(values.length);
  const displaced = new Float32Array(countZeros(mask) + 1);
  const from = new Int32Array(values.buffer, values.byteOffset, values.length);
  const to = new Int32Array(masked.buffer);
  const aside = new Int32Array(displaced.buffer);
  const words = wordsOf(mask);
  let next = 0;
  for (let word = 0, i = 0; word < words.length; word++, i += 4) {
    const kept = words[word]!;
    const kept0 = kept & 1;
    const kept1 = (kept >>> 8) & 1;
    const kept2 = (kept >>> 16) & 1;
    const kept3 = kept >>> 24;
    to[i] = from[i]! & -kept0;
    to[i + 1] = from[i + 1]! & -kept1;
    to[i + 2] = from[i + 2]! & -kept2;
    to[i + 3] = from[i + 3]! & -kept3;
    aside[next] = from[i]!;
    next += 1 - kept0;
    aside[next] = from[i + 1]!;
    next += 1 - kept1;
    aside[next] = from[i + 2]!;
    next += 1 - kept2;
    aside[next] = from[i + 3]!;
    next += 1 - kept3;
  }
  for (let i = words.length * 4; i < mask.length; i++) {
    to[i] = from[i]! & -mask[i]!;
    aside[next] = from[i]!;
    next += 1 - mask[i]!;
  }
  return { masked, displaced: displaced.subarray(0, next) };
}

/**
 * Puts displaced values back: the inverse of {@link split}.
 *
 * @param mask 0 and 1 only.
 * @param parts What split made of the values; `masked` may have changed since.
 * @returns A new array.
 */
export function merge(mask: Uint8Array, { masked, displaced }: Split): Float32Array {
  const values = new Float32Array(masked);
  const to = new Int32Array(values.buffer);
  const aside = new Int32Array(displaced.buffer, displaced.byteOffset, displaced.length);
  let next = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i] === 0) to[i] = aside[next++]!;
  return values;
}
