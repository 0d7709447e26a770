/** Random models of all kinds of layers, grown from a list of decisions. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { call, randomize, type Symbolic } from '../unit/sparse/fold-models';
import { frames, sequence } from './structured-frames';
import { nestedOps, nestedPair, nestedTowers, sharing } from './structured-nested';
import { type Choose, oneOf, opsWith, sizesOf } from './structured-ops';

const L = tf.layers;

/** A layer that the library cannot know. It mixes its channels, so that none can go. */
export class Mystery extends tf.layers.Layer {
  static className = 'Mystery';
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = [inputs].flat();
    return tf.tidy(() => tf.add(x!, tf.mean(x!, -1, true)));
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
}
tf.serialization.registerClass(Mystery);

/** What a step of growing draws from: which kind of layer, which tensors, how it is set. */
export type Decision = readonly [kind: number, at: number, seed: number];

/** The decisions that a graph is grown from. */
export const decisions: fc.Arbitrary<Decision[]> = fc.array(
  fc.tuple(fc.nat(9999), fc.nat(9999), fc.nat(9999)),
  {
    minLength: 4,
    maxLength: 12,
  },
);

/** A grown model. */
export interface Grown {
  readonly model: tf.LayersModel;
  /** What to run it on; the caller disposes them. */
  readonly inputs: tf.Tensor[];
  /** What it is made of. */
  readonly steps: readonly Step[];
  /** Whether a layer within is one of another model too, so that tfjs saves two of it. */
  readonly isShared: boolean;
}

/** Layers of one kind. */
interface Step {
  readonly kind: string;
  /** Their names. */
  readonly layers: readonly string[];
}

function chooser(seed: number): Choose {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const starts: Array<{ shape: number[]; tokens?: number }> = [
  { shape: [4, 4, 2] },
  { shape: [3, 5, 3] },
  { shape: [4, 3] },
  { shape: [5] },
  { shape: [4], tokens: 6 },
  { shape: [2, 2, 2, 2] },
  { shape: [3, 2, 2, 2] },
];

const unaryOps = opsWith(nestedOps);
const EMBEDDING = 'embedding';
const SEQUENCE = 'sequence';

interface Garden {
  readonly inputs: Symbolic[];
  readonly tensors: Symbolic[];
  readonly used: Set<number>;
  readonly steps: Step[];
}

function plant(choose: Choose): { garden: Garden; values: tf.Tensor[] } {
  const garden: Garden = { inputs: [], tensors: [], used: new Set(), steps: [] };
  const values: tf.Tensor[] = [];
  const count = 1 + choose(3);
  for (let i = 0; i < count; i++) {
    const { shape, tokens } = oneOf(choose, starts);
    const input = tf.input({ shape });
    garden.inputs.push(input);
    const size = [2, ...shape];
    if (tokens === undefined) {
      garden.tensors.push(input);
      values.push(tf.randomNormal(size, 0, 1, 'float32', 11 + i));
    } else {
      const embedding = L.embedding({ inputDim: tokens, outputDim: 3 + choose(3) });
      garden.tensors.push(call(embedding, input));
      garden.steps.push({ kind: EMBEDDING, layers: [embedding.name] });
      values.push(tf.tidy(() => tf.floor(tf.randomUniform(size, 0, tokens, 'float32', 11 + i))));
    }
  }
  return { garden, values };
}

/** Tensors that are together in a layer. */
type Merge = (a: Symbolic, b: Symbolic, choose: Choose) => Symbolic | undefined;

const isSame = (a: readonly number[], b: readonly number[]): boolean => `${a}` === `${b}`;

const elementwise = [L.add, L.multiply, L.average, L.maximum, L.minimum];

const merges: Record<string, Merge> = {
  merge: (a, b, choose) =>
    isSame(sizesOf(a), sizesOf(b)) ? call(oneOf(choose, elementwise)(), [a, b]) : undefined,
  // Made equally wide first.
  project: (a, b, choose) => {
    if (!isSame(sizesOf(a).slice(0, -1), sizesOf(b).slice(0, -1))) return undefined;
    const wide = call(L.dense({ units: b.shape.at(-1)! }), a);
    return call(oneOf(choose, elementwise)(), [wide, b]);
  },
  concatenate: (a, b, choose) => {
    const [one, two] = [sizesOf(a), sizesOf(b)];
    const axes = [...one.keys()].filter((axis) =>
      isSame(
        one.filter((_, i) => i !== axis),
        two.filter((_, i) => i !== axis),
      ),
    );
    if (axes.length === 0) return undefined;
    return call(L.concatenate({ axis: 1 + oneOf(choose, axes) }), [a, b]);
  },
  // One layer, called on both.
  towers: (a, b, choose) => {
    if (!isSame(sizesOf(a), sizesOf(b))) return undefined;
    const layers = [
      () => L.dense({ units: 3, activation: 'tanh' }),
      () => L.prelu(),
      // tfjs runs it with up to four axes.
      () => (a.rank < 5 ? L.batchNormalization() : L.reLU()),
    ];
    const layer = oneOf(choose, layers)();
    return call(L.concatenate(), [call(layer, a), call(layer, b)]);
  },
  nestedTowers: (a, b) => (isSame(sizesOf(a), sizesOf(b)) ? nestedTowers(a, b) : undefined),
  nestedPair: (a, b, choose) =>
    isSame(sizesOf(a).slice(0, -1), sizesOf(b).slice(0, -1)) && a.rank < 5
      ? nestedPair(a, b, choose)
      : undefined,
  unknown: (a) => call(new Mystery({}), a),
};

/** The name of a step, whatever the number of axes that it is for. */
const kindOf = (name: string): string => name.replace(/, rank .*/, '');

/** All kinds of steps and of outermost models. */
export const allKinds: readonly string[] = [
  ...new Set([...unaryOps.keys()].map(kindOf)),
  ...Object.keys(merges),
  ...Object.keys(frames),
  EMBEDDING,
  SEQUENCE,
];

const fits = (made: Symbolic): boolean => {
  const size = sizesOf(made).reduce((x, y) => x * y, 1);
  return made.rank <= 5 && size > 0 && size <= 240;
};

/** The names of the layers between tensors. */
function layersTo(made: Symbolic, from: readonly Symbolic[]): string[] {
  if (from.includes(made)) return [];
  return [made.sourceLayer.name, ...made.inputs.flatMap((input) => layersTo(input, from))];
}

function grow(garden: Garden, [kind, at, seed]: Decision): void {
  const { tensors, used, steps } = garden;
  const choose = chooser(seed);
  // Rather what came last than what came first.
  const a = tensors.length - 1 - Math.min(at % tensors.length, Math.floor(at / 7) % tensors.length);
  const b = Math.floor(at / 31) % tensors.length;
  const [x, y] = [tensors[a]!, tensors[b]!];
  const fitting = [...unaryOps].filter(([, op]) => op.rank === x.rank - 1);
  const together = Object.entries(merges);
  const n = kind % (fitting.length + 2 * together.length);
  const unary = fitting[n];
  const [name, merge] = together[n % together.length]!;
  // tfjs cannot run a layer that takes one tensor twice.
  if (unary === undefined && a === b && name !== 'unknown') return;
  const result = unary ? unary[1].make(x, choose) : merge(x, y, choose);
  const made = result instanceof tf.layers.Layer ? call(result, x) : result;
  if (made === undefined || !fits(made)) return;
  steps.push({ kind: unary ? kindOf(unary[0]) : name, layers: layersTo(made, [x, y]) });
  used.add(a);
  if (unary === undefined && name !== 'unknown') used.add(b);
  tensors.push(made);
}

function head(x: Symbolic, choose: Choose): Symbolic {
  const size = sizesOf(x).reduce((a, b) => a * b, 1);
  const pools = [
    undefined,
    undefined,
    L.globalAveragePooling1d,
    () => L.globalAveragePooling2d({}),
    () => L.flatten(),
  ];
  const pool = size < 40 ? () => L.flatten() : pools[x.rank - 1];
  const flat = x.rank > 2 && pool !== undefined ? call(pool(), x) : x;
  return call(L.dense({ units: 2 + choose(4), activation: 'tanh' }), flat);
}

/** A graph of all that was grown. */
function bushy(garden: Garden, decided: readonly Decision[], choose: Choose): tf.LayersModel {
  for (const step of decided) grow(garden, step);
  const { tensors, used, inputs, steps } = garden;
  const heads = tensors.filter((_, i) => !used.has(i)).map((x) => head(x, choose));
  const together = heads.length > 1 && choose(3) > 0 ? [call(L.concatenate(), heads)] : heads;
  const outputs = together.map((x) => call(L.dense({ units: 2 }), x));
  if (choose(4) === 0) outputs.push(tensors.at(-1)!);
  const [kind, frame] = oneOf(choose, [...Object.entries(frames), ...Object.entries(frames).slice(0, 1)]);
  const model = frame(inputs, outputs, choose);
  steps.push({ kind, layers: model.layers.map(({ name }) => name) });
  return model;
}

/** A Sequential of what was grown from the first input. */
function straight(garden: Garden, decided: readonly Decision[], choose: Choose): tf.LayersModel {
  const { inputs, tensors, steps } = garden;
  const [input, start] = [inputs[0]!, tensors[0]!];
  const line: Array<[tf.layers.Layer, Symbolic]> = start === input ? [] : [[start.sourceLayer, start]];
  const lastMade = (): Symbolic => line.at(-1)?.[1] ?? input;
  for (const [kind, , seed] of decided) {
    const x = lastMade();
    const [name, op] = oneOf(
      (n) => kind % n,
      [...unaryOps].filter(([, { rank }]) => rank === x.rank - 1),
    );
    const layer = op.make(x, chooser(seed));
    if (!(layer instanceof tf.layers.Layer)) continue;
    const made = call(layer, x);
    if (!fits(made)) continue;
    line.push([layer, made]);
    steps.push({ kind: kindOf(name), layers: [layer.name] });
  }
  for (const layer of [L.dense({ units: 3, activation: 'tanh' }), L.dense({ units: 2 })]) {
    line.push([layer, call(layer, lastMade())]);
  }
  const model = sequence({ input, steps: line }, choose);
  steps.push({ kind: SEQUENCE, layers: model.layers.map(({ name }) => name) });
  return model;
}

/** Grows a model; the same one from the same decisions. */
export function grown(decided: readonly Decision[]): Grown {
  const choose = chooser(decided[0]![2] + 77);
  const { garden, values } = plant(choose);
  const model = (choose(8) === 0 ? straight : bushy)(garden, decided, choose);
  const isShared = garden.steps.some(({ kind }) => kind === sharing);
  // A Sequential takes only the first.
  tf.dispose(values.splice(model.inputs.length));
  return {
    model: randomize(model, 1 + (decided[0]![0] % 50)),
    inputs: values,
    steps: garden.steps,
    isShared,
  };
}
