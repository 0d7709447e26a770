import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { expectEqualOutputs, outputsOf } from '../../sparse/fold-models';
import {
  expectGone,
  expectKept,
  first,
  firstImage,
  image,
  modelOf,
  out,
  sequence,
  volume,
  zeroIn,
} from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

describe('a constant is taken over by the bias of what reads it', () => {
  const cases: Record<string, () => [tf.layers.Layer[], string[]]> = {
    'a TimeDistributed Dense': () => [
      [sequence(), L.timeDistributed({ layer: L.dense({ units: 2 }), name: 'b' })],
      ['b'],
    ],
    'a TimeDistributed Dense without a bias': () => [
      [sequence(), L.timeDistributed({ layer: L.dense({ units: 2, useBias: false }), name: 'b' })],
      ['b'],
    ],
    'a TimeDistributed Conv1D': () => [
      [image(), L.timeDistributed({ layer: L.conv1d({ filters: 2, kernelSize: 2 }), name: 'b' })],
      ['b'],
    ],
    'a TimeDistributed LSTM': () => [
      [image(), L.timeDistributed({ layer: L.lstm({ units: 2 }) as tf.RNN, name: 'b' })],
      ['b'],
    ],
    'a model in a TimeDistributed': () => {
      const within = tf.sequential({
        layers: [L.dense({ units: 3, name: 'b', inputShape: [4] }), L.dense({ units: 2 })],
      });
      return [[sequence(), L.timeDistributed({ layer: within, name: 'td' })], ['td/b']];
    },
    'a Conv1D': () => [[sequence(), L.conv1d({ filters: 2, kernelSize: 2, strides: 2, name: 'b' })], ['b']],
    'a Conv3D': () => [[volume(), L.conv3d({ filters: 2, kernelSize: 2, name: 'b' })], ['b']],
    'a Conv3DTranspose of single values': () => [
      [volume(), L.conv3dTranspose({ filters: 2, kernelSize: 1, name: 'b' })],
      ['b'],
    ],
    'a Conv2DTranspose of single values': () => [
      [image(), L.conv2dTranspose({ filters: 2, kernelSize: 1, name: 'b' })],
      ['b'],
    ],
    'a SeparableConv2D': () => [
      [image(), L.separableConv2d({ filters: 2, kernelSize: 2, name: 'b', useBias: false })],
      ['b'],
    ],
    'a Conv2D whose channels are first': () => [
      [firstImage(), L.conv2d({ filters: 2, kernelSize: 2, name: 'b', dataFormat: first, useBias: false })],
      ['b'],
    ],
    'a Conv2DTranspose whose channels are first': () => [
      [firstImage(), L.conv2dTranspose({ filters: 2, kernelSize: 1, name: 'b', dataFormat: first })],
      ['b'],
    ],
    // Every output meets the middle of the kernel and nothing else.
    'a Conv2D that pads a single pixel': () => [
      [
        L.dense({ units: 4, name: 'a', inputShape: [1, 1, 3] }),
        L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }),
      ],
      ['b'],
    ],
    'a SimpleRNN': () => [[sequence(), L.simpleRNN({ units: 3, name: 'b' })], ['b']],
    'a GRU': () => [[sequence(), L.gru({ units: 3, name: 'b', returnSequences: true })], ['b']],
    'a GRU without a bias': () => [[sequence(), L.gru({ units: 3, name: 'b', useBias: false })], ['b']],
    'an LSTM': () => [[sequence(), L.lstm({ units: 3, name: 'b', goBackwards: true })], ['b']],
    'an LSTM without a bias': () => [[sequence(), L.lstm({ units: 3, name: 'b', useBias: false })], ['b']],
    'a Bidirectional GRU, in both directions': () => [
      [sequence(), L.bidirectional({ layer: L.gru({ units: 3 }) as tf.RNN, mergeMode: 'sum', name: 'b' })],
      ['b', 'b'],
    ],
    'a Bidirectional LSTM without a bias': () => [
      [
        sequence(),
        L.bidirectional({
          layer: L.lstm({ units: 3, useBias: false }) as tf.RNN,
          mergeMode: 'concat',
          name: 'b',
        }),
      ],
      ['b', 'b'],
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    it(`of ${name}`, async () => {
      const [layers, takers] = make();
      const { outputShape } = tf.sequential({ layers });
      const flat = outputShape.length > 2 ? [L.flatten()] : [];
      await expectGone(zeroIn(modelOf([...layers, ...flat, out()])), takers);
    });
  }

  it('of a Conv2DTranspose whose kernel adds the same everywhere', async () => {
    const model = zeroIn(
      modelOf([
        image(),
        L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, name: 'b' }),
        L.flatten(),
        out(),
      ]),
    );
    expectKept(model, "'b' adds another sum of its kernel at other positions, so no bias can take them over");
    tf.tidy(() => model.getLayer('b').setWeights([tf.ones([2, 2, 2, 4]), tf.ones([2])]));
    await expectGone(model, ['b']);
  });

  it('but not of a Conv2D that pads, unless the border of its kernel is zero', async () => {
    const model = zeroIn(
      modelOf([
        image(),
        L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }),
        L.flatten(),
        out(),
      ]),
    );
    expectKept(model, "'b' pads them, so that it does not read a constant at the borders");
    const middle = tf.tidy(() =>
      tf.pad(tf.randomNormal([1, 1, 4, 2], 0, 1, 'float32', 4), [
        [1, 1],
        [1, 1],
        [0, 0],
        [0, 0],
      ]),
    );
    tf.tidy(() => model.getLayer('b').setWeights([middle, tf.ones([2])]));
    await expectGone(model, ['b']);
  });
});

describe('a constant is passed on', () => {
  const distributed = (layer: tf.layers.Layer) => L.timeDistributed({ layer });
  const cases: Record<string, () => tf.layers.Layer[]> = {
    'by a TimeDistributed Dense that makes it': () => [
      L.timeDistributed({ layer: L.dense({ units: 4, activation: 'tanh' }), name: 'a', inputShape: [5, 3] }),
    ],
    'by a TimeDistributed BatchNormalization': () => [sequence(), distributed(L.batchNormalization())],
    'by a TimeDistributed activation': () => [
      sequence(),
      distributed(L.activation({ activation: 'sigmoid' })),
    ],
    'by a TimeDistributed LeakyReLU': () => [sequence(), distributed(L.leakyReLU())],
    'by a TimeDistributed Flatten': () => [image(), distributed(L.flatten())],
    'by a TimeDistributed model': () => [
      sequence(),
      distributed(
        tf.sequential({ layers: [L.activation({ activation: 'tanh', inputShape: [4] }), L.leakyReLU()] }),
      ),
    ],
    'by a Permute': () => [sequence(), L.permute({ dims: [2, 1] }), L.flatten()],
    'by a Permute of an image': () => [image(), L.permute({ dims: [3, 1, 2] }), L.flatten()],
    'by a Reshape': () => [image(), L.reshape({ targetShape: [20, 4] }), L.prelu({ sharedAxes: [1] })],
    'by a Reshape that puts them together': () => [image(), L.reshape({ targetShape: [4, 20] })],
    'by a PReLU of many slopes': () => [sequence(), L.prelu(), L.flatten()],
    'by a RepeatVector': () => [L.dense({ units: 4, name: 'a', inputShape: [3] }), L.repeatVector({ n: 3 })],
    'where channels are first': () =>
      [
        firstImage(),
        L.batchNormalization({ axis: 1, name: 'skipped' }),
        L.prelu({ sharedAxes: [2, 3] }),
        L.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, dataFormat: first }),
        L.maxPooling2d({ poolSize: 2, dataFormat: first }),
        L.upSampling2d({ dataFormat: first }),
        L.flatten({ dataFormat: first }),
      ].filter(({ name }) => name !== 'skipped'),
    'by a global pooling of channels that are first': () => [
      firstImage(),
      L.globalAveragePooling2d({ dataFormat: first }),
    ],
    'by a Conv2DTranspose that makes it': () => [
      L.conv2dTranspose({ filters: 4, kernelSize: 2, name: 'a', inputShape: [2, 2, 3] }),
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    it(name, async () => {
      const layers = make();
      const isTransposed = layers[0]!.getClassName() === 'Conv2DTranspose';
      await expectGone(zeroIn(modelOf([...layers, out()]), isTransposed ? 2 : 1), ['out']);
    });
  }

  it('by a layer of sums whose other terms are zero', async () => {
    const model = zeroIn(modelOf([sequence(), L.dense({ units: 3, name: 'b', useBias: false }), out()]));
    // Unit 1 of b reads nothing but the constant, so it is one too.
    const kernel = tf.tensor2d([1, 0, 2, 3, 5, 4, 6, 0, 7, 8, 0, 9], [4, 3]);
    model.getLayer('b').setWeights([kernel]);
    const plan = planFromMasks(model);
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[1], [1], []]);
    expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
  });
});
