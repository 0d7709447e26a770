/** Random models of all kinds of layers, grown from a list of decisions. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { call, randomize, type Symbolic } from '../unit/sparse/fold-models';
import { type Choose, oneOf, sizesOf, unaryOps } from './structured-ops';

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
    maxLength: 11,
  },
);

/** A grown model. */
export interface Grown {
  readonly model: tf.LayersModel;
  /** What to run it on; the caller disposes them. */
  readonly inputs: tf.Tensor[];
  /** The kinds of steps in it. */
  readonly kinds: readonly string[];
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
];

interface Garden {
  readonly inputs: Symbolic[];
  readonly tensors: Symbolic[];
  readonly used: Set<number>;
  readonly kinds: string[];
}

function plant(choose: Choose): { garden: Garden; values: tf.Tensor[] } {
  const garden: Garden = { inputs: [], tensors: [], used: new Set(), kinds: [] };
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
      garden.tensors.push(call(L.embedding({ inputDim: tokens, outputDim: 3 + choose(3) }), input));
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
  nestedTowers: (a, b) => {
    if (!isSame(sizesOf(a), sizesOf(b))) return undefined;
    const input = tf.input({ shape: sizesOf(a) });
    const hidden = call(L.dense({ units: 4, activation: 'relu' }), input);
    const within = tf.model({ inputs: input, outputs: call(L.prelu(), call(L.dense({ units: 3 }), hidden)) });
    return call(L.maximum(), [call(within, a), call(within, b)]);
  },
  unknown: (a) => call(new Mystery({}), a),
};

/** All kinds of steps. */
export const allKinds: readonly string[] = [...unaryOps.keys(), ...Object.keys(merges)];

function grow(garden: Garden, [kind, at, seed]: Decision): void {
  const { tensors, used, kinds } = garden;
  const choose = chooser(seed);
  // Rather what came last than what came first.
  const a = tensors.length - 1 - Math.min(at % tensors.length, Math.floor(at / 7) % tensors.length);
  const b = Math.floor(at / 31) % tensors.length;
  const { rank } = tensors[a]!;
  const fitting = [...unaryOps].filter(([, op]) => op.rank === rank - 1);
  const together = Object.entries(merges);
  const n = kind % (fitting.length + 2 * together.length);
  const unary = fitting[n];
  const [name, merge] = together[n % together.length]!;
  // tfjs cannot run a layer that takes one tensor twice.
  if (unary === undefined && a === b && name !== 'unknown') return;
  const made = unary ? unary[1].make(tensors[a]!, choose) : merge(tensors[a]!, tensors[b]!, choose);
  if (made === undefined || made.rank > 5) return;
  const size = sizesOf(made).reduce((x, y) => x * y, 1);
  if (!(size > 0 && size <= 240)) return;
  kinds.push(unary ? unary[0] : name);
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

/** Grows a model; the same one from the same decisions. */
export function grown(steps: readonly Decision[]): Grown {
  const choose = chooser(steps[0]![2] + 77);
  const { garden, values } = plant(choose);
  for (const step of steps) grow(garden, step);
  const { tensors, used, inputs, kinds } = garden;
  const heads = tensors.filter((_, i) => !used.has(i)).map((x) => head(x, choose));
  const together = heads.length > 1 && choose(3) > 0 ? [call(L.concatenate(), heads)] : heads;
  const outputs = together.map((x) => call(L.dense({ units: 2 }), x));
  if (choose(4) === 0) outputs.push(tensors.at(-1)!);
  return { model: randomize(tf.model({ inputs, outputs }), 1 + (steps[0]![0] % 50)), inputs: values, kinds };
}
