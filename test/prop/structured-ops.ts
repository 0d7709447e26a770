/** What random graphs are made of: each entry turns one tensor into another. */
import * as tf from '@tensorflow/tfjs';
import { call, type Symbolic } from '../unit/sparse/fold-models';

/** A whole number in [0, n), drawn from the decision at hand. */
export type Choose = (n: number) => number;

/** One kind of layer, or a few that belong together. */
export interface Op {
  /** The number of axes that it takes, without the batch. */
  readonly rank: number;
  /** A layer to be called on the tensor, or what several layers make of it. */
  readonly make: (x: Symbolic, choose: Choose) => tf.layers.Layer | Symbolic;
}

const L = tf.layers;

/** Sizes without the batch. */
export function sizesOf(x: Symbolic): number[] {
  return x.shape.slice(1).map(Number);
}

/** One of several. */
export function oneOf<T>(choose: Choose, values: readonly T[]): T {
  return values[choose(values.length)]!;
}

const activations = ['linear', 'relu', 'tanh', 'sigmoid', 'elu', 'swish', 'softmax', 'logSoftmax'] as const;

/** An activation that treats each channel by itself, mostly. */
const activationOf = (choose: Choose) => {
  const name = oneOf(choose, [...activations, ...activations.slice(0, 6)]);
  // tfjs knows more activations than its types do.
  return name as 'relu';
};

/** How many channels a layer makes. */
export const width = (choose: Choose): number => 2 + choose(4);

const convOf = (choose: Choose) => ({
  filters: width(choose),
  kernelSize: 1 + choose(2),
  padding: 'same' as const,
  useBias: choose(4) > 0,
});

const first = 'channelsFirst' as const;

/** Layers of an image whose channels are its first axis, between permutations. */
function channelsFirst(x: Symbolic, choose: Choose): Symbolic {
  const [, side = 0] = sizesOf(x);
  const layers: Array<() => tf.layers.Layer> = [
    () => L.conv2d({ ...convOf(choose), dataFormat: first }),
    () => L.depthwiseConv2d({ kernelSize: 1, depthMultiplier: 1 + choose(2), dataFormat: first }),
    () => L.batchNormalization({ axis: 1 }),
    () => L.zeroPadding2d({ padding: 1, dataFormat: first }),
    () => L.upSampling2d({ dataFormat: first, size: side > 4 ? [1, 1] : [2, 2] }),
    () => L.averagePooling2d({ poolSize: [1, 1], dataFormat: first }),
    () => L.prelu({ sharedAxes: [2, 3] }),
  ];
  let y = call(L.permute({ dims: [3, 1, 2] }), x);
  for (let i = 0; i < 2; i++) y = call(oneOf(choose, layers)(), y);
  if (choose(3) === 0) return call(L.globalMaxPooling2d({ dataFormat: first }), y);
  if (choose(3) === 0) return call(L.flatten({ dataFormat: first }), y);
  return call(L.permute({ dims: [2, 3, 1] }), y);
}

function squeezeAndExcite(x: Symbolic, choose: Choose): Symbolic {
  const channels = x.shape.at(-1)!;
  const pooled = call(L.globalAveragePooling2d({}), x);
  const asImage = choose(2) === 0;
  const squeezed = asImage ? call(L.reshape({ targetShape: [1, 1, channels] }), pooled) : pooled;
  const narrow = call(L.dense({ units: width(choose), activation: 'relu' }), squeezed);
  const gate = call(L.dense({ units: channels, activation: 'sigmoid' }), narrow);
  return call(L.multiply(), [x, asImage ? gate : call(L.reshape({ targetShape: [1, 1, channels] }), gate)]);
}

const cellOf = (choose: Choose) => {
  const options = { units: width(choose), returnSequences: choose(2) === 0 };
  return oneOf(choose, [L.simpleRNN, L.gru, L.lstm])(options) as tf.RNN;
};

const bidirectional = (choose: Choose) =>
  L.bidirectional({
    layer: cellOf(choose),
    mergeMode: oneOf(choose, ['concat', 'sum', 'mul', 'ave'] as const),
  });

function timeDistributed(x: Symbolic, choose: Choose): tf.layers.Layer {
  const inner = x.shape.slice(2);
  const layers: tf.layers.Layer[] = [
    L.dense({ units: width(choose) }),
    L.dense({ units: width(choose), activation: activationOf(choose) }),
    L.batchNormalization(),
  ];
  if (inner.length === 2) layers.push(L.conv1d(convOf(choose)), L.flatten(), L.gru({ units: 3 }));
  const within = tf.sequential({
    layers: [L.dense({ units: 3, inputShape: inner.map(Number) }), L.dense({ units: 2 + choose(3) })],
  });
  return L.timeDistributed({ layer: oneOf(choose, [...layers, within]) });
}

/** A layer that is called on its own output. */
function sharedInARow(x: Symbolic): Symbolic {
  const layer = L.dense({ units: x.shape.at(-1)!, activation: 'tanh' });
  return call(layer, call(layer, x));
}

function reshaped(x: Symbolic, choose: Choose): tf.layers.Layer {
  const size = sizesOf(x).reduce((a, b) => a * b, 1);
  const divisors = [1, 2, 3, 4, 5, 6].filter((n) => size % n === 0);
  const n = oneOf(choose, divisors);
  const last = x.shape.at(-1)!;
  const targets = [
    [n, size / n],
    [size / n, n],
    [size / last, last],
    [1, n, size / n],
  ];
  return L.reshape({ targetShape: oneOf(choose, targets) });
}

/** To a sequence whose length tfjs does not know. */
function reshapedToAny(x: Symbolic, choose: Choose): Symbolic {
  const sequence = call(L.reshape({ targetShape: [-1, x.shape.at(-1)!] }), x);
  return call(oneOf(choose, [L.globalAveragePooling1d(), L.gru({ units: 3 })]), sequence);
}

const permuted = (x: Symbolic, choose: Choose): tf.layers.Layer => {
  const dims = sizesOf(x).map((_, i) => i + 1);
  const turn = choose(dims.length);
  return L.permute({ dims: [...dims.slice(turn), ...dims.slice(0, turn)] });
};

const anyRank: Record<string, Op['make']> = {
  dense: (_, choose) => L.dense({ units: width(choose), activation: activationOf(choose) }),
  batchNorm: (x, choose) => L.batchNormalization({ axis: choose(3) === 0 ? 1 + choose(x.rank - 1) : -1 }),
  layerNorm: (x, choose) => L.layerNormalization({ axis: choose(2) === 0 ? 1 : x.rank - 1 }),
  prelu: (x, choose) => L.prelu(x.rank > 2 && choose(2) === 0 ? { sharedAxes: [1] } : {}),
  activation: (_, choose) => L.activation({ activation: activationOf(choose) }),
  leaky: (_, choose) =>
    oneOf(choose, [
      L.leakyReLU(),
      L.reLU(),
      L.elu(),
      L.thresholdedReLU({ theta: 0.1 }),
      L.dropout({ rate: 0.5 }),
      L.gaussianNoise({ stddev: 1 }),
      L.softmax({ axis: -1 }),
    ]),
  residual: (x) => call(L.add(), [x, call(L.dense({ units: x.shape.at(-1)! }), x)]),
  dense2: (x, choose) =>
    call(L.concatenate(), [x, call(L.dense({ units: width(choose), activation: 'relu' }), x)]),
  reshapedToAny,
  gate: (x) => call(L.multiply(), [x, call(L.dense({ units: 1, activation: 'sigmoid' }), x)]),
  sharedInARow,
};

// Of these tfjs runs none with five axes.
const { batchNorm: _, layerNorm: __, ...anyVolume } = anyRank;

const vectors: Record<string, Op['make']> = {
  repeatVector: (_, choose) => L.repeatVector({ n: 1 + choose(3) }),
  reshape: reshaped,
};

const sequences: Record<string, Op['make']> = {
  conv1d: (_, choose) => L.conv1d({ ...convOf(choose), activation: activationOf(choose) }),
  recurrent: (_, choose) => cellOf(choose),
  bidirectional: (_, choose) => bidirectional(choose),
  timeDistributed: timeDistributed,
  pool1d: (_, choose) =>
    oneOf(choose, [
      L.maxPooling1d({ poolSize: 1 }),
      L.averagePooling1d({ poolSize: 2, padding: 'same' }),
      L.globalAveragePooling1d(),
      L.globalMaxPooling1d(),
    ]),
  spatialDropout: () => L.spatialDropout1d({ rate: 0.5 }),
  flatten: () => L.flatten(),
  permute: permuted,
  reshape: reshaped,
};

const images: Record<string, Op['make']> = {
  conv2d: (_, choose) =>
    L.conv2d({ ...convOf(choose), strides: 1 + choose(2), activation: activationOf(choose) }),
  conv2dTranspose: (_, choose) => L.conv2dTranspose(convOf(choose)),
  depthwise: (_, choose) =>
    L.depthwiseConv2d({ kernelSize: 2, padding: 'same', depthMultiplier: 1 + choose(3) }),
  // With a depthMultiplier tfjs cannot load it: its getConfig forgets the multiplier.
  separable: (_, choose) => L.separableConv2d(convOf(choose)),
  pool2d: (_, choose) =>
    oneOf(choose, [
      L.maxPooling2d({ poolSize: 2, padding: 'same' }),
      L.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
      L.globalAveragePooling2d({}),
      L.globalMaxPooling2d({}),
    ]),
  padding: (x, choose) => {
    const small = Math.min(...sizesOf(x).slice(0, 2)) < 3;
    const crop = small ? L.zeroPadding2d({ padding: 1 }) : L.cropping2D({ cropping: 1 });
    return oneOf(choose, [L.zeroPadding2d({ padding: 1 }), crop, L.upSampling2d({})]);
  },
  flatten: () => L.flatten(),
  reshape: reshaped,
  permute: permuted,
  timeDistributed: timeDistributed,
  squeezeAndExcite,
  channelsFirst,
};

const volumes: Record<string, Op['make']> = {
  conv3d: (_, choose) => L.conv3d(convOf(choose)),
  conv3dTranspose: (_, choose) => L.conv3dTranspose({ ...convOf(choose), kernelSize: 1 }),
  pool3d: (_, choose) =>
    oneOf(choose, [
      L.maxPooling3d({ poolSize: 2, padding: 'same' }),
      L.averagePooling3d({ poolSize: 2, padding: 'same' }),
    ]),
  flatten: () => L.flatten(),
  permute: permuted,
  reshape: reshaped,
};

const byRank = [vectors, sequences, images, volumes];

/** By name; `more` of them are for tensors of up to four axes. */
export function opsWith(more: Record<string, Op['make']>): ReadonlyMap<string, Op> {
  return new Map(
    byRank.flatMap((own, i) =>
      Object.entries({ ...(i === 3 ? anyVolume : { ...anyRank, ...more }), ...own }).map(
        ([name, make]): [string, Op] => [`${name}, rank ${i + 1}`, { rank: i + 1, make }],
      ),
    ),
  );
}
