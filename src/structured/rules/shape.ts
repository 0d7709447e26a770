/** Layers that put the same values into another shape. */
import { type Call, join, noteOption, pinAxes, type Rule, root, type Traced, type Tracer } from '../tracer';

const permute: Rule = ({ inputs, config }) => {
  const dims = [config.dims].flat().map(Number);
  const { axes } = inputs[0]!;
  return [[axes[0], ...dims.map((axis) => axes[axis])]];
};

const product = (sizes: readonly number[]): number => sizes.reduce((size, n) => size * n, 1);

/** For each index along an axis of the new shape, the channels that are found there. */
function channelsAt(
  channels: Int32Array,
  shape: readonly number[],
  at: number,
  to: readonly number[],
  axis: number,
): number[][] {
  const [stride, size] = [product(shape.slice(at + 1)), shape[at]!];
  const [newStride, newSize] = [product(to.slice(axis + 1)), to[axis]!];
  const found = Array.from({ length: newSize }, () => new Set<number>());
  const total = product(shape);
  for (let i = 0; i < total; i++) {
    found[Math.floor(i / newStride) % newSize]!.add(channels[Math.floor(i / stride) % size]!);
  }
  return found.map((each) => [...each]);
}

/** How many channels would still be independent of each other, if those that are found together were joined. */
function countApart(tracer: Tracer, found: readonly number[][]): number {
  const parents = new Map<number, number>();
  const top = (channel: number): number => {
    let at = root(tracer, channel);
    while (parents.has(at)) at = parents.get(at)!;
    return at;
  };
  for (const [first, ...others] of found) {
    for (const other of others) {
      const [a, b] = [top(first!), top(other)];
      if (a !== b) parents.set(a, b);
    }
  }
  return new Set(found.flat().map(top)).size;
}

/** The sizes of a shape, one of which may have been left open; undefined where that says too little. */
function filledIn(shape: ReadonlyArray<number | null>, size: number): number[] | undefined {
  const rest = product(shape.map((n) => n ?? 1));
  return shape.filter((n) => n === null).length > 1 ? undefined : shape.map((n) => n ?? size / rest);
}

function reshaped(
  call: Call,
  input: Traced,
  to: ReadonlyArray<number | null>,
): Array<Int32Array | undefined> {
  const { tracer, path } = call;
  const none = to.map(() => undefined);
  const carrying = [...input.axes.keys()].filter((axis) => input.axes[axis] !== undefined);
  const at = carrying[0];
  if (at === undefined) return none;
  const from = input.shape.slice(1);
  const target = from.every((n) => n !== null) ? filledIn(to.slice(1), product(from)) : undefined;
  if (carrying.length > 1 || !from.every((n) => n !== null) || target === undefined) {
    pinAxes(tracer, input, `'${path}' mixes axes in a way that is not followed`);
    return none;
  }
  const channels = input.axes[at]!;
  const options = [...target.keys()].map((axis) => {
    const found = channelsAt(channels, from, at - 1, target, axis);
    return { axis, found, apart: countApart(tracer, found) };
  });
  // The last of the best: channels are last.
  const best = options.reduce((a, b) => (b.apart >= a.apart ? b : a));
  for (const [first, ...others] of best.found) {
    for (const other of others) join(tracer, Int32Array.of(first!), Int32Array.of(other));
  }
  const result = Int32Array.from(best.found, ([first]) => first!);
  return none.map((_, i) => (i === best.axis + 1 ? result : undefined));
}

const flatten: Rule = (call) => {
  if (call.config.dataFormat === 'channelsFirst') {
    pinAxes(call.tracer, call.inputs[0]!, `'${call.path}' reorders axes`);
    return [call.outputs[0]!.map(() => undefined)];
  }
  return [reshaped(call, call.inputs[0]!, call.outputs[0]!)];
};

const reshape: Rule = (call) => {
  const axes = reshaped(call, call.inputs[0]!, call.outputs[0]!);
  const target = [call.config.targetShape].flat();
  axes.forEach((channels, axis) => {
    const isSaid = Number(target[axis - 1]) > 0;
    if (channels !== undefined && isSaid) noteOption(call, ['targetShape', axis - 1], channels);
  });
  return [axes];
};

/** By class. */
export const shapeRules: ReadonlyMap<string, Rule> = new Map([
  ['Flatten', flatten],
  ['Reshape', reshape],
  ['Permute', permute],
]);
