import { PruneError } from '../errors';
import { checkIndex, checkSize } from './checks';

/**
 * Where the elements of a tensor lie in a flat array: element `[i0, i1, …]` is at
 * `offsets[0][i0] + offsets[1][i1] + …`. One table an axis says everything that strides say, and also what they cannot:
 * two stored axes read as one, gates in another order, some channels left out.
 */
export interface Layout {
  /** Size of each axis, outermost first. */
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** For each axis, how far each of its indices moves in the flat array. */
  readonly offsets: readonly Int32Array[];
  /** True where element n in row-major order is at position n: no gathering is needed. */
  readonly contiguous: boolean;
}

/**
 * A layout from its tables.
 *
 * @param shape Size of each axis, outermost first.
 * @param offsets For each axis, how far each of its indices moves in the flat array; as many as its size says.
 * @returns The layout.
 */
export function layoutOf(shape: readonly number[], offsets: readonly Int32Array[]): Layout {
  let stride = 1;
  let contiguous = true;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const table = offsets[axis]!;
    for (let i = 0; i < table.length; i++) if (table[i] !== i * stride) contiguous = false;
    stride *= shape[axis]!;
  }
  return { shape, size: stride, offsets, contiguous };
}

/** Each of `outer` plus each of `inner`, the second running faster. */
function sums(outer: Int32Array, inner: Int32Array): Int32Array {
  const both = new Int32Array(outer.length * inner.length);
  for (let i = 0, n = 0; i < outer.length; i++) {
    const base = outer[i]!;
    for (let j = 0; j < inner.length; j++) both[n++] = base + inner[j]!;
  }
  return both;
}

/**
 * The layout of an array stored in row-major order.
 *
 * @param shape Size of each axis, outermost first.
 * @returns A contiguous layout.
 * @throws {@link PruneError} `shape` if a size is not a whole number ≥ 0.
 * @example
 * ```ts
 * rowMajor([2, 3]).offsets; // [Int32Array [0, 3], Int32Array [0, 1, 2]]
 * ```
 */
export function rowMajor(shape: readonly number[]): Layout {
  return permuted(
    shape,
    shape.map((_, axis) => axis),
  );
}

/**
 * The layout of a row-major array whose axes are read in another order.
 *
 * @param stored The array's own shape, outermost axis first.
 * @param order For each axis of the layout, the stored axis it is, from 0; each of them once.
 * @returns The layout, of shape `order.map((axis) => stored[axis])`.
 * @throws {@link PruneError} `dim` if the order is not one of all axes, `shape` if a size is not a whole number ≥ 0.
 * @example
 * ```ts
 * const oihw = permuted([3, 3, 64, 128], [3, 2, 0, 1]); // a tfjs HWIO kernel read as PyTorch's OIHW
 * ```
 */
export function permuted(stored: readonly number[], order: readonly number[]): Layout {
  for (const size of stored) checkSize(size, 'A size in a shape');
  checkOrder(order, stored.length);
  const strides = new Array<number>(stored.length).fill(1);
  for (let axis = stored.length - 2; axis >= 0; axis--)
    strides[axis] = strides[axis + 1]! * stored[axis + 1]!;
  const shape = order.map((axis) => stored[axis]!);
  return layoutOf(
    shape,
    order.map((axis) => multiples(strides[axis]!, stored[axis]!)),
  );
}

function multiples(stride: number, count: number): Int32Array {
  const table = new Int32Array(count);
  for (let i = 0; i < count; i++) table[i] = i * stride;
  return table;
}

/**
 * A layout in which two neighbouring axes are read as one, the second running faster.
 *
 * @param layout The layout to change.
 * @param axis The first of the two axes, from 0.
 * @returns The layout with one axis less.
 * @throws {@link PruneError} `dim` if there is no such axis, or none after it.
 * @example
 * ```ts
 * merged(permuted([3, 3, 8, 2], [2, 3, 0, 1]), 0).shape; // [16, 3, 3]
 * ```
 */
export function merged(layout: Layout, axis: number): Layout {
  checkIndex(axis, layout.offsets.length - 1, 'The first of two axes to merge', 'dim');
  const both = sums(layout.offsets[axis]!, layout.offsets[axis + 1]!);
  const offsets = [...layout.offsets.slice(0, axis), both, ...layout.offsets.slice(axis + 2)];
  return layoutOf(
    offsets.map((table) => table.length),
    offsets,
  );
}

/**
 * A layout with an axis of size one put in.
 *
 * @param layout The layout to change.
 * @param axis Where the new axis stands, from 0 to the number of axes there are.
 * @returns The layout with one axis more.
 * @throws {@link PruneError} `dim` if the axis cannot stand there.
 * @example
 * ```ts
 * expanded(rowMajor([16, 3, 3]), 1).shape; // [16, 1, 3, 3]
 * ```
 */
export function expanded(layout: Layout, axis: number): Layout {
  checkIndex(axis, layout.offsets.length + 1, 'The place of a new axis', 'dim');
  const shape = [...layout.shape.slice(0, axis), 1, ...layout.shape.slice(axis)];
  return layoutOf(shape, [...layout.offsets.slice(0, axis), Int32Array.of(0), ...layout.offsets.slice(axis)]);
}

/**
 * A layout that keeps only some indices of an axis, in the order given.
 *
 * @param layout The layout to change.
 * @param axis The axis to choose from, from 0.
 * @param indices The indices that stay, from 0.
 * @returns The layout with that axis shortened or reordered.
 * @throws {@link PruneError} `dim` if there is no such axis, `shape` if it has no such index.
 * @example
 * ```ts
 * taken(rowMajor([4, 2]), 0, [3, 1]).shape; // [2, 2]
 * ```
 */
export function taken(layout: Layout, axis: number, indices: ArrayLike<number>): Layout {
  checkIndex(axis, layout.offsets.length, 'The axis to take from', 'dim');
  const table = layout.offsets[axis]!;
  const chosen = new Int32Array(indices.length);
  for (let i = 0; i < chosen.length; i++) {
    const index = indices[i]!;
    checkIndex(index, table.length, `An index of axis ${axis}`, 'shape');
    chosen[i] = table[index]!;
  }
  const offsets = layout.offsets.map((old, i) => (i === axis ? chosen : old));
  return layoutOf(
    offsets.map((old) => old.length),
    offsets,
  );
}

/**
 * The first and the last position that a layout names.
 *
 * @param layout A layout with at least one element.
 * @returns The positions.
 */
export function reachOf({ offsets }: Layout): { lowest: number; highest: number } {
  let [lowest, highest] = [0, 0];
  for (const table of offsets) {
    let [least, most] = [table[0]!, table[0]!];
    for (let i = 1; i < table.length; i++) {
      least = Math.min(least, table[i]!);
      most = Math.max(most, table[i]!);
    }
    lowest += least;
    highest += most;
  }
  return { lowest, highest };
}

function checkOrder(order: readonly number[], rank: number): void {
  const named = new Set(order.filter((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank));
  if (order.length === rank && named.size === rank) return;
  const allowed = `the numbers from 0 to ${rank - 1}, each of them once`;
  throw new PruneError('dim', `An order of ${rank} axes must be ${allowed}, but got [${order.join(', ')}].`, {
    given: order,
    allowed,
  });
}

/**
 * The positions that tables of offsets add up to, the last running fastest.
 *
 * @param offsets For each axis, how far each of its indices moves.
 * @returns One position for each combination of indices.
 * @example
 * ```ts
 * positions([Int32Array.of(0, 3), Int32Array.of(0, 1)]); // Int32Array [0, 1, 3, 4]
 * ```
 */
export function positions(offsets: readonly Int32Array[]): Int32Array {
  return offsets.reduceRight((inner, outer) => sums(outer, inner), Int32Array.of(0));
}
