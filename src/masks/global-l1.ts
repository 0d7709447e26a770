import { type Amount, pruneCount } from './amount';
import { Splitting, sampledBracket, WORTH_SPLITTING } from './bracket';
import { checkScores, type Entries, entriesOf, nameOf, remainingOf, unchanged } from './entries';
import { gather } from './gather';
import type { MaskKernels } from './kernels';
import type { Layout } from './layout';
import { withKeys } from './scratch';
import { bitsOf, type Cut, findCut, isAbove, isSplit, keyOf, lastTaken } from './select';
import { takenOfTied } from './ties';

/** One tensor of several that are ranked together by importance. */
export interface Part {
  /**
   * How important each entry is; the smallest magnitudes are pruned. Usually the masked weights themselves. May be a getter,
   * where they are in memory that can move.
   */
  readonly scores: Float32Array;
  /** Where the elements of the tensor lie in `scores`; row-major by default. */
  readonly layout?: Layout | undefined;
  /** What earlier prunings left, 1 or 0, in the order of `scores`; everything by default. */
  readonly mask?: Uint8Array | undefined;
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
  return l1Masks(parts, amount);
}

/**
 * The same, by kernels where there are any.
 *
 * @param kernels Faster ways for the loops over many entries.
 */
export function l1Masks(parts: readonly Part[], amount: Amount, kernels?: MaskKernels): Uint8Array[] {
  const entries = parts.map(({ scores, layout, mask }, i) => {
    const where = nameOf(i, parts.length);
    checkScores(scores, where);
    return entriesOf(scores.length, layout, mask, where);
  });
  const count = pruneCount(amount, remainingOf(entries));
  if (count === 0) return entries.map(unchanged);

  const bits = parts.map(({ scores }) => bitsOf(scores));
  const { cut, masks } =
    (kernels && cutInOnePass(entries, bits, count, kernels)) ?? cutByRadix(entries, bits, count);
  if (isSplit(cut)) {
    withKeys(remainingOf(entries), kernels, (left) => {
      // The scores are asked for again, as they may be in memory that has grown.
      const now = parts.map(({ scores }) => bitsOf(scores));
      gatherLeft(entries, now, left, kernels);
      pruneElements(entries, masks, takenOfTied(left, count, cut, kernels));
    });
  }
  return masks;
}

/** Masks that keep the tied where only some of them are pruned, and where the ranking was cut. */
interface Marked {
  readonly cut: Cut;
  readonly masks: Uint8Array[];
}

function cutByRadix(entries: readonly Entries[], bits: readonly Int32Array[], count: number): Marked {
  const cut = findCut(
    entries.map(({ mask }, i) => ({ bits: bits[i]!, mask })),
    count,
  );
  return { cut, masks: entries.map((part, i) => maskAbove(bits[i]!, part.mask, cut)) };
}

/** The same from a sample and one pass; undefined where the sample misled, and where it is not worth it. */
function cutInOnePass(
  entries: readonly Entries[],
  bits: readonly Int32Array[],
  count: number,
  { split }: MaskKernels,
): Marked | undefined {
  const total = remainingOf(entries);
  if (total < WORTH_SPLITTING || entries.some(({ mask }) => mask !== undefined)) return undefined;
  const splitting = new Splitting(sampledBracket(bits, count), total, split);
  const masks = bits.map(({ length }) => new Uint8Array(length));
  if (!bits.every((part, i) => splitting.add(part, masks[i]!))) return undefined;
  const cut = splitting.cut(count);
  if (cut === undefined) return undefined;
  splitting.settle(masks, lastTaken(cut));
  return { cut, masks };
}

function maskAbove(bits: Int32Array, old: Uint8Array | undefined, cut: Cut): Uint8Array {
  const threshold = lastTaken(cut);
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

/** Bits of all ranked entries in the order of the elements. */
function gatherLeft(
  entries: readonly Entries[],
  bits: readonly Int32Array[],
  left: Int32Array,
  kernels: MaskKernels | undefined,
): void {
  let gathered = 0;
  entries.forEach((part, i) => {
    gatherPart(part, bits[i]!, left.subarray(gathered, gathered + part.remaining), kernels);
    gathered += part.remaining;
  });
}

function gatherPart(
  { layout, grid: { rows, columns }, mask }: Entries,
  bits: Int32Array,
  left: Int32Array,
  kernels: MaskKernels | undefined,
): void {
  if (mask === undefined) {
    if (layout === undefined) left.set(bits);
    else if (!kernels?.gatherWords(bits, layout, left)) gather(bits, layout, left);
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

/** Prunes elements by their places among all that are left, in order. */
function pruneElements(entries: readonly Entries[], masks: readonly Uint8Array[], places: Int32Array): void {
  let start = 0;
  let from = 0;
  entries.forEach((part, i) => {
    const end = start + part.remaining;
    let to = from;
    while (to < places.length && places[to]! < end) to++;
    const own = places.subarray(from, to);
    if (part.mask === undefined) pruneOf(part, masks[i]!, own, start);
    else pruneOfLeft(part, part.mask, masks[i]!, own, start);
    start = end;
    from = to;
  });
}

function pruneOf(
  { grid: { rows, columns } }: Entries,
  mask: Uint8Array,
  places: Int32Array,
  start: number,
): void {
  const width = columns.length;
  for (let i = 0; i < places.length; i++) {
    const element = places[i]! - start;
    const column = element % width;
    mask[rows[(element - column) / width]! + columns[column]!] = 0;
  }
}

function pruneOfLeft(
  { grid: { rows, columns } }: Entries,
  old: Uint8Array,
  mask: Uint8Array,
  places: Int32Array,
  start: number,
): void {
  for (let r = 0, seen = start, next = 0; next < places.length; r++) {
    const base = rows[r]!;
    for (let c = 0; c < columns.length && next < places.length; c++) {
      const position = base + columns[c]!;
      if (old[position] === 0) continue;
      if (seen++ !== places[next]) continue;
      mask[position] = 0;
      next++;
    }
  }
}
