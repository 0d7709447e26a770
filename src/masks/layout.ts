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

function layoutOf(shape: readonly number[], offsets: readonly Int32Array[]): Layout {
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
 * @param order For each axis of the layout, the stored axis it is.
 * @returns The layout, of shape `order.map((axis) => stored[axis])`.
 * @example
 * ```ts
 * const oihw = permuted([3, 3, 64, 128], [3, 2, 0, 1]); // a tfjs HWIO kernel read as PyTorch's OIHW
 * ```
 */
export function permuted(stored: readonly number[], order: readonly number[]): Layout {
  const strides = new Array<number>(stored.length).fill(1);
  for (let axis = stored.length - 2; axis >= 0; axis--)
    strides[axis] = strides[axis + 1]! * stored[axis + 1]!;
  const shape = order.map((axis) => stored[axis]!);
  const offsets = order.map((axis) =>
    Int32Array.from({ length: stored[axis]! }, (_, i) => i * strides[axis]!),
  );
  return layoutOf(shape, offsets);
}

/**
 * A layout in which two neighbouring axes are read as one, the second running faster.
 *
 * @param layout The layout to change.
 * @param axis The first of the two axes.
 * @returns The layout with one axis less.
 * @example
 * ```ts
 * merged(permuted([3, 3, 8, 2], [2, 3, 0, 1]), 0).shape; // [16, 3, 3]
 * ```
 */
export function merged(layout: Layout, axis: number): Layout {
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
 * @param axis Where the new axis stands.
 * @returns The layout with one axis more.
 * @example
 * ```ts
 * expanded(rowMajor([16, 3, 3]), 1).shape; // [16, 1, 3, 3]
 * ```
 */
export function expanded(layout: Layout, axis: number): Layout {
  const shape = [...layout.shape.slice(0, axis), 1, ...layout.shape.slice(axis)];
  return layoutOf(shape, [...layout.offsets.slice(0, axis), Int32Array.of(0), ...layout.offsets.slice(axis)]);
}

/**
 * A layout that keeps only some indices of an axis, in the order given.
 *
 * @param layout The layout to change.
 * @param axis The axis to choose from.
 * @param indices The indices that stay.
 * @returns The layout with that axis shortened or reordered.
 * @example
 * ```ts
 * taken(rowMajor([4, 2]), 0, [3, 1]).shape; // [2, 2]
 * ```
 */
export function taken(layout: Layout, axis: number, indices: ArrayLike<number>): Layout {
  const table = layout.offsets[axis]!;
  const chosen = Int32Array.from(indices, (index) => table[index]!);
  const offsets = layout.offsets.map((old, i) => (i === axis ? chosen : old));
  return layoutOf(
    offsets.map((old) => old.length),
    offsets,
  );
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
