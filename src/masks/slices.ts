import { PruneError, shown } from '../errors';
import { type Layout, positions } from './layout';

/**
 * How the slices of a tensor along one of its axes lie in its flat array: over and over, one run of `run` entries a
 * slice, in the order that `slots` tells.
 */
export interface Slices {
  /** Number of slices. */
  readonly count: number;
  /** Length of a run. */
  readonly run: number;
  /** For each slice, which of the `count` runs in a row is its own. */
  readonly slots: Int32Array;
}

/**
 * Checks an axis.
 *
 * @param dim Index of the axis; negative ones count from the last.
 * @param rank Number of axes.
 * @returns The index, from 0 to `rank - 1`.
 * @throws {@link PruneError} `dim` if there is no such axis.
 * @example
 * ```ts
 * resolveDim(-1, 4); // 3
 * ```
 */
export function resolveDim(dim: number, rank: number): number {
  if (Number.isSafeInteger(dim) && dim >= -rank && dim < rank) return dim < 0 ? dim + rank : dim;
  const allowed = `a whole number from ${-rank} to ${rank - 1}`;
  throw new PruneError(
    'dim',
    `The dim of a tensor with ${rank} axes must be ${allowed}, but got ${shown(dim)}.`,
    {
      given: dim,
      allowed,
    },
  );
}

/**
 * Finds the slices of a layout in its flat array.
 *
 * @param layout A layout of the whole array.
 * @param dim The axis, from 0.
 * @returns Where they lie; undefined where the axis is not one axis of the array as well.
 */
export function slicesOf(layout: Layout, dim: number): Slices | undefined {
  const table = layout.offsets[dim]!;
  const count = table.length;
  if (count < 2) return { count, run: layout.size, slots: new Int32Array(count) };
  const run = table.reduce((least, offset) => (offset > 0 && offset < least ? offset : least), layout.size);
  const slots = table.map((offset) => offset / run);
  const seen = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const slot = slots[i]!;
    if (slot * run !== table[i] || slot >= count || seen[slot] === 1) return undefined;
    seen[slot] = 1;
  }
  return { count, run, slots };
}

/**
 * Positions of a layout with one axis brought to the front: slice after slice.
 *
 * @param layout The layout.
 * @param dim The axis, from 0.
 * @returns All positions, those of slice i from `i * size / count` on.
 */
export function sliceOrder(layout: Layout, dim: number): Int32Array {
  return positions([layout.offsets[dim]!, ...layout.offsets.filter((_, axis) => axis !== dim)]);
}
