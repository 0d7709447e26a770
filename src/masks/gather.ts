import { PruneError } from '../errors';
import { type Layout, positions, reachOf } from './layout';

/** The typed arrays that hold weights, scores, masks and indices. */
export type Numbers = Float32Array | Uint8Array | Uint32Array | Int32Array;

/**
 * How many indices of the first axis are copied side by side. That axis is often the one that runs fastest in the flat
 * array, so that this many of its elements fill a cache line which would else be fetched once for each.
 */
const TILE = 16;

/**
 * Copies the elements of a layout into a row-major array.
 *
 * @param source The flat array that the layout points into.
 * @param layout Where its elements lie.
 * @param into Where they go, row-major; at least `layout.size` long.
 * @returns `into`.
 * @throws {@link PruneError} `shape` if an array is too short.
 * @example
 * ```ts
 * const transposed = permuted([2, 3], [1, 0]);
 * gather(Float32Array.of(1, 2, 3, 4, 5, 6), transposed, new Float32Array(6)); // [1, 4, 2, 5, 3, 6]
 * ```
 */
export function gather<T extends Numbers>(source: T, layout: Layout, into: T): T {
  checkLengths(layout, source, into);
  if (layout.contiguous) {
    into.set(source.subarray(0, layout.size));
    return into;
  }
  const { rows, columns } = rowsOf(layout);
  const width = columns.length;
  // The loop of scatter, turned around: one loop for both would take a table more, and a quarter more time.
  for (let first = 0; first < rows.length; first += TILE) {
    const end = Math.min(first + TILE, rows.length);
    for (let c = 0; c < width; c++) {
      const column = columns[c]!;
      for (let r = first; r < end; r++) into[r * width + c] = source[rows[r]! + column]!;
    }
  }
  return into;
}

/**
 * Copies a row-major array to the places that a layout names: the inverse of {@link gather}.
 *
 * @param source Row-major values, at least `layout.size` of them.
 * @param layout Where they go.
 * @param into The flat array that the layout points into; positions that it does not name stay as they are.
 * @returns `into`.
 * @throws {@link PruneError} `shape` if an array is too short.
 * @example
 * ```ts
 * const transposed = permuted([2, 3], [1, 0]);
 * scatter(Float32Array.of(1, 4, 2, 5, 3, 6), transposed, new Float32Array(6)); // [1, 2, 3, 4, 5, 6]
 * ```
 */
export function scatter<T extends Numbers>(source: T, layout: Layout, into: T): T {
  checkLengths(layout, into, source);
  if (layout.contiguous) {
    into.set(source.subarray(0, layout.size));
    return into;
  }
  const { rows, columns } = rowsOf(layout);
  const width = columns.length;
  for (let first = 0; first < rows.length; first += TILE) {
    const end = Math.min(first + TILE, rows.length);
    for (let c = 0; c < width; c++) {
      const column = columns[c]!;
      for (let r = first; r < end; r++) into[rows[r]! + column] = source[r * width + c]!;
    }
  }
  return into;
}

/** Positions as those of the first axis and those of all others together. */
function rowsOf({ offsets }: Layout): { rows: Int32Array; columns: Int32Array } {
  return { rows: offsets[0]!, columns: positions(offsets.slice(1)) };
}

function checkLengths(layout: Layout, flat: Numbers, rowMajor: Numbers): void {
  checkAtLeast(layout.size, rowMajor, layout, 'A row-major array for');
  if (layout.size === 0) return;
  const last = layout.contiguous ? layout.size - 1 : reachOf(layout).highest;
  checkAtLeast(last + 1, flat, layout, 'The array behind');
}

function checkAtLeast(least: number, { length }: Numbers, { shape }: Layout, what: string): void {
  if (length >= least) return;
  const allowed = `at least ${least} entries`;
  const message = `${what} a layout of [${shape.join(', ')}] must have ${allowed}, but has ${length}.`;
  throw new PruneError('shape', message, { given: length, allowed });
}
