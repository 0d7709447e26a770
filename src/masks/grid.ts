import { type Layout, positions } from './layout';

const BLOCK = 4096;
const WIDE_ENOUGH = 1024;

/**
 * Positions of the elements of a layout, in row-major order, as two short tables instead of one long one: those of row
 * r are at `rows[r] + columns[c]`. A walk ends with the last element, which may be before the end of the last row.
 */
export interface Grid {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
}

/**
 * The grid of a flat array in its own order.
 *
 * @param size Number of elements.
 * @returns Rows of a fixed length, the last of them perhaps too long.
 */
export function flatGrid(size: number): Grid {
  return {
    rows: Int32Array.from({ length: Math.ceil(size / BLOCK) }, (_, i) => i * BLOCK),
    columns: Int32Array.from({ length: BLOCK }, (_, i) => i),
  };
}

/**
 * The grid of a layout: its last axes together make the columns, the others the rows.
 *
 * @param layout The layout.
 * @returns The grid.
 */
export function gridOf(layout: Layout): Grid {
  if (layout.contiguous) return flatGrid(layout.size);
  const { offsets } = layout;
  let axis = offsets.length - 1;
  let width = offsets[axis]!.length;
  while (axis > 0 && width < WIDE_ENOUGH) width *= offsets[--axis]!.length;
  return { rows: positions(offsets.slice(0, axis)), columns: positions(offsets.slice(axis)) };
}
