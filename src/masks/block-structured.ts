import { PruneError, shown } from '../errors';
import type { Amount } from './amount';
import { type AxisRuns, alongAxis, type RunTensor } from './axis-runs';
import { checkLayout, checkScores, layoutFrom, partialMask } from './entries';
import { globalL1Unstructured } from './global-l1';
import { type Layout, layoutOf } from './layout';
import { type Fold, foldOf } from './norms';
import { resolveDim } from './slices';
import type { MaskOption } from './unstructured';

/** Which blocks there are and how they are ranked. */
export interface BlockRanking {
  /** How many neighbours along the axis make a block, a whole number ≥ 2; 16 by default. */
  readonly size?: number | undefined;
  /** The order of the norm that ranks blocks, a number ≥ 0 or Infinity; 2 by default. */
  readonly n?: number | undefined;
}

/** Settings of {@link blockStructured}. Blocks that earlier prunings removed as a whole are neither ranked nor counted. */
export interface BlockOptions extends BlockRanking, MaskOption {
  /** How many of the blocks that are left, or what fraction of them. */
  readonly amount: Amount;
  /** The axis of the layout along which the blocks lie; negative ones count from the last. */
  readonly dim: number;
}

/** One tensor of several whose blocks are ranked together. */
export interface BlockPart extends MaskOption {
  /** How important each entry is, usually the masked weights themselves. */
  readonly scores: Float32Array;
  /** Shape of a row-major tensor, or where its elements lie in the scores. */
  readonly layout: readonly number[] | Layout;
  /** The axis of the layout along which the blocks lie; negative ones count from the last. */
  readonly dim: number;
}

/** The blocks of one tensor, a number for each in the order of memory. */
interface Blocks {
  readonly tensor: RunTensor;
  readonly norms: Float32Array;
  /** Where the blocks stand in `norms`, as a tensor whose axis is `size` times shorter. */
  readonly layout: Layout;
  /** 1 for blocks of which an entry is left; undefined where that is all of them. */
  readonly left: Uint8Array | undefined;
}

/**
 * A mask that prunes the blocks of smallest norm: `size` neighbours along one axis, at the same indices of all others,
 * stay or go together.
 *
 * The blocks start at index 0 of the axis; the last one is shorter where its length is no multiple of the size. Ranked is
 * the norm of a block's mean, (Σ |x|ⁿ / length)^(1/n), so that a short block is not taken for a weak one; entries that
 * are pruned already count as zeros.
 *
 * Source: blocks of shape (size, 1) of `torch.ao.pruning.WeightNormSparsifier`, which ranks by the mean of squares too.
 * Ties fall as in {@link l1Unstructured}, in the row-major order of blocks. Norms are added up in double precision.
 *
 * @param scores How important each entry is, usually the masked weights themselves.
 * @param shapeOrLayout Shape of a row-major tensor, or where its elements lie in the scores.
 * @param options Amount, axis, size of the blocks and norm, and earlier prunings.
 * @returns A new mask, 1 or 0 in the order of the scores.
 * @throws {@link PruneError} `argument`, `amount`, `dim` or `shape` if something given does not fit.
 * @example
 * ```ts
 * // Rows 0 and 1, then row 2 alone: of the four blocks the upper left one and the lower right one are weakest.
 * blockStructured(Float32Array.of(1, 4, 1, 4, 3, 2), [3, 2], { amount: 0.5, size: 2, dim: 0 });
 * // Uint8Array [0, 1, 0, 1, 1, 0]
 * ```
 */
export function blockStructured(
  scores: Float32Array,
  shapeOrLayout: readonly number[] | Layout,
  { amount, dim, mask, ...ranking }: BlockOptions,
): Uint8Array {
  const [pruned] = globalBlockStructured([{ scores, layout: shapeOrLayout, dim, mask }], amount, ranking);
  return pruned!;
}

/**
 * Masks that prune, over several tensors together, the blocks of smallest norm; see {@link blockStructured}.
 *
 * @param parts The tensors. The order decides only between equal norms.
 * @param amount How many of all blocks that are left, or what fraction of them.
 * @param ranking Size of the blocks and norm, the same for all.
 * @returns A new mask for each part, 1 or 0 in the order of its scores.
 * @throws {@link PruneError} `argument`, `amount`, `dim` or `shape` if something given does not fit.
 * @example
 * ```ts
 * globalBlockStructured([{ scores: conv, layout: [64, 3, 7, 7], dim: 0 }, { scores: fc, layout: [10, 64], dim: 0 }], 0.9);
 * ```
 */
export function globalBlockStructured(
  parts: readonly BlockPart[],
  amount: Amount,
  { size = 16, n = 2 }: BlockRanking = {},
): Uint8Array[] {
  checkBlockSize(size);
  checkBlockNorm(n);
  const blocks = parts.map((part, i) =>
    blocksOf(part, size, n, parts.length === 1 ? 'the tensor' : `part ${i}`),
  );
  const kept = globalL1Unstructured(
    blocks.map(({ norms, layout, left }) => ({ scores: norms, layout, mask: left })),
    amount,
  );
  return blocks.map(({ tensor }, i) => tensor.stored(maskOfBlocks(tensor, size, kept[i]!)));
}

function checkBlockSize(size: unknown): void {
  if (Number.isSafeInteger(size) && Number(size) >= 2) return;
  const allowed = 'a whole number >= 2';
  throw new PruneError('argument', `The size of a block must be ${allowed}, but got ${shown(size)}.`, {
    given: size,
    allowed,
  });
}

function checkBlockNorm(n: unknown): void {
  if (typeof n === 'number' && n >= 0) return;
  const allowed = 'a number >= 0 or Infinity';
  throw new PruneError('argument', `The norm n of blocks must be ${allowed}, but got ${shown(n)}.`, {
    given: n,
    allowed,
  });
}

function blocksOf(part: BlockPart, size: number, n: number, where: string): Blocks {
  checkScores(part.scores, where);
  const layout = layoutFrom(part.layout);
  checkLayout(layout, part.scores.length, where);
  const axis = resolveDim(part.dim, layout.shape.length);
  const tensor = alongAxis(part.scores, layout, axis, partialMask(part.mask, layout.size, where));
  const { mask, runs } = tensor;
  return {
    tensor,
    norms: blockNorms(tensor, size, n),
    layout: layoutOfBlocks(tensor.layout, axis, runs, size),
    left: mask && blocksLeft(mask, runs, size),
  };
}

function layoutOfBlocks(layout: Layout, axis: number, { count, run }: AxisRuns, size: number): Layout {
  const blocks = Math.ceil(count / size);
  const shape = layout.shape.map((length, i) => (i === axis ? blocks : length));
  const offsets = layout.offsets.map((table, i) =>
    i === axis
      ? Int32Array.from({ length: blocks }, (_, block) => block * run)
      : table.map((at) => Math.floor(at / (count * run)) * blocks * run + (at % (count * run))),
  );
  return layoutOf(shape, offsets);
}

function blockNorms({ scores, mask, runs }: RunTensor, size: number, n: number): Float32Array {
  if (scores.length === 0) return new Float32Array(0);
  const fold = foldOf(n);
  const { outer, count, run } = runs;
  const totals = new Float64Array(outer * Math.ceil(count / size) * run).fill(fold.start);
  const left = new Float32Array(mask === undefined ? 0 : Math.min(size, count) * run);
  for (let o = 0, from = 0, block = 0; o < outer; o++) {
    for (let first = 0; first < count; first += size, block += run) {
      const to = from + Math.min(size, count - first) * run;
      if (mask === undefined) addBlocks(fold, scores, from, to, totals, block, run);
      else {
        copyLeft(scores, mask, from, to, left);
        addBlocks(fold, left, 0, to - from, totals, block, run);
      }
      from = to;
    }
  }
  return normsOf(totals, fold, runs, size, n);
}

/** Takes in as many blocks as a run is long: they lie side by side. */
function addBlocks(
  fold: Fold,
  values: Float32Array,
  from: number,
  to: number,
  totals: Float64Array,
  block: number,
  run: number,
): void {
  if (run === 1) totals[block] = fold.run(values, from, to, totals[block]!);
  else fold.rows(values.subarray(from, to), totals.subarray(block, block + run));
}

/** Entries that are pruned count as zeros, whatever their scores are. */
function copyLeft(
  scores: Float32Array,
  mask: Uint8Array,
  from: number,
  to: number,
  left: Float32Array,
): void {
  for (let i = from; i < to; i++) left[i - from] = mask[i] === 0 ? 0 : scores[i]!;
}

/** A short block gets the norm that a whole one of the same mean would have; the largest entry needs no such thing. */
function normsOf(
  totals: Float64Array,
  fold: Fold,
  { count, run }: AxisRuns,
  size: number,
  n: number,
): Float32Array {
  const norms = new Float32Array(totals.length);
  const rest = count % size;
  const short = n === Infinity || rest === 0 ? 1 : size / rest;
  const width = Math.ceil(count / size) * run;
  for (let i = 0; i < norms.length; i++) {
    const isLast = i % width >= width - run;
    norms[i] = fold.norm(isLast ? totals[i]! * short : totals[i]!);
  }
  return norms;
}

function blocksLeft(mask: Uint8Array, { outer, count, run }: AxisRuns, size: number): Uint8Array {
  const left = new Uint8Array(outer * Math.ceil(count / size) * run);
  for (let o = 0, at = 0, block = 0; o < outer; o++) {
    for (let first = 0; first < count; first += size, block += run) {
      for (const end = at + Math.min(size, count - first) * run; at < end; at += run) {
        for (let i = 0; i < run; i++) left[block + i]! |= mask[at + i]!;
      }
    }
  }
  return left;
}

/** What was left before, without the blocks that are not kept. */
function maskOfBlocks({ mask: old, runs, scores }: RunTensor, size: number, kept: Uint8Array): Uint8Array {
  const { outer, count, run } = runs;
  const mask = new Uint8Array(scores.length);
  for (let o = 0, at = 0, block = 0; o < outer; o++) {
    for (let first = 0; first < count; first += size, block += run) {
      for (const end = at + Math.min(size, count - first) * run; at < end; at += run) {
        for (let i = 0; i < run; i++) mask[at + i] = kept[block + i]!;
      }
    }
  }
  if (old !== undefined) for (let i = 0; i < mask.length; i++) mask[i]! &= old[i]!;
  return mask;
}
