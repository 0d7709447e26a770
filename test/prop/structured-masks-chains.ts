/** Random chains of layers that make channels, pass them on, and read them, some of whose channels have no weights. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { classNameOf, layersOf, slotsOf } from '../../src/core/parameter';
import { call, randomize, type Symbolic } from '../unit/sparse/fold-models';
import { type Choose, oneOf, sizesOf } from './structured-ops';

const L = tf.layers;

/** What a chain is grown from: a seed for the beginning, and one for each step. */
export const seeds: fc.Arbitrary<number[]> = fc.array(fc.nat(1e6), { minLength: 3, maxLength: 9 });

/** A chain. */
export interface Chain {
  readonly model: tf.LayersModel;
  /** What to run it on; the caller disposes it. */
  readonly inputs: tf.Tensor[];
}

function chooser(seed: number): Choose {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  next();
  return (n) => Math.floor(next() * n);
}

type Make = (x: Symbolic, choose: Choose) => tf.layers.Layer | undefined;

const activations = ['linear', 'relu', 'tanh', 'sigmoid', 'elu', 'swish'] as const;
// tfjs knows more activations than its types do.
const activationOf = (choose: Choose) => oneOf(choose, activations) as 'relu';
const units = (choose: Choose) => 3 + choose(3);
const first = 'channelsFirst' as const;

const formatOf = (choose: Choose) => (choose(3) === 0 ? { dataFormat: first } : {});

const convOf = (choose: Choose) => ({
  filters: units(choose),
  kernelSize: 1 + choose(3),
  padding: oneOf(choose, ['valid', 'valid', 'same'] as const),
  useBias: choose(3) > 0,
  activation: activationOf(choose),
});

/** How a layer goes over an image. */
const windowOf = (choose: Choose) => ({
  strides: 1 + choose(2),
  padding: oneOf(choose, ['valid', 'same'] as const),
  ...formatOf(choose),
});

const marginOf = (choose: Choose): [[number, number], [number, number]] => [
  [choose(2), choose(3)],
  [choose(2), choose(2)],
];

const cellOf = (choose: Choose, returnSequences = choose(2) === 0) => {
  const options = {
    units: units(choose),
    returnSequences,
    useBias: choose(4) > 0,
    activation: activationOf(choose),
  };
  return oneOf(choose, [L.simpleRNN, L.gru, L.lstm])({ ...options, goBackwards: choose(4) === 0 });
};

const dense = (choose: Choose) =>
  L.dense({ units: units(choose), activation: activationOf(choose), useBias: choose(3) > 0 });

/** By the number of axes without the batch. */
const readers: readonly Make[][] = [
  [],
  [(_, choose) => dense(choose)],
  [
    (_, choose) => dense(choose),
    (_, choose) => L.conv1d(convOf(choose)),
    (_, choose) => cellOf(choose),
    (_, choose) =>
      L.bidirectional({
        layer: cellOf(choose) as tf.RNN,
        mergeMode: oneOf(choose, ['concat', 'sum', 'mul', 'ave'] as const),
      }),
    (_, choose) => L.timeDistributed({ layer: dense(choose) }),
  ],
  [
    (_, choose) => dense(choose),
    (_, choose) => L.conv2d({ ...convOf(choose), ...formatOf(choose), strides: 1 + choose(2) }),
    (_, choose) => L.conv2dTranspose({ ...convOf(choose), ...formatOf(choose), strides: 1 + choose(2) }),
    (_, choose) => L.separableConv2d(convOf(choose)),
    (_, choose) =>
      L.depthwiseConv2d({ ...windowOf(choose), kernelSize: 1 + choose(3), depthMultiplier: 1 + choose(2) }),
    (_, choose) => L.timeDistributed({ layer: L.conv1d(convOf(choose)) }),
    (_, choose) => L.timeDistributed({ layer: cellOf(choose) }),
  ],
  [
    (_, choose) => L.conv3d(convOf(choose)),
    (_, choose) => L.conv3dTranspose({ ...convOf(choose), kernelSize: 1 }),
    (_, choose) => dense(choose),
  ],
];

const anyCarriers: readonly Make[] = [
  (_, choose) => L.activation({ activation: activationOf(choose) }),
  (_, choose) =>
    oneOf(choose, [
      L.leakyReLU(),
      L.reLU(),
      L.elu(),
      L.thresholdedReLU({ theta: 0.1 }),
      L.dropout({ rate: 0.5 }),
    ]),
  (x, choose) => L.prelu(x.rank > 2 && choose(2) === 0 ? { sharedAxes: [1] } : {}),
  (x) => (x.rank < 5 ? L.batchNormalization() : L.reLU()),
  (x, choose) => {
    const turn = choose(x.rank - 1);
    const dims = sizesOf(x).map((_, i) => i + 1);
    return L.permute({ dims: [...dims.slice(turn), ...dims.slice(0, turn)] });
  },
  (x, choose) => {
    const sizes = sizesOf(x);
    const size = sizes.reduce((a, b) => a * b, 1);
    const last = sizes.at(-1)!;
    return L.reshape({
      targetShape: oneOf(choose, [[size / last, last], [1, size / last, last], [size], [last, size / last]]),
    });
  },
  (x) => (x.rank > 2 && x.rank < 5 ? L.layerNormalization({ axis: 1 }) : undefined),
  (x) => (x.rank > 2 ? L.timeDistributed({ layer: L.activation({ activation: 'sigmoid' }) }) : undefined),
  (x) => (x.rank > 2 && x.rank < 5 ? L.timeDistributed({ layer: L.batchNormalization() }) : undefined),
  (x) => (x.rank > 3 ? L.timeDistributed({ layer: L.flatten() }) : undefined),
  (x, choose) => {
    if (x.rank < 3 || x.rank > 4) return undefined;
    const [, ...inner] = sizesOf(x);
    const layers = [L.dense({ units: units(choose), inputShape: inner }), L.dense({ units: 3 })];
    return L.timeDistributed({ layer: tf.sequential({ layers }) });
  },
];

const zeroPadding: Make = (_, choose) => L.zeroPadding2d({ padding: marginOf(choose), ...formatOf(choose) });

const carriers: readonly Make[][] = [
  [],
  [...anyCarriers, (_, choose) => L.repeatVector({ n: 2 + choose(2) })],
  [
    ...anyCarriers,
    (_, choose) =>
      oneOf(choose, [
        L.globalAveragePooling1d(),
        L.globalMaxPooling1d(),
        L.averagePooling1d({ poolSize: 2, padding: 'same' }),
        L.maxPooling1d({ poolSize: 2, strides: 1 }),
      ]),
    () => L.flatten(),
  ],
  [
    ...anyCarriers,
    (_, choose) =>
      oneOf<tf.layers.Layer>(choose, [
        L.globalAveragePooling2d(formatOf(choose)),
        L.globalMaxPooling2d(formatOf(choose)),
        L.maxPooling2d({ ...windowOf(choose), poolSize: [1 + choose(3), 1 + choose(2)] }),
        L.averagePooling2d({ ...windowOf(choose), poolSize: [1 + choose(2), 1 + choose(3)] }),
        L.cropping2D({ cropping: marginOf(choose), ...formatOf(choose) }),
        L.upSampling2d({
          ...formatOf(choose),
          interpolation: oneOf(choose, ['nearest', 'bilinear'] as const),
        }),
      ]),
    (x, choose) => {
      const [height, width] = sizesOf(x);
      // tfjs overwrites the shape of what it crops, which an input may share, and runs nothing that grows.
      const isRun = x.sourceLayer.getClassName() === 'ZeroPadding2D' && height! > 2 && width! > 2;
      return isRun
        ? L.centerCrop({ height: height! - 1 - choose(2), width: width! - 1 - choose(2) })
        : undefined;
    },
    (_, choose) =>
      L.timeDistributed({
        layer: L.averagePooling1d({ poolSize: 2, padding: 'same', strides: 1 + choose(2) }),
      }),
    (_, choose) => L.flatten(formatOf(choose)),
  ],
  [
    ...anyCarriers,
    (_, choose) =>
      oneOf(choose, [L.averagePooling3d, L.maxPooling3d])({ poolSize: 2, strides: 1, padding: 'same' }),
    () => L.flatten(),
  ],
];

const starts: ReadonlyArray<readonly number[]> = [
  [5],
  [4, 3],
  [4, 3],
  [4, 5, 3],
  [3, 4, 4],
  [5, 5, 3],
  [2, 3, 2, 3],
];

function grow(x: Symbolic, choose: Choose): Symbolic {
  const kinds = choose(2) === 0 ? readers : carriers;
  // Zeros around constants make images of them: more of those than of others.
  const isPadded = x.rank === 4 && choose(4) === 0;
  const make = isPadded ? zeroPadding : oneOf(choose, kinds[x.rank - 1]!);
  const layer = make(x, choose);
  if (layer === undefined || tooLarge(layer, x)) return x;
  if (choose(6) > 0) return call(layer, x);
  // Two of a kind put together, of which one may be constant and the other not.
  const other = layer.getConfig();
  const twin = Object.getPrototypeOf(layer).constructor.fromConfig(layer.constructor, {
    ...other,
    name: undefined,
  });
  const both = [call(layer, x), call(twin, x)];
  return call(oneOf(choose, [L.add, L.multiply, L.maximum, L.average, L.concatenate])(), both);
}

/** tfjs runs no pooling or padding of some sizes; they are left out as those that would be large. */
function tooLarge(layer: tf.layers.Layer, x: Symbolic): boolean {
  try {
    const [shape] = [layer.computeOutputShape([...x.shape])].flat(1) as unknown[];
    const sizes = (Array.isArray(shape) ? shape : layer.computeOutputShape([...x.shape])) as Array<
      number | null
    >;
    const size = sizes.slice(1).reduce<number>((a, b) => a * Number(b), 1);
    return !(size > 0 && size <= 300) || sizes.length > 5 || sizes.slice(1).some((n) => !(Number(n) > 0));
  } catch {
    return true;
  }
}

/** @returns The chain of some seeds, without weights for some of its channels. */
export function chainOf([start, ...steps]: readonly number[]): Chain {
  const choose = chooser(start!);
  const shape = oneOf(choose, starts);
  const input = tf.input({ shape: [...shape] });
  let x: Symbolic = input;
  for (const step of steps) x = grow(x, chooser(step));
  if (x.rank > 2) x = call(L.flatten(), x);
  const outputs = call(L.dense({ units: 2 }), x);
  const model = randomize(tf.model({ inputs: input, outputs }), 1 + (start! % 1000));
  for (const layer of layersOf(model)) if (choose(3) === 0) level(layer);
  for (const layer of layersOf(model)) if (choose(4) > 0) zero(layer, choose);
  return { model, inputs: [tf.randomNormal([2, ...shape], 0, 1, 'float32', 7 + start!)] };
}

/** Gives a transposed convolution the same value everywhere, so that strides may add up to the same at all positions. */
function level(layer: object): void {
  if (!(classNameOf(layer) ?? '').endsWith('Transpose')) return;
  const kernel = slotsOf(layer).find(({ name }) => name === 'kernel')?.variable;
  tf.tidy(() => kernel?.assign(tf.fill(kernel.shape, 0.5)));
}

const GATES: Readonly<Record<string, number>> = { SimpleRNN: 1, GRU: 3, LSTM: 4 };

/** Takes the weights of some of a layer's channels away. */
function zero(layer: object, choose: Choose): void {
  for (const property of ['forwardLayer', 'backwardLayer', 'layer']) {
    const inner: unknown = Reflect.get(layer, property);
    if (typeof inner === 'object' && inner !== null && !(property === 'layer' && 'forwardLayer' in layer))
      zero(inner, choose);
  }
  const className = classNameOf(layer) ?? '';
  const gates = GATES[className] ?? 1;
  const isTransposed = className.endsWith('Transpose');
  // Both directions of a Bidirectional lose the same ones, or only one of them.
  const offset = choose(2);
  for (const { name, variable } of slotsOf(layer)) {
    if (
      variable === undefined ||
      !['kernel', 'pointwiseKernel', 'recurrentKernel', 'embeddings'].includes(name)
    )
      continue;
    const { shape } = variable;
    const [a, b] = [shape.at(-2)!, shape.at(-1)!];
    const width = (isTransposed ? a : b) / gates;
    const isReading = name === 'kernel' && choose(3) > 0;
    const values = variable.dataSync().slice();
    const isGone = (channel: number): boolean => (channel + offset) % 3 === 0;
    for (let i = 0; i < values.length; i++) {
      const [row, column] = [Math.floor(i / b) % a, i % b];
      const isUnread = !isReading && name === 'kernel' && (isTransposed ? column : row) % 4 === 1;
      const isRow = isUnread || (name === 'recurrentKernel' && isGone(row));
      if (isRow || isGone((isTransposed ? row : column) % width)) values[i] = 0;
    }
    tf.tidy(() => variable.assign(tf.tensor(values, shape)));
  }
}
