import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { resnet50 } from 'tfjs-prune/models';
import { foldBatchNorm, optimizeForInference } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import {
  call,
  classesOf,
  countNorms,
  expectEqualOutputs,
  outputsOf,
  randomize,
  savedAndLoaded,
} from './fold-models';

beforeAll(() => useBackend('wasm'));
afterEach(() => tf.disposeVariables());

const image = [8, 8, 3];

/** A small network of all that can go. */
function network(): tf.LayersModel {
  return randomize(
    tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: image, filters: 16, kernelSize: 3, padding: 'same', name: 'conv' }),
        tf.layers.dropout({ rate: 0.5, name: 'dropout' }),
        tf.layers.batchNormalization({ name: 'bn' }),
        tf.layers.activation({ activation: 'relu', name: 'relu' }),
        tf.layers.zeroPadding2d({
          padding: [
            [0, 1],
            [0, 1],
          ],
          name: 'pad',
        } as never),
        tf.layers.depthwiseConv2d({ kernelSize: 3, strides: 2, name: 'depthwise' }),
        tf.layers.flatten({ name: 'flatten' }),
        tf.layers.activation({ activation: 'linear', name: 'identity' }),
        tf.layers.dense({ units: 512, name: 'fc' }),
        tf.layers.reLU({ name: 'fc_relu' }),
        tf.layers.gaussianNoise({ stddev: 1, name: 'noise' }),
        tf.layers.dense({ units: 5, name: 'logits' }),
      ],
    }),
  );
}

describe('optimizeForInference', () => {
  it('takes out what inference does not need, says where it went, and runs the rest sparse', async () => {
    const model = network();
    prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.97 });
    const { model: fast, handle, removed } = await optimizeForInference(model);
    expect(removed).toEqual([
      { layer: 'dropout', className: 'Dropout', into: undefined },
      { layer: 'identity', className: 'Activation', into: undefined },
      { layer: 'noise', className: 'GaussianNoise', into: undefined },
      { layer: 'bn', className: 'BatchNormalization', into: 'conv' },
      { layer: 'pad', className: 'ZeroPadding2D', into: 'depthwise' },
      { layer: 'relu', className: 'Activation', into: 'conv' },
      { layer: 'fc_relu', className: 'ReLU', into: 'fc' },
    ]);
    expect(classesOf(fast)).toEqual(['Conv2D', 'DepthwiseConv2D', 'Flatten', 'Dense', 'Dense']);
    expect(handle.layers.find(({ layer }) => layer === 'fc')!.runs).not.toBe('dense');
    expectEqualOutputs(outputsOf(fast), outputsOf(model));
    const loaded = await savedAndLoaded(fast);
    expectEqualOutputs(outputsOf(loaded), outputsOf(model));
    handle.dispose();
    expectEqualOutputs(outputsOf(fast), outputsOf(model));
  });

  it('names layers of models within by their path', async () => {
    const base = network();
    const model = tf.sequential({ layers: [base, tf.layers.dense({ units: 2 })] });
    const { removed, handle } = await optimizeForInference(model);
    expect(removed).toContainEqual({
      layer: `${base.name}/bn`,
      className: 'BatchNormalization',
      into: `${base.name}/conv`,
    });
    handle.dispose();
  });

  it('keeps what the model gives or takes, and other activations', async () => {
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.dropout({ rate: 0.5, inputShape: [8] }),
          tf.layers.dense({ units: 6 }),
          tf.layers.reLU({ maxValue: 6 }),
          tf.layers.dense({ units: 6 }),
          tf.layers.elu(),
          tf.layers.dense({ units: 6 }),
          tf.layers.activation({ activation: 'linear' }),
        ],
      }),
    );
    const { model: fast, removed, handle } = await optimizeForInference(model);
    expect(removed).toEqual([]);
    expectEqualOutputs(outputsOf(fast), outputsOf(model));
    handle.dispose();
  });

  it('keeps the outputs of a graph as many tensors as they were', async () => {
    const [input, other] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
    const hidden = call(tf.layers.dense({ units: 3 }), input);
    const noisy = call(tf.layers.gaussianNoise({ stddev: 1 }), hidden);
    const outputs = [hidden, noisy, call(tf.layers.dropout({ rate: 0.5 }), other)];
    const model = randomize(tf.model({ inputs: [input, other], outputs }));
    const { model: fast, removed, handle } = await optimizeForInference(model);
    expect(removed).toEqual([]);
    expectEqualOutputs(outputsOf(fast), outputsOf(model));
    handle.dispose();
  });

  it('leaves no tensor behind, nor packed weights', async () => {
    const model = network();
    await expectNoLeak(async () => {
      const { model: fast, handle } = await optimizeForInference(model);
      handle.dispose();
      fast.dispose();
    });
  });
});

describe('optimizeForInference refuses, and leaves nothing behind:', () => {
  const refused = (given: unknown, kind: prune.PruneErrorKind, options?: object): Promise<void> =>
    expectNoLeak(async () => {
      await expect(optimizeForInference(given as tf.LayersModel, options)).rejects.toMatchObject({ kind });
    });

  it('another backend', async () => {
    const model = network();
    await useBackend('cpu');
    try {
      await refused(model, 'unsupported');
    } finally {
      await useBackend('wasm');
    }
  });

  it('what is no model, or disposed, or has no layers', async () => {
    await refused(undefined, 'argument');
    await refused(tf.layers.dense({ units: 2 }), 'argument');
    await refused(tf.sequential(), 'state');
    const model = network();
    model.dispose();
    await refused(model, 'state');
  });

  it('what accelerate refuses, also where layers are called twice', async () => {
    const input = tf.input({ shape: [3] });
    const shared = tf.layers.dense({ units: 3, name: 'shared' });
    const model = tf.model({ inputs: input, outputs: call(shared, call(shared, input)) });
    await refused(model, 'argument', { stict: true });
    shared.setWeights([tf.fill([3, 3], Infinity), tf.zeros([3])]);
    await refused(model, 'state', { strict: true });
  });
});

it('all 53 batch normalisations of a ResNet50 fold', async () => {
  const model = await resnet50({ inputShape: [32, 32, 3], seed: 1 });
  tf.tidy(() => {
    let seed = 1;
    for (const weight of model.weights) {
      const isScale = /gamma|moving_variance/.test(weight.originalName);
      const isShift = /beta|moving_mean/.test(weight.originalName);
      const [least, most] = isScale ? [0.5, 1.5] : [-0.2, 0.2];
      if (isScale || isShift)
        weight.write(tf.randomUniform(weight.shape as number[], least, most, 'float32', seed++));
    }
  });
  prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
  const expected = outputsOf(model);
  const folded = foldBatchNorm(model);
  expect(countNorms(model)).toBe(53);
  expect(countNorms(folded)).toBe(0);
  expect(prune.sparsity(folded)).toEqual(prune.sparsity(model));
  expectEqualOutputs(outputsOf(folded), expected, 1e-4);
  folded.dispose();
  const { model: fast, handle, removed } = await optimizeForInference(model);
  // The last ReLU of a block comes after an addition.
  expect(removed.filter(({ className }) => className === 'Activation')).toHaveLength(33);
  expectEqualOutputs(outputsOf(fast), expected, 1e-4);
  handle.dispose();
});
