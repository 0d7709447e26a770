/** What layers make of constants that treat each value by itself, or together with those at the same place. */
import type * as tf from '@tensorflow/tfjs';
import { activated, applied } from './activations';
import { type ConstantRule, shapeAfter } from './call';
import { allFrom, type Constants, hasKnown, mapped, placesIn, unknown, widened } from './constant';
import { weightAt } from './kernels';

/** A layer that is not followed loses what is known. */
export const notFollowed: ConstantRule = ({ path, className, inputs, outputShapes }) => {
  const why = `'${path}' is a ${className}, through which constants are not followed`;
  return outputShapes.map((shape) => unknown(shape, inputs.some(hasKnown) ? why : undefined));
};

export const pass: ConstantRule = ({ inputs }) => inputs[0]!;

export const pointwise: ConstantRule = ({ layer, inputs }) =>
  // One of tfjs's own layers, which gives a tensor for a tensor.
  applied(inputs[0]!, (x) => (layer as tf.layers.Layer).apply(x) as tf.Tensor);

export const activation: ConstantRule = ({ layer, path, inputs }) =>
  hasKnown(inputs[0]!) ? activated(layer, path, inputs[0]!) : inputs[0]!;

const NORM = ['gamma', 'beta', 'movingMean', 'movingVariance'] as const;

export const batchNorm: ConstantRule = (call) => {
  const { layer, path, inputs } = call;
  const [input] = inputs;
  const rank = input!.shape.length;
  const axis = Number([Reflect.get(layer, 'axis')].flat()[0]);
  if ((axis + rank) % rank !== rank - 1) return notFollowed(call);
  const channels = input!.shape.at(-1)!;
  const [gamma, beta, mean, variance] = NORM.map((name) => weightAt(layer, name)?.values);
  const epsilon = Number(Reflect.get(layer, 'epsilon'));
  const scales = Float64Array.from(
    { length: channels },
    (_, i) => (gamma?.[i] ?? 1) / Math.sqrt((variance?.[i] ?? 1) + epsilon),
  );
  const whole = widened(
    input!,
    input!.sizes.map((size, i) => (i === rank - 1 ? channels : size)),
  );
  const from = new Set([...whole.from, ...NORM.map((name) => `${path}:${name}`)]);
  const made = mapped(
    whole,
    (value, i) => {
      const c = i % channels;
      const shift = beta?.[c] ?? 0;
      return scales[c] === 0 ? shift : (value - (mean?.[c] ?? 0)) * scales[c]! + shift;
    },
    from,
  );
  return { ...made, notes: made.notes.map((note, i) => (scales[i % channels] === 0 ? undefined : note)) };
};

export const prelu: ConstantRule = ({ layer, path, inputs }) => {
  const [input] = inputs;
  const alpha = weightAt(layer, 'alpha');
  if (alpha === undefined || !input!.values.some((value) => value < 0)) return input!;
  const sizes = [1, ...alpha.shape];
  const whole = widened(
    input!,
    input!.sizes.map((size, axis) => Math.max(size, sizes[axis]!)),
  );
  const slopes = placesIn(sizes, whole.sizes);
  return mapped(
    whole,
    (value, i) => (value < 0 ? value * alpha.values[slopes[i]!]! : value),
    new Set([...whole.from, `${path}:alpha`]),
  );
};

type Merge = (a: number, b: number) => number;

export const merge =
  (combine: Merge, absorbs = false): ConstantRule =>
  (call) => {
    const rank = Math.max(...call.inputs.map(({ shape }) => shape.length));
    const all = call.inputs.map((input) => raised(input, rank));
    const sizes = shapeAfter(call).map((_, axis) => Math.max(...all.map((input) => input.sizes[axis]!)));
    const shape = shapeAfter(call);
    return all
      .map((input) => ({ ...widened({ ...input, shape }, sizes), shape }))
      .reduce((a, b) => merged(a, b, combine, absorbs, call.path));
  };

/** tfjs puts axes of size 1 after the batch where a tensor has fewer. */
function raised(input: Constants, rank: number): Constants {
  const more = Array<number>(rank - input.shape.length).fill(1);
  const [shape, sizes] = [input.shape, input.sizes].map(([batch, ...rest]) => [batch!, ...more, ...rest]);
  return { ...input, shape: shape!, sizes: sizes! };
}

/** @param absorbs Whether zero stays zero, whatever it meets. */
function merged(a: Constants, b: Constants, combine: Merge, absorbs: boolean, path: string): Constants {
  const notes = [...a.notes];
  const values = a.values.map((value, i) => {
    const other = b.values[i]!;
    const isNothing = (one: Constants): boolean =>
      absorbs && one.values[i] === 0 && one.notes[i] === undefined;
    if (isNothing(a) || isNothing(b)) {
      notes[i] = undefined;
      return 0;
    }
    notes[i] = mergedNote([value, other], [a.notes[i], b.notes[i]], path);
    return combine(value, other);
  });
  const known = [a, b].filter(hasKnown);
  return { ...a, values, notes, from: allFrom(...known) };
}

function mergedNote(
  [a, b]: readonly [number, number],
  [noteA, noteB]: readonly [string | undefined, string | undefined],
  path: string,
): string | undefined {
  if (Number.isNaN(a) === Number.isNaN(b)) return noteA ?? noteB;
  return (Number.isNaN(a) ? noteA : noteB) ?? `'${path}' puts them together with what depends on the input`;
}

export const average: ConstantRule = (call) => {
  const sum = merge((a, b) => a + b)(call);
  return mapped([sum].flat()[0]!, (value) => value / call.inputs.length);
};

const add: Merge = (a, b) => a + b;

export const merges: ReadonlyMap<string, ConstantRule> = new Map([
  ['Add', merge(add)],
  ['Multiply', merge((a, b) => a * b, true)],
  ['Average', average],
  ['Maximum', merge(Math.max)],
  ['Minimum', merge(Math.min)],
]);
