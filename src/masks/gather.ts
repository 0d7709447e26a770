import { type Layout, positions } from './layout';

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
 */
export function gather<T extends Numbers>(source: T, layout: Layout, into: T): T {
  if (layout.contiguous) {
    into.set(source.subarray(0, layout.size));
    return into;
  }
  const rows = layout.offsets[0]!;
  const columns = positions(layout.offsets.slice(1));
  const width = columns.length;
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
 * @param source Row-major values, `layout.size` of them.
 * @param layout Where they go.
 * @param into The flat array that the layout points into; positions that it does not name stay as they are.
 * @returns `into`.
 */
export function scatter<T extends Numbers>(source: T, layout: Layout, into: T): T {
  if (layout.contiguous) {
    into.set(source.subarray(0, layout.size));
    return into;
  }
  const rows = layout.offsets[0]!;
  const columns = positions(layout.offsets.slice(1));
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
