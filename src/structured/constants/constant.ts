/** What is the same for every input: channels that pruning has left without weights. */

/** What is known of a tensor's elements, for one sample in inference. */
export interface Constants {
  /** The tensor's shape, with a batch of one first. */
  readonly shape: readonly number[];
  /** For each axis its size, or 1 where all along it are alike. */
  readonly sizes: readonly number[];
  /** By these sizes, row-major: the value that an element has whatever the input; NaN where that is not known. */
  readonly values: Float64Array;
  /**
   * For a value that is not quite the same everywhere, since padding surrounds it by zeros, the path of what pads it. For
   * one that is not known, what lost it, in words; undefined where it depends on the input.
   */
  readonly notes: ReadonlyArray<string | undefined>;
  /** The weights that the values come from, each as its layer's path, a colon and its name. */
  readonly from: ReadonlySet<string>;
}

/** What is known of the channels along one axis, whatever the position along the others. */
export type Channels = Pick<Constants, 'values' | 'notes' | 'from'>;

const NONE: ReadonlySet<string> = new Set();

export const product = (sizes: readonly number[]): number => sizes.reduce((size, n) => size * n, 1);

/** @returns That nothing is known, and why. */
export function unknown(shape: readonly number[], note?: string): Constants {
  return { shape, sizes: shape.map(() => 1), values: Float64Array.of(Number.NaN), notes: [note], from: NONE };
}

/** @returns Whether anything is known. */
export function hasKnown({ values }: Channels): boolean {
  return values.some((value) => !Number.isNaN(value));
}

/** @returns The weights that several come from. */
export function allFrom(...parts: readonly Channels[]): ReadonlySet<string> {
  return new Set(parts.flatMap(({ from }) => [...from]));
}

/** @returns The same for each value by itself. */
export function mapped<T extends Channels>(
  constants: T,
  change: (value: number, i: number) => number,
  from: ReadonlySet<string> = constants.from,
): T {
  return { ...constants, values: constants.values.map(change), from };
}

/** @returns The places of elements, row-major by sizes, where those along an axis are a stride apart. */
export function placesBy(sizes: readonly number[], strides: readonly number[]): Int32Array {
  let places = Int32Array.of(0);
  sizes.forEach((size, axis) => {
    const next = new Int32Array(places.length * size);
    for (let i = 0, n = 0; i < places.length; i++) {
      for (let k = 0; k < size; k++) next[n++] = places[i]! + k * strides[axis]!;
    }
    places = next;
  });
  return places;
}

/** @returns The strides of a row-major array; zero along axes of size 1, which repeat. */
export function stridesOf(sizes: readonly number[]): number[] {
  return sizes.map((size, axis) => (size === 1 ? 0 : product(sizes.slice(axis + 1))));
}

/** @returns For each element of an array its place in a smaller one that has the size 1 along axes that it repeats. */
export function placesIn(sizes: readonly number[], within: readonly number[]): Int32Array {
  return placesBy(within, stridesOf(sizes));
}

/** @returns The elements at some places, in another shape. */
export function taken(
  { values, notes, from }: Constants,
  places: Int32Array,
  shape: readonly number[],
  sizes: readonly number[],
): Constants {
  const picked = Float64Array.from(places, (place) => values[place]!);
  return { shape, sizes, values: picked, notes: Array.from(places, (place) => notes[place]), from };
}

/** @returns The same, with more axes written out. */
export function widened(constants: Constants, sizes: readonly number[]): Constants {
  if (sizes.every((size, axis) => size === constants.sizes[axis])) return constants;
  return taken(constants, placesIn(constants.sizes, sizes), constants.shape, sizes);
}

/** @returns For each index along an axis what is known of all its elements, and where they differ, that. */
export function along(constants: Constants, axis: number, differ: string): Channels {
  const size = constants.shape[axis]!;
  const whole = widened(
    constants,
    constants.sizes.map((n, i) => (i === axis ? size : n)),
  );
  const stride = product(whole.sizes.slice(axis + 1));
  const values = new Float64Array(size);
  const notes = Array<string | undefined>(size).fill(undefined);
  const isSeen = new Uint8Array(size);
  whole.values.forEach((value, i) => {
    const index = Math.floor(i / stride) % size;
    const note = whole.notes[i];
    if (isSeen[index] === 0) {
      isSeen[index] = 1;
      values[index] = value;
      notes[index] = note;
    } else if (Number.isNaN(value)) {
      notes[index] = Number.isNaN(values[index]!) ? (notes[index] ?? note) : note;
      values[index] = Number.NaN;
    } else if (!Number.isNaN(values[index]!)) {
      notes[index] = value === values[index] ? (notes[index] ?? note) : differ;
      if (value !== values[index]) values[index] = Number.NaN;
    }
  });
  return { values, notes, from: constants.from };
}

/** @returns A tensor whose channels along an axis are the same at all positions. */
export function spread({ values, notes, from }: Channels, shape: readonly number[], axis: number): Constants {
  return { shape, sizes: shape.map((_, i) => (i === axis ? values.length : 1)), values, notes, from };
}

/** @returns The same with axes left out along which all are alike. */
export function compacted(constants: Constants): Constants {
  let least = constants;
  constants.sizes.forEach((size, axis) => {
    if (size === 1) return;
    const sizes = least.sizes.map((n, i) => (i === axis ? 1 : n));
    const stride = product(least.sizes.slice(axis + 1));
    // The first element of those that an element may be like.
    const place = (i: number): number => Math.floor(i / (stride * size)) * stride * size + (i % stride);
    const { values, notes } = least;
    const isAlike = values.every(
      (value, i) => Object.is(value, values[place(i)]) && notes[i] === notes[place(i)],
    );
    if (!isAlike) return;
    const kept = Int32Array.from([...values.keys()].filter((i) => place(i) === i));
    least = taken(least, kept, least.shape, sizes);
  });
  return least;
}

/** @returns The same with zeros around it: what is zero itself does not change by that. */
export function padded<T extends Channels>(constants: T, by: string): T {
  const { values, notes } = constants;
  return {
    ...constants,
    notes: notes.map((note, i) => note ?? (isZeroOrUnknown(values[i]!) ? undefined : by)),
  };
}

const isZeroOrUnknown = (value: number): boolean => value === 0 || Number.isNaN(value);
