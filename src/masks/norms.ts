import { PruneError, shown } from '../errors';
import type { Layout } from './layout';
import { nuclearNorm } from './nuclear';
import { resolveDim, type Slices, sliceOrder, slicesOf } from './slices';

/**
 * Which norm: a number p stands for (Σ |x|^p)^(1/p), 0 for the number of non-zeros, ±Infinity for the largest or the
 * smallest |x|, 'fro' for the Frobenius norm and 'nuc' for the nuclear norm, the sum of the singular values.
 */
export type NormOrder = number | 'fro' | 'nuc';

/**
 * Something faster that adds the squares of a row-major matrix's columns to their totals, in the order of this file, and
 * returns whether it has.
 */
export type SumSquares = (values: Float32Array, totals: Float64Array) => boolean;

/** How a norm is gathered, a run or a row at a time. */
export interface Fold {
  /** What an accumulator starts from. */
  readonly start: number;
  /** Takes in `values[from…to)`. */
  run(values: Float32Array, from: number, to: number, total: number): number;
  /** Takes in whole rows, one value for each accumulator. */
  rows(values: Float32Array, totals: Float64Array): void;
  /** The norm that an accumulator stands for. */
  norm(total: number): number;
}

/**
 * The norm of every slice of a tensor along one axis, added up in double precision and rounded to float32 once. Memory
 * is read once, in the order in which it lies.
 *
 * Source: `torch.norm(scores, p=n, dim=<all axes but dim>)`.
 *
 * @param scores The numbers, in the order that the layout tells.
 * @param layout A layout of all of them.
 * @param dim The axis; negative ones count from the last.
 * @param n Which norm. 'fro' is for slices of at most two axes and 'nuc' for those of exactly two, as in PyTorch.
 * @param sumSquares A faster way to add squares; none by default.
 * @returns One norm for each index of the axis.
 * @throws {@link PruneError} `dim` if there is no such axis, `argument` if there is no such norm.
 * @example
 * ```ts
 * sliceNorms(Float32Array.of(3, 4, 0, 1), rowMajor([2, 2]), 0, 2); // Float32Array [5, 1]
 * ```
 */
export function sliceNorms(
  scores: Float32Array,
  layout: Layout,
  dim: number,
  n: NormOrder,
  sumSquares: SumSquares = () => false,
): Float32Array {
  const axis = resolveDim(dim, layout.shape.length);
  checkNorm(n, layout.shape.length - 1);
  if (layout.size === 0) return new Float32Array(layout.shape[axis]!);
  if (n === 'nuc') return nuclearNorms(scores, layout, axis);
  const fold = foldOf(n === 'fro' ? 2 : n);
  const slices = slicesOf(layout, axis);
  if (slices !== undefined) return foldSlices(scores, slices, fold, sumSquares);
  const gathered = gather(scores, sliceOrder(layout, axis));
  const count = layout.shape[axis]!;
  return foldSlices(
    gathered,
    { count, run: layout.size / count, slots: Int32Array.from({ length: count }, (_, i) => i) },
    fold,
    sumSquares,
  );
}

function checkNorm(n: unknown, axes: number): asserts n is NormOrder {
  if (typeof n === 'number' && !Number.isNaN(n)) return;
  if ((n === 'fro' && axes <= 2) || (n === 'nuc' && axes === 2)) return;
  const allowed = ['a number', 'Infinity', '-Infinity'];
  if (axes <= 2) allowed.push("'fro'");
  if (axes === 2) allowed.push("'nuc'");
  throw new PruneError(
    'argument',
    `The norm of slices with ${axes} axes must be one of: ${allowed.join(', ')}, but got ${shown(n)}.`,
    { given: n, allowed },
  );
}

function foldSlices(
  values: Float32Array,
  { count, run, slots }: Slices,
  fold: Fold,
  sumSquares: SumSquares,
): Float32Array {
  const totals = new Float64Array(count).fill(fold.start);
  if (run === 1) {
    const isDone = fold === squares && sumSquares(values, totals);
    if (!isDone) fold.rows(values, totals);
  } else {
    for (let from = 0, slot = 0; from < values.length; from += run) {
      totals[slot] = fold.run(values, from, from + run, totals[slot]!);
      slot = slot + 1 === count ? 0 : slot + 1;
    }
  }
  return Float32Array.from(slots, (slot) => fold.norm(totals[slot]!));
}

/**
 * How the norm of an order is gathered.
 *
 * @param p Any number, ±Infinity too.
 * @returns The same object for the same common order.
 */
export function foldOf(p: number): Fold {
  if (p === 1) return absolutes;
  if (p === 2) return squares;
  if (p === 0) return nonZeros;
  return Number.isFinite(p) ? powers(p) : extremes(Math.sign(p));
}

const absolutes: Fold = {
  start: 0,
  run(values, from, to, total) {
    let sum = 0;
    for (let i = from; i < to; i++) sum += Math.abs(values[i]!);
    return total + sum;
  },
  rows(values, totals) {
    for (let from = 0; from < values.length; from += totals.length) {
      for (let i = 0; i < totals.length; i++) totals[i]! += Math.abs(values[from + i]!);
    }
  },
  norm: (total) => total,
};

const squares: Fold = {
  start: 0,
  run(values, from, to, total) {
    let sum = 0;
    for (let i = from; i < to; i++) sum += values[i]! * values[i]!;
    return total + sum;
  },
  /** Eight rows at a time, for an eighth of the additions to memory. */
  rows(values, totals) {
    const width = totals.length;
    let from = 0;
    for (; from + 8 * width <= values.length; from += 8 * width) {
      for (let i = 0; i < width; i++) totals[i]! += squaresOfEight(values, from + i, width);
    }
    for (let i = from; i < values.length; i++) totals[(i - from) % width]! += values[i]! * values[i]!;
  },
  norm: Math.sqrt,
};

function squaresOfEight(values: Float32Array, from: number, step: number): number {
  const a = values[from]!;
  const b = values[from + step]!;
  const c = values[from + 2 * step]!;
  const d = values[from + 3 * step]!;
  const e = values[from + 4 * step]!;
  const f = values[from + 5 * step]!;
  const g = values[from + 6 * step]!;
  const h = values[from + 7 * step]!;
  return a * a + b * b + c * c + d * d + (e * e + f * f + g * g + h * h);
}

const nonZeros: Fold = {
  start: 0,
  run(values, from, to, total) {
    let count = 0;
    for (let i = from; i < to; i++) if (values[i] !== 0) count++;
    return total + count;
  },
  rows(values, totals) {
    for (let from = 0; from < values.length; from += totals.length) {
      for (let i = 0; i < totals.length; i++) if (values[from + i] !== 0) totals[i]!++;
    }
  },
  norm: (total) => total,
};

function powers(p: number): Fold {
  return {
    start: 0,
    run(values, from, to, total) {
      let sum = 0;
      for (let i = from; i < to; i++) sum += Math.abs(values[i]!) ** p;
      return total + sum;
    },
    rows(values, totals) {
      for (let from = 0; from < values.length; from += totals.length) {
        for (let i = 0; i < totals.length; i++) totals[i]! += Math.abs(values[from + i]!) ** p;
      }
    },
    norm: (total) => total ** (1 / p),
  };
}

/** The largest |x|, or the smallest as the largest −|x|. */
function extremes(sign: number): Fold {
  return {
    start: -Infinity,
    run(values, from, to, total) {
      let most = total;
      for (let i = from; i < to; i++) most = Math.max(most, sign * Math.abs(values[i]!));
      return most;
    },
    rows(values, totals) {
      for (let from = 0; from < values.length; from += totals.length) {
        for (let i = 0; i < totals.length; i++)
          totals[i] = Math.max(totals[i]!, sign * Math.abs(values[from + i]!));
      }
    },
    norm: (total) => sign * total,
  };
}

function nuclearNorms(scores: Float32Array, layout: Layout, axis: number): Float32Array {
  const [rows, columns] = layout.shape.filter((_, other) => other !== axis);
  const gathered = gather(scores, sliceOrder(layout, axis));
  const size = rows! * columns!;
  return Float32Array.from({ length: layout.shape[axis]! }, (_, i) =>
    nuclearNorm(gathered.subarray(i * size, (i + 1) * size), rows!, columns!),
  );
}

function gather(values: Float32Array, order: Int32Array): Float32Array {
  const gathered = new Float32Array(order.length);
  for (let i = 0; i < order.length; i++) gathered[i] = values[order[i]!]!;
  return gathered;
}
