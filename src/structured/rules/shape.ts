/** Layers that put the same values into another shape. */
import {
  type Call,
  join,
  noteOption,
  pin,
  pinAxes,
  type Rule,
  root,
  type Traced,
  type Tracer,
} from '../tracer';

const permute: Rule = ({ inputs, config }) => {
  const dims = [config.dims].flat().map(Number);
  const { axes } = inputs[0]!;
  return [[axes[0], ...dims.map((axis) => axes[axis])]];
};

const product = (sizes: readonly number[]): number => sizes.reduce((size, n) => size * n, 1);

/** Where channels are along one axis of a new shape. */
interface Placed {
  readonly axis: number;
  /** For each index along the axis the place, among the channels, of one that is found there. */
  readonly first: Int32Array;
  /** For each place another one whose channel has to be joined with it, or itself. */
  readonly parents: Int32Array;
  /** How many channels are independent of each other once those that are found together are joined. */
  readonly apart: number;
}

function top(parents: Int32Array, place: number): number {
  let at = place;
  while (parents[at] !== at) at = parents[at]!;
  return at;
}

/** Goes over all elements; they keep their order in the new shape. */
function placed(
  own: Int32Array,
  shape: readonly number[],
  at: number,
  to: readonly number[],
  axis: number,
): Placed {
  const [stride, size] = [product(shape.slice(at + 1)), shape[at]!];
  const [newStride, newSize] = [product(to.slice(axis + 1)), to[axis]!];
  const parents = own.slice();
  const first = new Int32Array(newSize).fill(-1);
  const total = product(shape);
  for (let i = 0; i < total; i++) {
    const index = Math.floor(i / newStride) % newSize;
    const place = Math.floor(i / stride) % size;
    if (first[index] === -1) first[index] = place;
    else if (first[index] !== place) {
      const [one, other] = [top(parents, first[index]!), top(parents, place)];
      parents[Math.max(one, other)] = Math.min(one, other);
    }
  }
  return { axis, first, parents, apart: parents.filter((parent, i) => parent === i).length };
}

/** For each channel the place of the first that it lives and dies with. */
function firstPlaces(tracer: Tracer, channels: Int32Array): Int32Array {
  const places = new Map<number, number>();
  return channels.map((channel, i) => {
    const together = root(tracer, channel);
    const place = places.get(together) ?? i;
    places.set(together, place);
    return place;
  });
}

/** The sizes of a shape, of which a Reshape leaves one open at most, and a Flatten has only one. */
function filledIn(shape: ReadonlyArray<number | null>, size: number): number[] {
  const rest = product(shape.map((n) => n ?? 1));
  return shape.map((n) => n ?? size / rest);
}

function reshaped(
  call: Call,
  input: Traced,
  to: ReadonlyArray<number | null>,
): Array<Int32Array | undefined> {
  const { tracer, path } = call;
  const none = to.map(() => undefined);
  const at = input.axes.map((channels) => channels !== undefined).lastIndexOf(true);
  if (at === -1) return none;
  // Only one axis is followed.
  const mixed = `'${path}' mixes them with other axes in a way that is not followed`;
  pinAxes(tracer, input, mixed, [at]);
  const channels = input.axes[at]!;
  if (at === input.shape.length - 1 && to.at(-1) === channels.length) {
    return none.map((_, i) => (i === to.length - 1 ? channels : undefined));
  }
  const from = input.shape.slice(1);
  if (!from.every((n) => n !== null)) {
    pin(tracer, channels, mixed);
    return none;
  }
  const target = filledIn(to.slice(1), product(from));
  const own = firstPlaces(tracer, channels);
  const options = [...target.keys()].map((axis) => placed(own, from, at - 1, target, axis));
  // The last of the best: channels are last.
  const best = options.reduce((a, b) => (b.apart >= a.apart ? b : a));
  join(
    tracer,
    channels,
    best.parents.map((parent) => channels[parent]!),
  );
  const result = best.first.map((place) => channels[place]!);
  return none.map((_, i) => (i === best.axis + 1 ? result : undefined));
}

/** Where channels are first, tfjs puts them last before it flattens. */
function channelsLast<T>([batch, channels, ...rest]: readonly T[]): T[] {
  return [batch!, ...rest, channels!];
}

const flatten: Rule = (call) => {
  const { shape, axes } = call.inputs[0]!;
  const isFirst = call.config.dataFormat === 'channelsFirst';
  const input = isFirst ? { shape: channelsLast(shape), axes: channelsLast(axes) } : call.inputs[0]!;
  return [reshaped(call, input, call.outputs[0]!)];
};

const reshape: Rule = (call) => {
  const axes = reshaped(call, call.inputs[0]!, call.outputs[0]!);
  const target = [call.config.targetShape].flat();
  axes.forEach((channels, axis) => {
    const isSaid = Number(target[axis - 1]) > 0;
    if (isSaid) noteOption(call, ['targetShape', axis - 1], channels);
  });
  return [axes];
};

/** By class. */
export const shapeRules: ReadonlyMap<string, Rule> = new Map([
  ['Flatten', flatten],
  ['Reshape', reshape],
  ['Permute', permute],
]);
