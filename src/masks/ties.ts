import { type PartitionBlocks, selectSmallest } from './introselect';
import { type Cut, findCut, isAbove, isSplit, keyOf, lastTaken } from './select';

/**
 * Which of the entries tied at a cut PyTorch takes. The others need no telling apart, so only the tied are numbered:
 * in place of one key they get as many as they are, and the keys above move up.
 *
 * @param keys Key of every ranked entry, or its bits, in the order of the elements. Overwritten.
 * @param count How many entries are taken in all.
 * @param cut Where {@link findCut} cuts these keys.
 * @param exchange A faster way to exchange keys; none by default.
 * @returns The places in `keys` that the tied entries which are taken had, in order.
 */
export function takenOfTied(
  keys: Int32Array,
  count: number,
  cut: Cut,
  exchange?: PartitionBlocks,
): Int32Array {
  const { threshold, tied } = cut;
  // Keys and the names of the tied together are fewer than 2³², but can be more than 2³¹.
  const bias = 2 ** 30;
  const tiedFrom = threshold - bias;
  const tiedTo = tiedFrom + tied - 1;
  const places = new Int32Array(tied);
  let found = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keyOf(keys[i]!);
    if (key === threshold) {
      keys[i] = tiedFrom + found;
      places[found++] = i;
    } else keys[i] = key - bias + (-isAbove(key, threshold) & (tied - 1));
  }
  selectSmallest({ keys, tiedFrom, tiedTo }, count, exchange);
  const taken = new Uint8Array(tied);
  for (let i = 0; i < count; i++) {
    const key = keys[i]!;
    if (key >= tiedFrom && key <= tiedTo) taken[key - tiedFrom] = 1;
  }
  return places.filter((_, tie) => taken[tie] === 1);
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
  const taken = Uint8Array.from(keys, (key) => (key <= last ? 1 : 0));
  if (isSplit(cut)) for (const place of takenOfTied(keys.slice(), count, cut)) taken[place] = 1;
  return taken;
}
