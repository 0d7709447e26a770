import { type Amount, pruneCount } from './amount';
import { checkSize } from './checks';
import { checkScores, type Entries, entriesOf } from './entries';
import { gather } from './gather';
import { defaultGenerator, type Generator } from './generator';
import type { Layout } from './layout';
import { scratchKeys } from './scratch';
import { bitsOf, type Cut, findCut, isAbove, keyOf } from './select';
import { takenOfTied } from './ties';

const RAND24_MAX = 0xffffff;

/** One tensor of several that are ranked together by importance. */
export interface Part {
  /** How important each entry is; the smallest magnitudes are pruned. Usually the masked weights themselves. */
  readonly scores: Float32Array;
  /** Where the elements of the tensor lie in `scores`; row-major by default. */
  readonly layout?: Layout | undefined;
  /** What earlier prunings left, 1 or 0, in the order of `scores`; everything by default. */
  readonly mask?: Uint8Array | undefined;
}

/** One tensor of several that are pruned together at random. */
export interface RandomPart {
  /** Number of entries of a row-major tensor, or where the elements lie. */
  readonly size: number | Layout;
  /** What earlier prunings left, 1 or 0, in the order of the flat array; everything by default. */
  readonly mask?: Uint8Array | undefined;
}

/** Where random numbers come from. */
export interface RandomOptions {
  /** The generator to draw from; the {@link defaultGenerator} by default. */
  readonly generator?: Generator | undefined;
}

/** Entries that a cut leaves undecided, in the order of the elements. */
interface Ties {
  /** Position of each tied entry in its part. */
  readonly positions: Int32Array;
  /** For each part, the number of tied entries up to its end. */
  readonly ends: number[];
}

/**
 * Masks that prune, over several tensors together, the entries of smallest magnitude.
 *
 * Source: `torch.nn.utils.prune.global_unstructured` with `L1Unstructured`, ties included.
 *
 * @param parts The tensors, in PyTorch's order of parameters.
 * @param amount How many of all entries that are left, or what fraction of them.
 * @returns A new mask for each part, 1 or 0 in the order of its scores.
 * @throws {@link PruneError} `argument`, `amount` or `shape` if something given does not fit.
 * @example
 * ```ts
 * globalL1Unstructured([{ scores: Float32Array.of(1, 4) }, { scores: Float32Array.of(-2, 3) }], 0.5);
 * // [Uint8Array [0, 1], Uint8Array [0, 1]]
 * ```
 */
export function globalL1Unstructured(parts: readonly Part[], amount: Amount): Uint8Array[] {
  const entries = parts.map(({ scores, layout, mask }, i) => {
    const where = nameOf(i, parts.length);
    checkScores(scores, where);
    return entriesOf(scores.length, layout, mask, where);
  });
  const count = pruneCount(amount, remainingOf(entries));
  if (count === 0) return entries.map(unchanged);

  const bits = parts.map(({ scores }) => bitsOf(scores));
  const cut = findCut(
    entries.map(({ mask }, i) => ({ bits: bits[i]!, mask })),
    count,
  );
  const masks = entries.map((part, i) => maskAbove(bits[i]!, part.mask, cut));
  if (isSplit(cut)) {
    const ties = tiesAt(cut);
    const left = gatherLeft(entries, bits, cut, ties);
    pruneTies(masks, ties, takenOfTied(left, count, cut));
  }
  return masks;
}

/**
 * Masks that prune, over several tensors together, entries drawn at random.
 *
 * Source: `torch.nn.utils.prune.global_unstructured` with `RandomUnstructured`: the same masks for the same seed.
 *
 * @param parts The tensors, in PyTorch's order of parameters.
 * @param amount How many of all entries that are left, or what fraction of them.
 * @param options Where the random numbers come from. Each entry that is left takes one; amounts of none take none.
 * @returns A new mask for each part, 1 or 0 in the order of its flat array.
 * @throws {@link PruneError} `argument`, `amount` or `shape` if something given does not fit.
 * @example
 * ```ts
 * globalRandomUnstructured([{ size: 100 }, { size: 50 }], 0.2, { generator: new Generator(0) });
 * ```
 */
export function globalRandomUnstructured(
  parts: readonly RandomPart[],
  amount: Amount,
  { generator = defaultGenerator }: RandomOptions = {},
): Uint8Array[] {
  const entries = parts.map(({ size, mask }, i) => {
    const where = nameOf(i, parts.length);
    if (typeof size !== 'number') return entriesOf(size.size, size, mask, where);
    checkSize(size, `The size of ${where}`);
    return entriesOf(size, undefined, mask, where);
  });
  const count = pruneCount(amount, remainingOf(entries));
  if (count === 0) return entries.map(unchanged);

  const keys = drawKeys(remainingOf(entries), generator);
  const cut = findCut([{ bits: keys }], count);
  const ties = tiesAt(cut);
  const masks: Uint8Array[] = [];
  let drawn = 0;
  for (const part of entries) {
    masks.push(maskOfRanked(part, keys.subarray(drawn, drawn + part.remaining), cut, ties));
    drawn += part.remaining;
  }
  if (isSplit(cut)) pruneTies(masks, ties, takenOfTied(keys, count, cut));
  return masks;
}

/** PyTorch prunes the largest draws, so the keys run the other way. */
function drawKeys(count: number, generator: Generator): Int32Array {
  const keys = scratchKeys(count);
  generator.fillRand24(keys);
  for (let i = 0; i < count; i++) keys[i] = RAND24_MAX - keys[i]!;
  return keys;
}

/** Whether only some of the tied are pruned. The masks keep all of them at first. */
function isSplit({ taken, tied }: Cut): boolean {
  return taken < tied;
}

function lastPruned(cut: Cut): number {
  return isSplit(cut) ? cut.threshold - 1 : cut.threshold;
}

function tiesAt(cut: Cut): Ties {
  return { positions: new Int32Array(isSplit(cut) ? cut.tied : 0), ends: [] };
}

function maskAbove(bits: Int32Array, old: Uint8Array | undefined, cut: Cut): Uint8Array {
  const threshold = lastPruned(cut);
  const mask = new Uint8Array(bits.length);
  const words = new Uint32Array(mask.buffer, 0, mask.length >> 2);
  for (let word = 0, i = 0; word < words.length; word++, i += 4) {
    words[word] =
      isAbove(keyOf(bits[i]!), threshold) |
      (isAbove(keyOf(bits[i + 1]!), threshold) << 8) |
      (isAbove(keyOf(bits[i + 2]!), threshold) << 16) |
      (isAbove(keyOf(bits[i + 3]!), threshold) << 24);
  }
  for (let i = words.length * 4; i < bits.length; i++) mask[i] = isAbove(keyOf(bits[i]!), threshold);
  if (old !== undefined) for (let i = 0; i < mask.length; i++) mask[i]! &= old[i]!;
  return mask;
}

/** A mask from keys that stand in the order of the elements. Takes down the tied if only some are pruned. */
function maskOfRanked(
  { size, grid, mask: old }: Entries,
  keys: Int32Array,
  cut: Cut,
  ties: Ties,
): Uint8Array {
  const { rows, columns } = grid;
  const threshold = lastPruned(cut);
  const tiedKey = isSplit(cut) ? cut.threshold : -1;
  const mask = new Uint8Array(size);
  let found = ties.ends.at(-1) ?? 0;
  for (let r = 0, drawn = 0; drawn < keys.length; r++) {
    const base = rows[r]!;
    for (let c = 0; c < columns.length && drawn < keys.length; c++) {
      const position = base + columns[c]!;
      if (old !== undefined && old[position] === 0) continue;
      const key = keys[drawn++]!;
      mask[position] = isAbove(key, threshold);
      if (key === tiedKey) ties.positions[found++] = position;
    }
  }
  ties.ends.push(found);
  return mask;
}

/** Bits of all ranked entries in the order of the elements. Takes down the tied. */
function gatherLeft(
  entries: readonly Entries[],
  bits: readonly Int32Array[],
  cut: Cut,
  ties: Ties,
): Int32Array {
  const left = scratchKeys(remainingOf(entries));
  let gathered = 0;
  entries.forEach((part, i) => {
    const own = left.subarray(gathered, gathered + part.remaining);
    gatherPart(part, bits[i]!, own);
    noteTies(part, own, cut.threshold, ties);
    gathered += part.remaining;
  });
  return left;
}

function gatherPart(
  { layout, grid: { rows, columns }, mask }: Entries,
  bits: Int32Array,
  left: Int32Array,
): void {
  if (mask === undefined) {
    if (layout === undefined) left.set(bits);
    else gather(bits, layout, left);
    return;
  }
  for (let r = 0, gathered = 0; gathered < left.length; r++) {
    const base = rows[r]!;
    for (let c = 0; c < columns.length && gathered < left.length; c++) {
      const position = base + columns[c]!;
      if (mask[position] === 1) left[gathered++] = bits[position]!;
    }
  }
}

function noteTies(
  { grid: { rows, columns }, mask }: Entries,
  left: Int32Array,
  tiedKey: number,
  ties: Ties,
): void {
  let found = ties.ends.at(-1) ?? 0;
  for (let r = 0, seen = 0; seen < left.length; r++) {
    const base = rows[r]!;
    for (let c = 0; c < columns.length && seen < left.length; c++) {
      const position = base + columns[c]!;
      if (mask !== undefined && mask[position] === 0) continue;
      if (keyOf(left[seen++]!) === tiedKey) ties.positions[found++] = position;
    }
  }
  ties.ends.push(found);
}

function pruneTies(masks: readonly Uint8Array[], { positions, ends }: Ties, taken: Uint8Array): void {
  let tie = 0;
  masks.forEach((mask, i) => {
    for (; tie < ends[i]!; tie++) if (taken[tie] === 1) mask[positions[tie]!] = 0;
  });
}

function unchanged({ size, mask }: Entries): Uint8Array {
  return mask === undefined ? new Uint8Array(size).fill(1) : mask.slice();
}

function remainingOf(entries: readonly Entries[]): number {
  return entries.reduce((sum, { remaining }) => sum + remaining, 0);
}

function nameOf(part: number, parts: number): string {
  return parts === 1 ? 'the tensor' : `part ${part}`;
}
