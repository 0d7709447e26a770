import { type Amount, pruneCount } from './amount';
import { type Bracket, Splitting, WORTH_SPLITTING } from './bracket';
import { checkSize } from './checks';
import { type Entries, entriesOf, nameOf, remainingOf, unchanged } from './entries';
import { scatter } from './gather';
import { defaultGenerator, type Generator } from './generator';
import type { MaskKernels } from './kernels';
import type { Layout } from './layout';
import { scratchKeys, withKeys } from './scratch';
import { findCut, isAbove, isSplit, lastTaken } from './select';
import { takenOfTied } from './ties';

const RAND24_MAX = 0xffffff;

/** How many standard deviations the cut may lie off. */
const DEVIATIONS = 8;

/** How many mean distances of two draws besides. */
const GAPS = 32;

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
  return randomMasks(parts, amount, generator);
}

/**
 * The same, by kernels where there are any.
 *
 * @param kernels Faster ways for the loops over many entries.
 */
export function randomMasks(
  parts: readonly RandomPart[],
  amount: Amount,
  generator: Generator = defaultGenerator,
  kernels?: MaskKernels,
): Uint8Array[] {
  const entries = parts.map(({ size, mask }, i) => {
    const where = nameOf(i, parts.length);
    if (typeof size !== 'number') return entriesOf(size.size, size, mask, where);
    checkSize(size, `The size of ${where}`);
    return entriesOf(size, undefined, mask, where);
  });
  const total = remainingOf(entries);
  const count = pruneCount(amount, total);
  if (count === 0) return entries.map(unchanged);

  const many = kernels !== undefined && total >= WORTH_SPLITTING;
  const kept =
    (many ? keptOfMany(total, count, generator, kernels) : undefined) ?? keptOf(total, count, generator);
  let from = 0;
  return entries.map((part) => {
    const own = kept.subarray(from, from + part.remaining);
    from += part.remaining;
    return placed(part, own, kernels);
  });
}

/** PyTorch prunes the largest draws, so the keys run the other way. */
function drawKeys(keys: Int32Array, generator: Generator, kernels?: MaskKernels): void {
  generator.fillRand24(keys, keys.length, kernels?.drawTurns);
  for (let i = 0; i < keys.length; i++) keys[i] = RAND24_MAX - keys[i]!;
}

/** For each of `total` draws, 1 if it is not among the `count` largest. */
function keptOf(total: number, count: number, generator: Generator): Uint8Array {
  const keys = scratchKeys(total);
  drawKeys(keys, generator);
  const cut = findCut([{ bits: keys }], count);
  const threshold = lastTaken(cut);
  const kept = new Uint8Array(total);
  for (let i = 0; i < total; i++) kept[i] = isAbove(keys[i]!, threshold);
  if (isSplit(cut)) pruneAt(kept, takenOfTied(keys, count, cut));
  return kept;
}

/**
 * The same without storing the keys: they are drawn a chunk at a time, and again only if some of several equal ones are
 * to be told apart. Undefined, with nothing drawn, in the rare case that the cut is not where chance lets expect it.
 */
function keptOfMany(
  total: number,
  count: number,
  generator: Generator,
  kernels: MaskKernels,
): Uint8Array | undefined {
  const before = generator.getState();
  const splitting = new Splitting(expectedBracket(total, count), total, kernels.split);
  const kept = new Uint8Array(total);
  const { chunk } = kernels;
  for (let from = 0; from < total; from += chunk.length) {
    const keys = chunk.subarray(0, total - from);
    drawKeys(keys, generator, kernels);
    splitting.add(keys, kept.subarray(from, from + keys.length));
  }
  const cut = splitting.cut(count);
  if (cut === undefined) {
    generator.setState(before);
    return undefined;
  }
  splitting.settle([kept], lastTaken(cut));
  if (isSplit(cut)) {
    generator.setState(before);
    withKeys(total, kernels, (keys) => {
      drawKeys(keys, generator, kernels);
      pruneAt(kept, takenOfTied(keys, count, cut, kernels));
    });
  }
  return kept;
}

function pruneAt(kept: Uint8Array, places: Int32Array): void {
  for (let i = 0; i < places.length; i++) kept[places[i]!] = 0;
}

/**
 * Draws are evenly distributed, so the number of those below a key is binomial; at both ends, where that is no normal
 * distribution, the bracket is wider by some mean distances between draws.
 */
function expectedBracket(total: number, count: number): Bracket {
  const share = count / total;
  const middle = share * RAND24_MAX;
  const deviation = Math.sqrt((share * (1 - share)) / total);
  const off = (DEVIATIONS * deviation + GAPS / total) * RAND24_MAX + 2;
  return { low: Math.max(0, Math.floor(middle - off)), high: Math.min(RAND24_MAX, Math.ceil(middle + off)) };
}

/** The mask of a part from what is kept of its elements that are left, in their order. */
function placed(
  { size, layout, grid: { rows, columns }, mask: old }: Entries,
  kept: Uint8Array,
  kernels: MaskKernels | undefined,
): Uint8Array {
  const mask = new Uint8Array(size);
  if (old === undefined) {
    if (layout === undefined) mask.set(kept);
    else if (!kernels?.scatterBytes(kept, layout, mask)) scatter(kept, layout, mask);
    return mask;
  }
  for (let r = 0, seen = 0; seen < kept.length; r++) {
    const base = rows[r]!;
    for (let c = 0; c < columns.length && seen < kept.length; c++) {
      const position = base + columns[c]!;
      if (old[position] === 1) mask[position] = kept[seen++]!;
    }
  }
  return mask;
}
