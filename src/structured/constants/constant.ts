/** What is the same for every input: channels that pruning has left without weights. */
import { type Axis, alike, apart, countsOf, isSameAxis, placesBy, sharedBy, stridesOf } from './axes';

/** What is known of elements, for one sample in inference. */
export interface Elements {
  /** For each the value that it has whatever the input; NaN where that is not known. */
  readonly values: Float64Array;
  /**
   * For a value that is not known what lost it, in words; undefined where it depends on the input. For one that holds only
   * away from borders, since padding is taken to continue what it surrounds, the path of what pads it.
   */
  readonly notes: ReadonlyArray<string | undefined>;
  /** The weights that the values come from, each as its layer's path, a colon and its name. */
  readonly from: ReadonlySet<string>;
}

/** What is known of a tensor: its elements by their kinds along all axes, row-major. */
export interface Constants extends Elements {
  /** Its axes, the first a batch of one. */
  readonly axes: readonly Axis[];
}

const NONE: ReadonlySet<string> = new Set();

/** @returns That nothing is known, and why. */
export function unknown(shape: readonly number[], note?: string): Constants {
  return { axes: shape.map(alike), values: Float64Array.of(Number.NaN), notes: [note], from: NONE };
}

/** @returns The shape of a tensor, with a batch of one first. */
export const shapeOf = ({ axes }: Constants): number[] => axes.map(({ kinds }) => kinds.length);

/** @returns Whether anything is known. */
export function hasKnown({ values }: Elements): boolean {
  return values.some((value) => !Number.isNaN(value));
}

/** @returns The weights that several come from. */
export function allFrom(...parts: readonly Elements[]): ReadonlySet<string> {
  return new Set(parts.flatMap(({ from }) => [...from]));
}

/** @returns The same for each value by itself. */
export function mapped<T extends Elements>(
  constants: T,
  change: (value: number, i: number) => number,
  from: ReadonlySet<string> = constants.from,
): T {
  return { ...constants, values: constants.values.map(change), from };
}

/** @returns The elements at some places, along other axes. */
export function taken(
  { values, notes, from }: Constants,
  places: Int32Array,
  axes: readonly Axis[],
): Constants {
  const picked = Float64Array.from(places, (place) => values[place]!);
  return { axes, values: picked, notes: Array.from(places, (place) => notes[place]), from };
}

/** @returns The same, written out along axes that tell more indices apart. */
export function refined(constants: Constants, axes: readonly Axis[]): Constants {
  if (axes.every((axis, i) => isSameAxis(axis, constants.axes[i]!))) return { ...constants, axes };
  return taken(constants, placesIn(constants.axes, axes), axes);
}

/** @returns For each element by finer axes its place by coarser ones. */
export function placesIn(coarse: readonly Axis[], fine: readonly Axis[]): Int32Array {
  const strides = stridesOf(countsOf(coarse));
  return placesBy(
    fine.map(({ kinds, count }, axis) => {
      const offsets = new Int32Array(count);
      const own = coarse[axis]!;
      if (own.count === 1) return offsets;
      for (let i = 0; i < kinds.length; i++) offsets[kinds[i]!] = own.kinds[i]! * strides[axis]!;
      return offsets;
    }),
  );
}

/** @returns The same, written out element by element along one axis, or along all. */
export function expanded(constants: Constants, along?: number): Constants {
  return refined(
    constants,
    constants.axes.map((axis, i) => (along === undefined || i === along ? apart(axis.kinds.length) : axis)),
  );
}

/** @returns The same with its axes in another order: for each the one that it was. */
export function turned(constants: Constants, order: readonly number[]): Constants {
  if (order.every((axis, i) => axis === i)) return constants;
  const strides = stridesOf(countsOf(constants.axes));
  const axes = order.map((axis) => constants.axes[axis]!);
  const offsets = order.map((axis, i) =>
    Int32Array.from({ length: axes[i]!.count }, (_, k) => k * strides[axis]!),
  );
  return taken(constants, placesBy(offsets), axes);
}

/** @returns For each index along an axis what is known of all its elements, and where they differ, that. */
export function along(constants: Constants, axis: number, differ: string): Elements {
  const whole = expanded(constants, axis);
  const size = whole.axes[axis]!.count;
  const stride = stridesOf(countsOf(whole.axes))[axis]!;
  const values = Float64Array.from({ length: size }, (_, index) => whole.values[index * stride]!);
  const [lost, known] = [1, 2].map(() => Array<string | undefined>(size).fill(undefined));
  const isOther = new Uint8Array(size);
  whole.values.forEach((value, i) => {
    const index = Math.floor(i / stride) % size;
    const notes = Number.isNaN(value) ? lost! : known!;
    notes[index] ??= whole.notes[i];
    if (value !== values[index]) isOther[index] = 1;
    if (Number.isNaN(value)) values[index] = value;
  });
  const notes = Array.from(values, (value, index) => {
    if (Number.isNaN(value)) return lost![index];
    return isOther[index] === 1 ? differ : known![index];
  });
  values.forEach((_, index) => {
    if (isOther[index] === 1) values[index] = Number.NaN;
  });
  return { values, notes, from: constants.from };
}

/** @returns A tensor whose channels along an axis are the same at all positions. */
export function spread(channels: Elements, shape: readonly number[], axis: number): Constants {
  return { ...channels, axes: shape.map((size, i) => (i === axis ? apart(size) : alike(size))) };
}

/** @returns The same with no more than one kind along axes along which all are alike. */
export function compacted(constants: Constants): Constants {
  let least = constants;
  constants.axes.forEach(({ kinds, count }, axis) => {
    if (count === 1) return;
    const stride = stridesOf(countsOf(least.axes))[axis]!;
    // The first element of those that an element may be like.
    const place = (i: number): number => Math.floor(i / (stride * count)) * stride * count + (i % stride);
    const { values, notes } = least;
    const isAlike = values.every(
      (value, i) => Object.is(value, values[place(i)]) && notes[i] === notes[place(i)],
    );
    if (!isAlike) return;
    const kept = Int32Array.from([...values.keys()].filter((i) => place(i) === i));
    const axes = least.axes.map((each, i) => (i === axis ? alike(kinds.length) : each));
    least = taken(least, kept, axes);
  });
  return least;
}

/** @returns Several with the axes that they have in common, but for one. */
export function fitted(all: readonly Constants[], except?: number): Constants[] {
  return all.map((each) =>
    refined(
      each,
      each.axes.map((own, axis) =>
        axis === except ? own : all.map(({ axes }) => axes[axis]!).reduce(sharedBy),
      ),
    ),
  );
}
