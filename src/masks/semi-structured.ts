import { PruneError, shown } from '../errors';
import { type AxisRuns, alongAxis } from './axis-runs';
import { checkLayout, checkScores, layoutFrom, partialMask } from './entries';
import type { Layout } from './layout';
import { bitsOf, isAbove, keyOf } from './select';
import { resolveDim } from './slices';
import type { MaskOption } from './unstructured';

/** Settings of {@link semiStructured}. */
export interface SemiStructuredOptions extends MaskOption {
  /** How many of each group stay, a whole number ≥ 1 and less than `m`. */
  readonly n: number;
  /** How many neighbours along the axis make a group, a whole number ≥ 2. */
  readonly m: number;
  /** The axis of the layout along which the groups lie, that of input channels; negative ones count from the last. */
  readonly dim: number;
}

/** What the loop over groups works with. */
interface Groups {
  readonly bits: Int32Array;
  /** 1 where an entry stays; what earlier prunings left at first. */
  readonly mask: Uint8Array;
  /** How far a group's entries lie from one another. */
  readonly step: number;
  readonly n: number;
  /** Memory for the keys of one group, and for how many entries come before each. */
  readonly keys: Int32Array;
  readonly ranks: Int32Array;
}

/**
 * A mask of N:M sparsity: of every `m` neighbours along one axis, at the same indices of all others, only the `n` of
 * largest magnitude stay.
 *
 * The groups start at index 0 of the axis. Where its length is no multiple of `m` the last one is shorter and keeps its
 * `n` largest all the same. A group of which earlier prunings left no more than `n` stays as it is. Of equal magnitudes
 * the first stay; NaN counts as the largest.
 *
 * Source: Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks", as NVIDIA's ASP does it (`mn_1d_best`); and
 * `torch.ao.pruning.WeightNormSparsifier` with blocks of (1, m), which is the same for axes of a multiple of m.
 *
 * @param scores How important each entry is, usually the masked weights themselves.
 * @param shapeOrLayout Shape of a row-major tensor, or where its elements lie in the scores.
 * @param options n, m and the axis, and earlier prunings.
 * @returns A new mask, 1 or 0 in the order of the scores.
 * @throws {@link PruneError} `argument`, `dim` or `shape` if something given does not fit.
 * @example
 * ```ts
 * semiStructured(Float32Array.of(1, -4, 2, 3), [1, 4], { n: 2, m: 4, dim: 1 }); // Uint8Array [0, 1, 0, 1]
 * ```
 */
export function semiStructured(
  scores: Float32Array,
  shapeOrLayout: readonly number[] | Layout,
  { n, m, dim, mask }: SemiStructuredOptions,
): Uint8Array {
  checkPattern(n, m);
  checkScores(scores, 'the tensor');
  const layout = layoutFrom(shapeOrLayout);
  checkLayout(layout, scores.length, 'the scores');
  const axis = resolveDim(dim, layout.shape.length);
  const tensor = alongAxis(scores, layout, axis, partialMask(mask, layout.size, 'the tensor'));
  const pruned = tensor.mask?.slice() ?? new Uint8Array(layout.size).fill(1);
  const longest = Math.min(m, tensor.runs.count);
  const groups: Groups = {
    bits: bitsOf(tensor.scores),
    mask: pruned,
    step: tensor.runs.run,
    n,
    keys: new Int32Array(longest),
    ranks: new Int32Array(longest),
  };
  pruneGroups(groups, tensor.runs, m);
  return tensor.stored(pruned);
}

function checkPattern(n: unknown, m: unknown): void {
  const isPattern =
    Number.isSafeInteger(n) && Number.isSafeInteger(m) && Number(n) >= 1 && Number(n) < Number(m);
  if (isPattern) return;
  const allowed = 'whole numbers with 1 <= n < m, such as 2 and 4';
  const message = `n and m of N:M sparsity must be ${allowed}, but got ${shown(n)} and ${shown(m)}.`;
  throw new PruneError('argument', message, { given: [n, m], allowed });
}

function pruneGroups(groups: Groups, { outer, count, run }: AxisRuns, m: number): void {
  for (let o = 0; o < outer; o++) {
    for (let first = 0; first < count; first += m) {
      const length = Math.min(m, count - first);
      if (length <= groups.n) continue;
      const from = (o * count + first) * run;
      for (let at = from; at < from + run; at++) pruneGroup(groups, at, length);
    }
  }
}

function pruneGroup({ bits, mask, step, n, keys, ranks }: Groups, from: number, length: number): void {
  for (let i = 0, at = from; i < length; i++, at += step) {
    // What is pruned already ranks below everything that is left.
    keys[i] = mask[at] === 0 ? -1 : keyOf(bits[at]!);
    ranks[i] = 0;
  }
  for (let i = 0; i < length; i++) {
    for (let j = i + 1; j < length; j++) {
      const isSecond = isAbove(keys[j]!, keys[i]!);
      ranks[i]! += isSecond;
      ranks[j]! += 1 - isSecond;
    }
  }
  for (let i = 0, at = from; i < length; i++, at += step) if (ranks[i]! >= n) mask[at] = 0;
}
