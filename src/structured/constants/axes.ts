/** Axes of tensors whose elements repeat. */

/** An axis whose indices fall into kinds: elements at indices of one kind are alike. */
export interface Axis {
  /** For each index its kind. Each kind occurs. */
  readonly kinds: Int32Array;
  /** How many kinds there are. */
  readonly count: number;
}

/** @returns An axis along which all elements are alike. */
export const alike = (size: number): Axis => ({ kinds: new Int32Array(size), count: 1 });

/** @returns An axis along which each element stands for itself. */
export const apart = (size: number): Axis => ({
  kinds: Int32Array.from({ length: size }, (_, i) => i),
  count: size,
});

/** @returns Whether the same indices are of the same kinds. */
export function isSameAxis(a: Axis, b: Axis): boolean {
  return a === b || (a.count === b.count && a.kinds.every((kind, i) => kind === b.kinds[i]));
}

/** @returns Two axes of one size as one, whose indices are of a kind if they are so along both. */
export function sharedBy(a: Axis, b: Axis): Axis {
  if (a === b || b.count === 1 || a.count === a.kinds.length) return a;
  if (a.count === 1 || b.count === b.kinds.length) return b;
  const numbers = new Map<number, number>();
  const kinds = a.kinds.map((kind, i) => {
    const pair = kind * b.count + b.kinds[i]!;
    const number = numbers.get(pair) ?? numbers.size;
    numbers.set(pair, number);
    return number;
  });
  return { kinds, count: numbers.size };
}

/** @returns One axis after the other. */
export function inRow(axes: readonly Axis[]): Axis {
  const kinds = new Int32Array(axes.reduce((size, axis) => size + axis.kinds.length, 0));
  let [at, count] = [0, 0];
  for (const axis of axes) {
    for (const kind of axis.kinds) kinds[at++] = kind + count;
    count += axis.count;
  }
  return { kinds, count };
}

/** @returns How many kinds of indices there are along each axis. */
export const countsOf = (axes: readonly Axis[]): number[] => axes.map(({ count }) => count);

export const product = (sizes: readonly number[]): number => sizes.reduce((size, n) => size * n, 1);

/** @returns The strides of a row-major array. */
export function stridesOf(sizes: readonly number[]): number[] {
  return sizes.map((_, axis) => product(sizes.slice(axis + 1)));
}

/** @returns The places of elements, row-major: the sum of the offsets of their indices along each axis. */
export function placesBy(offsets: ReadonlyArray<ArrayLike<number>>): Int32Array {
  let places = Int32Array.of(0);
  for (const own of offsets) {
    const next = new Int32Array(places.length * own.length);
    for (let i = 0, n = 0; i < places.length; i++) {
      for (let k = 0; k < own.length; k++) next[n++] = places[i]! + own[k]!;
    }
    places = next;
  }
  return places;
}
