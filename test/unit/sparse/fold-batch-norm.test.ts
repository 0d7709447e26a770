import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { foldBatchNorm } from 'tfjs-prune/sparse';
import { afterEach, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { flat } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import {
  call,
  classesOf,
  countNorms,
  expectEqualOutputs,
  outputsOf,
  randomize,
  type Symbolic,
  savedAndLoaded,
  weightBits,
} from './fold-models';

afterEach(() => tf.disposeVariables());

/** A layer and a batch normalisation after it. */
function pair(layer: tf.layers.Layer, options: Parameters<typeof tf.layers.batchNormalization>[0] = {}) {
  return tf.sequential({ layers: [layer, tf.layers.batchNormalization({ name: 'bn', ...options })] });
}

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
    for (const options of [{ scale: false }, { center: false }, { scale: false, center: false, axis: 3 }]) {
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

describe('masks', () => {
  it('stay on kernels, with their history, and can be reverted', async () => {
    await useBackend('wasm');
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.conv2d({ inputShape: image, filters: 8, kernelSize: 3, name: 'conv' }),
          tf.layers.batchNormalization(),
          tf.layers.flatten(),
          tf.layers.dense({ units: 4, name: 'fc' }),
        ],
      }),
    );
    const conv = model.getLayer('conv');
    const unpruned = foldBatchNorm(model).getLayer('conv');
    prune.l1Unstructured(conv, 'weight', 0.5);
    prune.lnStructured(conv, 'weight', 0.25, 2, 0);
    prune.randomUnstructured(model.getLayer('fc'), 'weight', 0.3);
    const folded = foldBatchNorm(model);
    const foldedConv = folded.getLayer('conv');
    for (const name of ['conv', 'fc']) {
      const [before, after] = [model.getLayer(name), folded.getLayer(name)];
      expect(flat(after, 'weight_mask')).toEqual(flat(before, 'weight_mask'));
      expect(prune.methodOf(after, 'weight')).toBe(prune.methodOf(before, 'weight'));
    }
    expect(flat(foldedConv, 'weight')).toEqual(
      flat(foldedConv, 'weight_orig').map((value, i) => flat(foldedConv, 'weight_mask')[i]! && value),
    );
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
    prune.revert(foldedConv, 'weight');
    expect(flat(foldedConv, 'weight')).toEqual(flat(unpruned, 'weight'));
    prune.l1Unstructured(foldedConv, 'weight', 0.1);
    expect(prune.methodOf(conv, 'weight')).toBeInstanceOf(prune.PruningContainer);
  });

  it('made permanent leave exact zeros, and never −0', async () => {
    await useBackend('wasm');
    const model = randomize(pair(tf.layers.dense({ inputShape: [20], units: 6, name: 'fc' })));
    prune.l1Unstructured(model.getLayer('fc'), 'weight', 0.5);
    prune.remove(model.getLayer('fc'), 'weight');
    const before = flat(model.getLayer('fc'), 'kernel');
    const after = flat(foldBatchNorm(model).getLayer('fc'), 'kernel');
    expect(after.map((value) => value === 0)).toEqual(before.map((value) => value === 0));
    expect(after.some((value) => Object.is(value, -0))).toBe(false);
  });
});

describe('the original', () => {
  it('stays as it is, shares nothing, and no tensor leaks', async () => {
    await useBackend('wasm');
    const model = randomize(pair(tf.layers.conv2d({ inputShape: image, filters: 5, kernelSize: 3 })));
    prune.l1Unstructured(model.layers[0]!, 'weight', 0.5);
    const before = weightBits(model);
    const output = outputsOf(model);
    expectNoLeak(() => foldBatchNorm(model).dispose());
    const folded = foldBatchNorm(model);
    const shared = new Set(model.weights.map((weight) => weight.read().dataId));
    expect(folded.weights.some((weight) => shared.has(weight.read().dataId))).toBe(false);
    expect(weightBits(model)).toEqual(before);
    const foldedOutput = outputsOf(folded);
    model.dispose();
    expect(outputsOf(folded)).toEqual(foldedOutput);
    expectEqualOutputs(foldedOutput, output);
  });

  it('may be trained, regularised and constrained; the folded layer is free of that', async () => {
    await useBackend('cpu');
    const model = pair(
      tf.layers.dense({
        inputShape: [3],
        units: 2,
        kernelConstraint: tf.constraints.unitNorm({ axis: 0 }),
        kernelRegularizer: 'l1l2',
        biasConstraint: 'nonNeg',
      }),
    );
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const xs = tf.randomNormal([8, 3], 0, 1, 'float32', 1);
    await model.fit(xs, tf.ones([8, 2]), { epochs: 1, verbose: 0 });
    randomize(model, 2);
    const folded = foldBatchNorm(model);
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
    expect(outputsOf(await savedAndLoaded(folded))).toEqual(outputsOf(folded));
  });
});

/** A layer whose class tfjs does not know. */
class Unregistered extends tf.layers.Layer {
  static className = 'Unregistered';
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    return inputs;
  }
}

describe('foldBatchNorm refuses, and leaves nothing behind:', () => {
  const refused = (given: unknown, kind: prune.PruneErrorKind, says: RegExp): void => {
    const call = (): unknown => foldBatchNorm(given as tf.LayersModel);
    expectNoLeak(() =>
      expect(call).toThrow(expect.objectContaining({ kind, message: expect.stringMatching(says) })),
    );
  };

  it('what is no model', async () => {
    await useBackend('cpu');
    for (const given of [undefined, null, 'model', {}, tf.layers.dense({ units: 2 })]) {
      refused(given, 'argument', /LayersModel/);
    }
  });

  it('a model without layers', () => refused(tf.sequential(), 'state', /no layers/));

  it('a model that is disposed', () => {
    const model = pair(tf.layers.dense({ inputShape: [3], units: 2, name: 'fc' }));
    model.dispose();
    refused(model, 'state', /'fc'.*disposed/);
  });

  it('a layer that tfjs cannot build again', () => {
    const base = pair(tf.layers.dense({ inputShape: [3], units: 2 }));
    const model = tf.sequential({ layers: [base, new Unregistered({})] });
    refused(model, 'unsupported', /Unregistered.*registerClass/s);
  });
});

it('names the classes of models within, for these tests', () => {
  expect(classesOf(pair(tf.layers.dense({ inputShape: [3], units: 2 })))).toEqual([
    'Dense',
    'BatchNormalization',
  ]);
});
