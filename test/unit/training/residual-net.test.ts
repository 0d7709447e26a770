import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerTrainingKernels } from '../../../src/training';
import { type TestBackend, useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';

const CLASSES = 5;

/** Every kind of layer of a ResNet (and a depthwise one), small: the gradients of all of them in one model. */
function residualNet(): tf.LayersModel {
  let seed = 1;
  const conv = (
    x: tf.SymbolicTensor,
    filters: number,
    kernelSize: number,
    strides: number,
  ): tf.SymbolicTensor => {
    const pad = (kernelSize - 1) / 2;
    const padded = tf.layers
      .zeroPadding2d({
        padding: [
          [pad, pad],
          [pad, pad],
        ],
      })
      .apply(x);
    return tf.layers
      .conv2d({
        filters,
        kernelSize,
        strides,
        useBias: false,
        kernelInitializer: tf.initializers.heNormal({ seed: seed++ }),
      })
      .apply(padded) as tf.SymbolicTensor;
  };
  const norm = (x: tf.SymbolicTensor): tf.SymbolicTensor =>
    tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 }).apply(x) as tf.SymbolicTensor;
  const relu = (x: tf.SymbolicTensor): tf.SymbolicTensor => tf.layers.reLU().apply(x) as tf.SymbolicTensor;

  const input = tf.input({ shape: [17, 16, 3] });
  let x = relu(norm(conv(input, 8, 7, 2)));
  x = tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(x) as tf.SymbolicTensor;
  let branch = relu(norm(conv(x, 6, 1, 1)));
  branch = relu(norm(conv(branch, 6, 3, 2)));
  branch = norm(conv(branch, 12, 1, 1));
  x = relu(tf.layers.add().apply([branch, norm(conv(x, 12, 1, 2))]) as tf.SymbolicTensor);
  const depthwiseInitializer = tf.initializers.heNormal({ seed: seed++ });
  x = tf.layers
    .depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer })
    .apply(x) as tf.SymbolicTensor;
  x = tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(x) as tf.SymbolicTensor;
  const kernelInitializer = tf.initializers.heNormal({ seed: seed++ });
  const output = tf.layers.dense({ units: CLASSES, kernelInitializer, activation: 'softmax' }).apply(x);
  return tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
}

function images(): { xs: tf.Tensor; ys: tf.Tensor } {
  const xs = tf.randomNormal([6, 17, 16, 3], 0, 1, 'float32', 7);
  return { xs, ys: tf.oneHot(tf.tensor1d([0, 1, 2, 3, 4, 0], 'int32'), CLASSES) };
}

function loss(model: tf.LayersModel, { xs, ys }: { xs: tf.Tensor; ys: tf.Tensor }): tf.Scalar {
  const predicted = model.apply(xs, { training: true }) as tf.Tensor;
  return tf.losses.softmaxCrossEntropy(ys, predicted);
}

/** The gradients of every trainable weight, in the model's order. */
async function gradients(backend: TestBackend): Promise<Float32Array[]> {
  await useBackend(backend);
  return tf.tidy(() => {
    const model = residualNet();
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const { grads } = tf.variableGrads(() => loss(model, images()), variables);
    const values = variables.map(({ name }) => grads[name]?.dataSync<'float32'>() ?? new Float32Array());
    model.dispose();
    return values;
  });
}

describe('a residual network', () => {
  beforeAll(async () => {
    await useBackend('wasm');
    registerTrainingKernels();
  });

  it('has the same gradients on wasm and on cpu', async () => {
    const expected = await gradients('cpu');
    const actual = await gradients('wasm');
    expect(actual).toHaveLength(expected.length);
    expected.forEach((values, index) => {
      const atol = 1e-4 * values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(actual[index]).toBeAllClose(values, { rtol: 1e-4, atol });
    });
  });

  it('learns with fit', async () => {
    await useBackend('wasm');
    const model = residualNet();
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'categoricalCrossentropy' });
    const { xs, ys } = images();
    await model.fit(xs, ys, { epochs: 1, verbose: 0 });
    const { history } = await expectNoLeak(() => model.fit(xs, ys, { epochs: 12, verbose: 0 }));
    const losses = history.loss as number[];
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
    tf.dispose([xs, ys]);
    model.dispose();
  });

  it('learns with fitDataset', async () => {
    await useBackend('wasm');
    const model = residualNet();
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
    const { xs, ys } = images();
    const dataset = tf.data.array([{ xs, ys }]).repeat(8);
    const { history } = await model.fitDataset(dataset, { epochs: 3, verbose: 0 });
    const losses = history.loss as number[];
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
    tf.dispose([xs, ys]);
    model.dispose();
  });

  it('learns with a hand-written loop', async () => {
    await useBackend('wasm');
    const model = residualNet();
    const optimizer = tf.train.sgd(0.05);
    const data = images();
    const step = (): number =>
      tf.tidy(() => optimizer.minimize(() => loss(model, data), true)?.dataSync()[0] ?? Number.NaN);
    const first = step();
    const last = expectNoLeak(() => Array.from({ length: 10 }, step)).at(-1);
    expect(last).toBeLessThan(first);
    tf.dispose(data);
    model.dispose();
    optimizer.dispose();
  });
});
