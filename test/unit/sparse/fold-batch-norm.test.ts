import * as tf from '@tensorflow/tfjs';
import { foldBatchNorm } from 'tfjs-prune/sparse';
import { afterEach, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import {
  call,
  countNorms,
  expectEqualOutputs,
  outputsOf,
  pair,
  randomize,
  type Symbolic,
  savedAndLoaded,
} from './fold-models';

afterEach(() => tf.disposeVariables());

const image = [6, 7, 3];
const LAYERS: ReadonlyArray<readonly [name: string, make: () => tf.layers.Layer]> = [
  ['Conv1D', () => tf.layers.conv1d({ inputShape: [9, 4], filters: 5, kernelSize: 3 })],
  [
    'Conv2D without a bias',
    () => tf.layers.conv2d({ inputShape: image, filters: 5, kernelSize: 3, useBias: false }),
  ],
  [
    'Conv2D with strides',
    () =>
      tf.layers.conv2d({ inputShape: image, filters: 4, kernelSize: [3, 2], strides: 2, padding: 'same' }),
  ],
  [
    'DepthwiseConv2D',
    () => tf.layers.depthwiseConv2d({ inputShape: image, kernelSize: 3, depthMultiplier: 2, useBias: false }),
  ],
  [
    'SeparableConv2D',
    () => tf.layers.separableConv2d({ inputShape: image, filters: 5, kernelSize: 3, depthMultiplier: 2 }),
  ],
  [
    'Conv2DTranspose',
    () => tf.layers.conv2dTranspose({ inputShape: image, filters: 5, kernelSize: 3, strides: 2 }),
  ],
  ['Dense', () => tf.layers.dense({ inputShape: [7], units: 5 })],
  ['Dense on images', () => tf.layers.dense({ inputShape: image, units: 5, useBias: false })],
];

describe.each(['cpu', 'wasm'] as const)('on %s foldBatchNorm', (backend) => {
  it.each(LAYERS)('folds into %s', async (_, make) => {
    await useBackend(backend);
    const model = randomize(pair(make()));
    const folded = foldBatchNorm(model);
    expect(countNorms(folded)).toBe(0);
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
    expect(folded.layers.map(({ name }) => name)).toEqual([model.layers[0]!.name]);
  });

  it('folds where the scale or the centre is left out', async () => {
    await useBackend(backend);
    for (const options of [
      { scale: false },
      { center: false },
      { scale: false, center: false, axis: 3 },
      // As Keras writes it.
      { axis: [3] as never },
    ]) {
      const model = randomize(
        pair(tf.layers.conv2d({ inputShape: image, filters: 5, kernelSize: 1 }), options),
      );
      const folded = foldBatchNorm(model);
      expect(countNorms(folded)).toBe(0);
      expectEqualOutputs(outputsOf(folded), outputsOf(model));
    }
  });

  it('folds several in a row, and through models within', async () => {
    await useBackend(backend);
    const base = tf.sequential({
      name: 'base',
      layers: [
        tf.layers.conv2d({ inputShape: image, filters: 4, kernelSize: 3, name: 'conv' }),
        tf.layers.batchNormalization({ name: 'bn' }),
        tf.layers.batchNormalization({ name: 'bn_again' }),
        tf.layers.reLU(),
      ],
    });
    const [left, right] = [tf.input({ shape: image }), tf.input({ shape: image })];
    const sum = call(tf.layers.add(), [call(base, left), call(base, right)]);
    const conv = call(tf.layers.conv2d({ filters: 3, kernelSize: 2, name: 'conv' }), sum);
    const normed = call(tf.layers.batchNormalization({ name: 'bn' }), conv);
    const model = randomize(
      tf.model({ inputs: [left, right], outputs: [normed, call(tf.layers.flatten(), sum)] }),
    );
    const folded = foldBatchNorm(model);
    expect(countNorms(model)).toBe(3);
    expect(countNorms(folded)).toBe(0);
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
  });

  it('gives a model that stock tfjs saves and loads', async () => {
    await useBackend(backend);
    const input = tf.input({ shape: image });
    const conv = call(tf.layers.conv2d({ filters: 5, kernelSize: 2, useBias: false }), input);
    const normed = call(tf.layers.batchNormalization(), conv);
    const outputs = [call(tf.layers.flatten(), normed), normed];
    const model = randomize(tf.model({ inputs: input, outputs }));
    const folded = foldBatchNorm(model);
    expect(countNorms(folded)).toBe(0);
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
    expect(outputsOf(await savedAndLoaded(folded))).toEqual(outputsOf(folded));
  });

  it('folds in a model that is applied to each step of a sequence', async () => {
    await useBackend(backend);
    const step = pair(tf.layers.conv2d({ inputShape: image, filters: 2, kernelSize: 3 }));
    const model = randomize(
      tf.sequential({ layers: [tf.layers.timeDistributed({ inputShape: [3, ...image], layer: step })] }),
    );
    const folded = foldBatchNorm(model);
    expect(folded.weights).toHaveLength(2);
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
  });
});

it('folds what tfjs itself cannot run: 3-D convolutions', async () => {
  await useBackend('cpu');
  const model = randomize(
    pair(tf.layers.conv3d({ inputShape: [4, 4, 4, 2], filters: 3, kernelSize: 2 }), { epsilon: 0.01 }),
  );
  const folded = foldBatchNorm(model);
  const conv = tf.sequential({
    layers: [tf.layers.conv3d({ inputShape: [4, 4, 4, 2], filters: 3, kernelSize: 2 })],
  });
  conv.setWeights(model.layers[0]!.getWeights());
  const [gamma, beta, mean, variance] = model
    .getLayer('bn')
    .getWeights()
    .map((w) => [...w.dataSync()]);
  const expected = outputsOf(conv)[0]!.map((value, i) => {
    const c = i % 3;
    return (gamma![c]! * (value - mean![c]!)) / Math.sqrt(variance![c]! + 0.01) + beta![c]!;
  });
  expectEqualOutputs(outputsOf(folded), [expected]);
});

it('computes kernels and biases in double precision and rounds them once', async () => {
  await useBackend('cpu');
  const model = randomize(pair(tf.layers.dense({ inputShape: [3], units: 2 }), { epsilon: 1e-5 }));
  const [kernel, bias] = model.layers[0]!.getWeights().map((w) => [...w.dataSync()]);
  const [gamma, beta, mean, variance] = model
    .getLayer('bn')
    .getWeights()
    .map((w) => [...w.dataSync()]);
  const scale = [0, 1].map((c) => gamma![c]! / Math.sqrt(variance![c]! + 1e-5));
  const [foldedKernel, foldedBias] = foldBatchNorm(model)
    .getWeights()
    .map((w) => [...w.dataSync()]);
  expect(foldedKernel).toEqual(kernel!.map((value, i) => Math.fround(value * scale[i % 2]!)));
  expect(foldedBias).toBeAllClose(
    bias!.map((value, c) => (value - mean![c]!) * scale[c]! + beta![c]!),
    { rtol: 2 ** -23, atol: 0 },
  );
});

describe('leaves a batch normalisation alone', () => {
  const conv = (options: object = {}): tf.layers.Layer =>
    tf.layers.conv2d({ filters: 3, kernelSize: 1, name: 'conv', ...options });
  const norm = (options: object = {}): tf.layers.Layer =>
    tf.layers.batchNormalization({ name: 'bn', ...options });
  type Build = (x: Symbolic) => Symbolic | Symbolic[];
  const cases: ReadonlyArray<readonly [why: string, build: Build]> = [
    ['after an activation', (x) => call(norm(), call(conv({ activation: 'relu' }), x))],
    [
      'whose input others take too',
      (x) => {
        const y = call(conv(), x);
        return call(tf.layers.add(), [y, call(norm(), y)]);
      },
    ],
    [
      'whose input is an output of the model',
      (x) => {
        const y = call(conv(), x);
        return [y, call(norm(), y)];
      },
    ],
    [
      'after a layer that is called twice',
      (x) => {
        const shared = conv();
        const other = call(shared, call(tf.layers.reLU(), x));
        return call(tf.layers.add(), [call(norm(), call(shared, x)), other]);
      },
    ],
    [
      'that is called twice',
      (x) => {
        const shared = norm();
        const other = call(conv({ name: 'other' }), x);
        return call(tf.layers.add(), [call(shared, call(conv(), x)), call(shared, other)]);
      },
    ],
    ['over another axis', (x) => call(norm({ axis: 1 }), call(conv({ filters: 7 }), x))],
    ['after pooling', (x) => call(norm(), call(tf.layers.maxPooling2d({ poolSize: 2 }), call(conv(), x)))],
    ['that comes first', (x) => call(conv(), call(norm(), x))],
  ];

  it.each(cases)('%s', async (_, build) => {
    await useBackend('cpu');
    const input = tf.input({ shape: [7, 7, 3] });
    const model = randomize(tf.model({ inputs: input, outputs: build(input) }));
    const folded = foldBatchNorm(model);
    expect(countNorms(folded)).toBe(1);
    expect(outputsOf(folded)).toEqual(outputsOf(model));
  });

  it('that does not give finite numbers', async () => {
    await useBackend('cpu');
    const model = randomize(pair(tf.layers.dense({ inputShape: [3], units: 2 }), { epsilon: 0.1 }));
    const [gamma, beta, mean] = model.getLayer('bn').getWeights();
    model.getLayer('bn').setWeights([gamma!, beta!, mean!, tf.tensor1d([1, -0.2])]);
    expect(countNorms(foldBatchNorm(model))).toBe(1);
  });
});
