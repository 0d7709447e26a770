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
 * The values that a mask displaces, gathered in one pass without a branch: each value is written, and the next one over
 * it unless it was displaced. Bits are moved, not numbers, so NaN and −0 come through.
 *
 * @param mask 0 and 1 only.
 * @param values As many values; not changed.
 * @returns The values where the mask is zero, in order.
 */
export function displacedBy(mask: Uint8Array, values: Float32Array): Float32Array {
  const count = countZeros(mask);
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
  return displaced.subarray(0, count);
}

/**
 * Puts displaced values back: the inverse of {@link displacedBy}.
 *
 * @param mask 0 and 1 only.
 * @param stored The values that are left, anything where the mask is zero; not changed.
 * @param displaced The values where the mask is zero, in order.
 * @returns A new array.
 */
export function merge(mask: Uint8Array, stored: Float32Array, displaced: Float32Array): Float32Array {
  const values = new Float32Array(stored);
  const to = new Int32Array(values.buffer);
  const from = new Int32Array(displaced.buffer, displaced.byteOffset, displaced.length);
  let next = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i] === 0) to[i] = from[next++]!;
  return values;
}
