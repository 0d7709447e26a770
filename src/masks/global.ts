import { type Amount, pruneCount } from './amount';
import { checkScores, checkSize, type Entries, entriesOf } from './entries';
import { defaultGenerator, type Generator } from './generator';
import type { Layout } from './layout';
import { bitsOf, type Cut, findCut, keyOf } from './select';
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
  const split = cut.taken < cut.tied;
  const masks = entries.map((part, i) =>
    maskAbove(bits[i]!, split ? cut.threshold - 1 : cut.threshold, part.mask),
  );
  if (split) {
    const keys = new Int32Array(remainingOf(entries));
    const ties = gather(entries, bits, cut, keys);
    pruneTies(masks, ties, takenOfTied(keys, count, cut));
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
  const split = cut.taken < cut.tied;
  const ties: Ties = { positions: new Int32Array(split ? cut.tied : 0), ends: [] };
  const masks: Uint8Array[] = [];
  let drawn = 0;
  for (const part of entries) {
    const own = keys.subarray(drawn, drawn + part.remaining);
    masks.push(scatter(part, own, split ? cut.threshold - 1 : cut.threshold));
    if (split) noteTies(part, own, cut.threshold, ties);
    drawn += part.remaining;
  }
  if (split) pruneTies(masks, ties, takenOfTied(keys, count, cut));
  return masks;
}

/** PyTorch prunes the largest draws, so the keys run the other way. */
function drawKeys(count: number, generator: Generator): Int32Array {
  const keys = new Int32Array(count);
  generator.fillRand24(keys);
  for (let i = 0; i < count; i++) keys[i] = RAND24_MAX - keys[i]!;
  return keys;
}

function maskAbove(bits: Int32Array, threshold: number, old: Uint8Array | undefined): Uint8Array {
  const mask = new Uint8Array(bits.length);
  if (old === undefined) {
    for (let i = 0; i < bits.length; i++) mask[i] = isAbove(keyOf(bits[i]!), threshold);
  } else {
    for (let i = 0; i < bits.length; i++) mask[i] = old[i]! & isAbove(keyOf(bits[i]!), threshold);
  }
  return mask;
}

/** The sign of the difference: a comparison would branch, and half of the branches would be foretold wrong. */
function isAbove(key: number, threshold: number): number {
  return (threshold - key) >>> 31;
}

/** A mask from keys that stand in the order of the elements. */
function scatter({ size, order, mask: old }: Entries, keys: Int32Array, threshold: number): Uint8Array {
  const positions = order();
  const mask = new Uint8Array(size);
  for (let n = 0, drawn = 0; drawn < keys.length; n++) {
    const position = positions === undefined ? n : positions[n]!;
    if (old === undefined || old[position] === 1) mask[position] = isAbove(keys[drawn++]!, threshold);
  }
  return mask;
}

function noteTies({ order, mask }: Entries, keys: Int32Array, threshold: number, ties: Ties): void {
  const positions = order();
  let found = ties.ends.at(-1) ?? 0;
  for (let n = 0, drawn = 0; drawn < keys.length; n++) {
    const position = positions === undefined ? n : positions[n]!;
    if (mask !== undefined && mask[position] === 0) continue;
    if (keys[drawn++] === threshold) ties.positions[found++] = position;
  }
  ties.ends.push(found);
}

/** Keys of all ranked entries in the order of the elements, and the places of those tied at the cut. */
function gather(entries: readonly Entries[], bits: readonly Int32Array[], cut: Cut, keys: Int32Array): Ties {
  const ties: Ties = { positions: new Int32Array(cut.tied), ends: [] };
  let gathered = 0;
  entries.forEach((part, i) => {
    const own = keys.subarray(gathered, gathered + part.remaining);
    gatherKeys(part, bits[i]!, own);
    noteTies(part, own, cut.threshold, ties);
    gathered += part.remaining;
  });
  return ties;
}

function gatherKeys({ order, mask }: Entries, bits: Int32Array, keys: Int32Array): void {
  const positions = order();
  for (let n = 0, gathered = 0; gathered < keys.length; n++) {
    const position = positions === undefined ? n : positions[n]!;
    if (mask === undefined || mask[position] === 1) keys[gathered++] = keyOf(bits[position]!);
  }
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
