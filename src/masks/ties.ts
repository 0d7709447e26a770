import { type PartitionBlocks, selectSmallest } from './introselect';
import { type Cut, findCut, isAbove, isSplit, keyOf, lastTaken } from './select';

/** How the tied among keys are told apart. */
export interface Numbering {
  /** The key that the tied have. Theirs become `threshold - bias` and the numbers after it, in order. */
  readonly threshold: number;
  /** What all keys lose. */
  readonly bias: number;
  /** By how much the keys above the threshold move up. */
  readonly more: number;
}

/**
 * Turns keys, or the bits of floats, into numbered keys, and writes the places of the tied, which `places` has just room
 * for; returns whether it has, with nothing changed otherwise.
 */
export type NumberKeys = (keys: Int32Array, numbering: Numbering, places: Int32Array) => boolean;

/** Faster ways for the passes over the keys among which some are tied. */
export interface TieKernels {
  /** Numbers the tied. */
  readonly number: NumberKeys;
  /** Exchanges keys on both sides of a pivot. */
  readonly exchange: PartitionBlocks;
}

/**
 * Which of the entries tied at a cut PyTorch takes. The others need no telling apart, so only the tied are numbered:
 * in place of one key they get as many as they are, and the keys above move up.
 *
 * @param keys Key of every ranked entry, or its bits, in the order of the elements. Overwritten.
 * @param count How many entries are taken in all.
 * @param cut Where {@link findCut} cuts these keys.
 * @param kernels Faster ways for the passes; none by default.
 * @returns The places in `keys` that the tied entries which are taken had, in order.
 */
export function takenOfTied(keys: Int32Array, count: number, cut: Cut, kernels?: TieKernels): Int32Array {
  const { threshold, tied } = cut;
  // Keys and the names of the tied together are fewer than 2³², but can be more than 2³¹.
  const bias = 2 ** 30;
  const tiedFrom = threshold - bias;
  const tiedTo = tiedFrom + tied - 1;
  const places = new Int32Array(tied);
  const numbering = { threshold, bias, more: tied - 1 };
  if (!kernels?.number(keys, numbering, places)) numberKeys(keys, numbering, places);
  selectSmallest({ keys, tiedFrom, tiedTo }, count, kernels?.exchange);
  const taken = new Uint8Array(tied);
  for (let i = 0; i < count; i++) {
    const key = keys[i]!;
    if (key >= tiedFrom && key <= tiedTo) taken[key - tiedFrom] = 1;
  }
  let kept = 0;
  for (let tie = 0; tie < tied; tie++) if (taken[tie] === 1) places[kept++] = places[tie]!;
  return places.subarray(0, kept);
}

/** See {@link NumberKeys}. */
export function numberKeys(keys: Int32Array, { threshold, bias, more }: Numbering, places: Int32Array): void {
  let found = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keyOf(keys[i]!);
    if (key === threshold) {
      keys[i] = threshold - bias + found;
      places[found++] = i;
    } else keys[i] = key - bias + (-isAbove(key, threshold) & more);
  }
}

/**
 * Takes the smallest keys, as PyTorch's `topk` does.
 *
 * @param keys Whole numbers from 0 to the key of NaN, in the order of the elements.
 * @param count How many to take, from 0 to the number of keys.
 * @returns For each key, 1 if it is taken.
 */
export function takeSmallest(keys: Int32Array, count: number): Uint8Array {
  if (count === 0) return new Uint8Array(keys.length);
  const cut = findCut([{ bits: keys }], count);
  const last = lastTaken(cut);
  const taken = new Uint8Array(keys.length);
  for (let i = 0; i < keys.length; i++) taken[i] = 1 - isAbove(keys[i]!, last);
  if (isSplit(cut)) for (const place of takenOfTied(keys.slice(), count, cut)) taken[place] = 1;
  return taken;
}
