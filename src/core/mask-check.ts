import { PruneError, shown } from '../errors';
import { ChannelMask } from '../masks/channel-mask';
import { type Mask, maskOf } from './mask';

/** All bits of a word of four bytes but those that 0 and 1 have. */
const NEITHER_0_NOR_1 = 0xfefefefe;

/** The words of four bytes that a mask is made of, up to a rest; none where they are not aligned. */
function wordsOf(mask: Uint8Array): Int32Array {
  return mask.byteOffset % 4 === 0
    ? new Int32Array(mask.buffer, mask.byteOffset, mask.length >>> 2)
    : new Int32Array(0);
}

/** Four words at a time, so that none waits for the one before it. */
function hasOnlyZerosAndOnes(words: Int32Array): boolean {
  const whole = words.length & ~3;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a |= words[i]!;
    b |= words[i + 1]!;
    c |= words[i + 2]!;
    d |= words[i + 3]!;
  }
  for (let i = whole; i < words.length; i++) a |= words[i]!;
  return ((a | b | c | d) & NEITHER_0_NOR_1) === 0;
}

/** How many bytes from the first on are known to be 0 or 1, and 0 where the previous mask is; four at a time. */
function rightWords(mask: Uint8Array, previous: Uint8Array | undefined): number {
  const words = wordsOf(mask);
  if (previous === undefined) return hasOnlyZerosAndOnes(words) ? words.length * 4 : 0;
  let wrong = 0;
  const before = wordsOf(previous);
  const count = Math.min(words.length, before.length);
  for (let i = 0; i < count; i++) wrong |= words[i]! & ~before[i]!;
  return wrong === 0 ? count * 4 : 0;
}

/**
 * Checks a mask that a method made.
 *
 * @param mask What the method returned.
 * @param size How many entries it must have.
 * @param previous What earlier prunings left, of that size; undefined for the first.
 * @returns The mask.
 * @throws {@link PruneError} `shape` for another size; `argument` for what is neither a Uint8Array nor a ChannelMask, for
 *   anything but 0 and 1, and for a 1 where the entry is pruned already.
 */
export function checkedMask(mask: unknown, size: number, previous: Uint8Array | undefined): Mask {
  const isOfChannels = mask instanceof ChannelMask;
  if (isOfChannels && mask.size === size && previous === undefined) return mask;
  const bytes = isOfChannels ? mask.bytes : mask;
  if (!(bytes instanceof Uint8Array)) {
    const message = `The mask must be a Uint8Array, but got ${shown(mask)}.`;
    throw new PruneError('argument', message, { given: mask, allowed: 'a Uint8Array' });
  }
  checkBytes(bytes, size, previous);
  return isOfChannels ? mask : maskOf(bytes);
}

function checkBytes(mask: Uint8Array, size: number, previous: Uint8Array | undefined): void {
  if (mask.length !== size) {
    const message = `The mask must have ${size} entries, but has ${mask.length}.`;
    throw new PruneError('shape', message, { given: mask.length, allowed: `${size} entries` });
  }
  for (let i = rightWords(mask, previous); i < size; i++) {
    const entry = mask[i]!;
    if (entry > 1) {
      const message = `The mask must hold only 0 and 1, but got ${entry} at position ${i}.`;
      throw new PruneError('argument', message, { given: entry, allowed: '0 or 1' });
    }
    if (entry === 1 && previous?.[i] === 0) {
      const message = `The mask must be 0 wherever the old one is, but got 1 at position ${i}, which is pruned already.`;
      throw new PruneError('argument', message, { given: entry, allowed: '0' });
    }
  }
}
