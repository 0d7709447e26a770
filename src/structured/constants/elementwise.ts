/** What layers make of constants that treat each value by itself, or together with those at the same place. */
import { activated, applied } from './activations';
import { alike, apart, sharedBy } from './axes';
import { type ConstantRule, notFollowed, shapeAfter } from './call';
import { allFrom, type Constants, expanded, fitted, hasKnown, mapped, placesIn, refined } from './constant';
import { weightAt } from './kernels';
import { applying } from './ran';

export const pass: ConstantRule = ({ inputs }) => inputs[0]!;

export const pointwise: ConstantRule = ({ layer, inputs }) => applied(inputs[0]!, applying(layer));

export const activation: ConstantRule = ({ layer, path, inputs, model }) =>
  hasKnown(inputs[0]!) ? activated(layer, path, inputs[0]!, model) : inputs[0]!;

const NORM = ['gamma', 'beta', 'movingMean', 'movingVariance'] as const;

export const batchNorm: ConstantRule = (call) => {
  const { layer, path, inputs } = call;
  const [input] = inputs;
  const rank = input!.axes.length;
  const axis = Number([Reflect.get(layer, 'axis')].flat()[0]);
  if ((axis + rank) % rank !== rank - 1) return notFollowed(call);
  const whole = expanded(input!, rank - 1);
  const channels = whole.axes.at(-1)!.count;
  const [gamma, beta, mean, variance] = NORM.map((name) => weightAt(layer, name)?.values);
  const epsilon = Number(Reflect.get(layer, 'epsilon'));
  const scales = Float64Array.from(
    { length: channels },
    (_, i) => (gamma?.[i] ?? 1) / Math.sqrt((variance?.[i] ?? 1) + epsilon),
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
  // Along an axis of another size there is one slope for all.
  const own = input!.axes.map(({ kinds }, i) =>
    sizes[i] === kinds.length ? apart(kinds.length) : alike(kinds.length),
  );
  const whole = refined(
    input!,
    input!.axes.map((axis, i) => sharedBy(axis, own[i]!)),
  );
  const slopes = placesIn(own, whole.axes);
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
    const shape = shapeAfter(call);
    return fitted(call.inputs.map((input) => broadcast(input, shape))).reduce((a, b) =>
      merged(a, b, combine, absorbs, call.path),
    );
  };

/** tfjs puts axes of size 1 after the batch where a tensor has fewer, and repeats along them. */
function broadcast(input: Constants, shape: readonly number[]): Constants {
  const [batch, ...rest] = input.axes;
  const more = Array.from({ length: shape.length - input.axes.length }, () => alike(1));
  const axes = [batch!, ...more, ...rest];
  return {
    ...input,
    axes: axes.map((axis, i) => (axis.kinds.length === shape[i] ? axis : alike(shape[i]!))),
  };
}

/** @param absorbs Whether zero stays zero, whatever it meets. */
function merged(a: Constants, b: Constants, combine: Merge, absorbs: boolean, path: string): Constants {
  const notes = [...a.notes];
  const values = a.values.map((value, i) => {
    const other = b.values[i]!;
    if (absorbs && (value === 0 || other === 0)) {
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
