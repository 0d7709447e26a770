/** How many keys a scan looks at in one go. */
const BLOCK = 128;

/**
 * Keys in the order of their elements, with a run of numbers that all count as one key: those from `tiedFrom` to
 * `tiedTo` compare as equal, yet stay distinguishable.
 */
interface TiedKeys {
  readonly keys: Int32Array;
  readonly tiedFrom: number;
  readonly tiedTo: number;
}

/** Where the scans of a partition stand: at the next key that the left one looks at, and behind that of the right one. */
export interface Scanned {
  /** The place of that key. */
  readonly left: number;
  /** The place behind the next key that the right one looks at. */
  readonly right: number;
}

/**
 * Exchanges keys from `from` on that are at least `lowest` with keys before `to` that are at most `highest`, first with
 * last, a block of both scans at a time, until the blocks would meet. What it does to the keys must be what a scan key
 * by key does.
 */
export type PartitionBlocks = (
  keys: Int32Array,
  from: number,
  to: number,
  lowest: number,
  highest: number,
) => Scanned;

/**
 * Brings the `count` smallest keys to the front. Which of several equal keys come along depends on the algorithm and on
 * nothing else, so this one makes every comparison and move that PyTorch's does: `topk` on the CPU calls libstdc++'s
 * `partial_sort` for few of many and its `nth_element`, an introselect (Musser 1997), otherwise.
 *
 * @param ranked The keys, reordered in place.
 * @param count How many to select, from 0 to the number of keys.
 * @param exchange What exchanges keys in blocks; plain JavaScript by default.
 */
export function selectSmallest(
  ranked: TiedKeys,
  count: number,
  exchange: PartitionBlocks = partitionBlocks,
): void {
  const size = ranked.keys.length;
  if (count === 0) return;
  if (count * 64 <= size) heapSelect(ranked, 0, count, size);
  else introselect(ranked, count - 1, exchange);
}

function introselect(ranked: TiedKeys, nth: number, exchange: PartitionBlocks): void {
  let from = 0;
  let to = ranked.keys.length;
  let depth = 2 * (31 - Math.clz32(to));
  while (to - from > 3) {
    if (depth-- === 0) {
      heapSelect(ranked, from, nth + 1, to);
      swap(ranked.keys, from, nth);
      return;
    }
    medianToFront(ranked, from, to);
    const cut = partition(ranked, from, to, exchange);
    if (cut <= nth) from = cut;
    else to = cut;
  }
  insertionSort(ranked, from, to);
}

/** Splits what follows the pivot at `from`; keys equal to the pivot stop both scans and change places. */
function partition(
  { keys, tiedFrom, tiedTo }: TiedKeys,
  from: number,
  to: number,
  exchange: PartitionBlocks,
): number {
  const pivot = keys[from]!;
  const tied = pivot >= tiedFrom && pivot <= tiedTo;
  const lowest = tied ? tiedFrom : pivot;
  const highest = tied ? tiedTo : pivot;
  let { left, right } = exchange(keys, from + 1, to, lowest, highest);
  for (;;) {
    while (keys[left]! < lowest) left++;
    right--;
    while (keys[right]! > highest) right--;
    if (left >= right) return left;
    swap(keys, left, right);
    left++;
  }
}

/**
 * The same exchanges as in {@link partition}, without its unforeseeable branches (Edelkamp and Weiß 2016): each scan
 * first lists what it finds in a block, then the lists are paired off. Stops where the blocks would meet.
 */
export function partitionBlocks(
  keys: Int32Array,
  from: number,
  to: number,
  lowest: number,
  highest: number,
): Scanned {
  const leftStops = new Int32Array(BLOCK);
  const rightStops = new Int32Array(BLOCK);
  let left = from;
  let right = to;
  let leftNext = 0;
  let leftEnd = 0;
  let rightNext = 0;
  let rightEnd = 0;
  while (right - left >= 2 * BLOCK) {
    if (leftNext === leftEnd) {
      leftNext = 0;
      leftEnd = listFrom(keys, left, lowest, leftStops);
    }
    if (rightNext === rightEnd) {
      rightNext = 0;
      rightEnd = listUpTo(keys, right - 1, highest, rightStops);
    }
    const pairs = Math.min(leftEnd - leftNext, rightEnd - rightNext);
    for (let i = 0; i < pairs; i++) {
      swap(keys, left + leftStops[leftNext + i]!, right - 1 - rightStops[rightNext + i]!);
    }
    leftNext += pairs;
    rightNext += pairs;
    if (leftNext === leftEnd) left += BLOCK;
    if (rightNext === rightEnd) right -= BLOCK;
  }
  if (leftNext < leftEnd) left += leftStops[leftNext]!;
  if (rightNext < rightEnd) right -= rightStops[rightNext]!;
  return { left, right };
}

/** Lists the keys of a block that the scan from the left stops at. */
function listFrom(keys: Int32Array, left: number, lowest: number, found: Int32Array): number {
  let count = 0;
  for (let i = 0; i < BLOCK; i++) {
    found[count] = i;
    count += Number(keys[left + i]! >= lowest);
  }
  return count;
}

/** Lists the keys of a block that the scan from the right stops at. */
function listUpTo(keys: Int32Array, last: number, highest: number, found: Int32Array): number {
  let count = 0;
  for (let i = 0; i < BLOCK; i++) {
    found[count] = i;
    count += Number(keys[last - i]! <= highest);
  }
  return count;
}

/** Puts the median of the second, the middle and the last key first, so that it bounds both scans of a partition. */
function medianToFront(ranked: TiedKeys, from: number, to: number): void {
  const { keys } = ranked;
  const second = from + 1;
  const middle = from + ((to - from) >>> 1);
  const last = to - 1;
  const a = keys[second]!;
  const b = keys[middle]!;
  const c = keys[last]!;
  let median: number;
  if (before(ranked, a, b)) {
    if (before(ranked, b, c)) median = middle;
    else median = before(ranked, a, c) ? last : second;
  } else if (before(ranked, a, c)) median = second;
  else median = before(ranked, b, c) ? last : middle;
  swap(keys, from, median);
}

function insertionSort(ranked: TiedKeys, from: number, to: number): void {
  const { keys } = ranked;
  for (let i = from + 1; i < to; i++) {
    const key = keys[i]!;
    let hole = i;
    for (; hole > from && before(ranked, key, keys[hole - 1]!); hole--) keys[hole] = keys[hole - 1]!;
    keys[hole] = key;
  }
}

/** Keeps the smallest keys seen so far in a heap, largest on top, from `from` to `middle`. */
function heapSelect(ranked: TiedKeys, from: number, middle: number, to: number): void {
  const { keys } = ranked;
  const size = middle - from;
  for (let parent = (size >>> 1) - 1; parent >= 0; parent--) {
    siftDown(ranked, from, size, parent, keys[from + parent]!);
  }
  for (let i = middle; i < to; i++) {
    const key = keys[i]!;
    if (!before(ranked, key, keys[from]!)) continue;
    keys[i] = keys[from]!;
    siftDown(ranked, from, size, 0, key);
  }
}

/** Lets the hole sink to a leaf, always towards the larger child, then lets the key rise from there. */
function siftDown(ranked: TiedKeys, from: number, size: number, top: number, key: number): void {
  const { keys } = ranked;
  let hole = top;
  let child = 2 * hole + 2;
  for (; child < size; child = 2 * hole + 2) {
    if (before(ranked, keys[from + child]!, keys[from + child - 1]!)) child--;
    keys[from + hole] = keys[from + child]!;
    hole = child;
  }
  if (child === size) {
    keys[from + hole] = keys[from + child - 1]!;
    hole = child - 1;
  }
  while (hole > top) {
    const parent = (hole - 1) >>> 1;
    if (!before(ranked, keys[from + parent]!, key)) break;
    keys[from + hole] = keys[from + parent]!;
    hole = parent;
  }
  keys[from + hole] = key;
}

function before({ tiedFrom, tiedTo }: TiedKeys, a: number, b: number): boolean {
  return a < b && !(a >= tiedFrom && b <= tiedTo);
}

function swap(keys: Int32Array, i: number, j: number): void {
  const key = keys[i]!;
  keys[i] = keys[j]!;
  keys[j] = key;
}
