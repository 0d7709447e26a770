/** Which entries of a parameter stay, in the variable's own order. */
export interface Mask {
  /** Number of entries. */
  readonly size: number;
  /** How many of them are pruned. */
  readonly zeros: number;
  /** 1 where an entry stays, 0 where it is pruned; not to be changed. */
  readonly bytes: Uint8Array;
  /**
   * Sets the pruned entries to zero.
   *
   * @param bits The bits of as many floats as the mask has entries.
   */
  clear(bits: Int32Array): void;
}

/** How many words of four bytes, each 0 or 1, can be added up before a byte overflows; a multiple of four. */
const WORDS_AT_ONCE = 252;

/**
 * A mask that is written out.
 *
 * @param bytes 0 and 1 only; not copied.
 */
export function maskOf(bytes: Uint8Array): Mask {
  let zeros: number | undefined;
  return {
    size: bytes.length,
    bytes,
    get zeros() {
      zeros ??= countZeros(bytes);
      return zeros;
    },
    clear: (bits) => clear(bits, bytes),
  };
}

/**
 * A mask as words of four bytes; what is left over at its end stays out.
 *
 * @param bytes The mask.
 */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

/** The zeros among bytes that are 0 and 1 only. */
function countZeros(bytes: Uint8Array): number {
  const words = wordsOf(bytes);
  let ones = 0;
  let i = 0;
  while (i + WORDS_AT_ONCE <= words.length) {
    let sum = 0;
    for (const end = i + WORDS_AT_ONCE; i < end; i += 4) {
      sum += words[i]! + words[i + 1]! + words[i + 2]! + words[i + 3]!;
    }
    ones += (sum & 255) + ((sum >>> 8) & 255) + ((sum >>> 16) & 255) + (sum >>> 24);
  }
  for (let byte = i * 4; byte < bytes.length; byte++) ones += bytes[byte]!;
  return bytes.length - ones;
}

/** Eight at a time. */
function clear(bits: Int32Array, bytes: Uint8Array): void {
  const whole = bytes.length & ~7;
  for (let i = 0; i < whole; i += 8) {
    bits[i]! &= -bytes[i]!;
    bits[i + 1]! &= -bytes[i + 1]!;
    bits[i + 2]! &= -bytes[i + 2]!;
    bits[i + 3]! &= -bytes[i + 3]!;
    bits[i + 4]! &= -bytes[i + 4]!;
    bits[i + 5]! &= -bytes[i + 5]!;
    bits[i + 6]! &= -bytes[i + 6]!;
    bits[i + 7]! &= -bytes[i + 7]!;
  }
  for (let i = whole; i < bytes.length; i++) bits[i]! &= -bytes[i]!;
}
