import * as tf from '@tensorflow/tfjs';
import { type Acceleration, accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));
afterEach(() => tf.disposeVariables());

const PATTERNS = ['values', 'blocks'] as const;

/** 1 in 25 values, or blocks of eight; different ones everywhere. */
function sparseValues(shape: readonly number[], runs: (typeof PATTERNS)[number]): tf.Tensor {
  const size = tf.util.sizeFromShape([...shape]);
  const isKept = (i: number): boolean => (runs === 'values' ? (7 * i) % 25 === 0 : (i >> 3) % 9 === 0);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => (isKept(i) ? 1 + (i % 11) : 0)),
    [...shape],
  );
}

async function accelerated(
  layer: tf.layers.Layer,
  runs: (typeof PATTERNS)[number],
): Promise<{ model: tf.LayersModel; kernel: tf.Tensor; acceleration: Acceleration }> {
  const model = tf.sequential({ layers: [layer] });
  layer.setWeights(layer.getWeights().map((weight) => sparseValues(weight.shape, runs)));
  const acceleration = await accelerate(model);
  expect(acceleration.layers).toMatchObject([{ runs }]);
  return { model, kernel: layer.getWeights()[0]!, acceleration };
}

const convolution = (activation: 'linear' | 'relu' = 'linear'): tf.layers.Layer =>
  tf.layers.conv2d({
    inputShape: [null, null, 8],
    filters: 32,
    kernelSize: 3,
    useBias: false,
    activation,
  } as never);

const matrix = (): tf.layers.Layer => tf.layers.dense({ inputShape: [512], units: 512, useBias: false });

describe.each(PATTERNS)('a weight packed by %s', (runs) => {
  it('gives an empty output for images of no size, and computes right afterwards', async () => {
    const { model, acceleration } = await accelerated(convolution(), runs);
    const images = tf.randomNormal([1, 7, 7, 8], 0, 1, 'float32', 2);
    const right = (model.predict(images) as tf.Tensor).dataSync();
    expect((model.predict(tf.ones([1, 2, 2, 8])) as tf.Tensor).shape).toEqual([1, 0, 0, 32]);
    expect((model.predict(tf.ones([2, 5, 2, 8])) as tf.Tensor).shape).toEqual([2, 3, 0, 32]);
    expect((model.predict(images) as tf.Tensor).dataSync()).toEqual(right);
    acceleration.dispose();
    expect((model.predict(images) as tf.Tensor).dataSync()).toEqual(right);
  });

  it('leaves a bias of another shape to tfjs, which refuses it', async () => {
    const { kernel, acceleration } = await accelerated(convolution(), runs);
    const [x, filter] = [tf.ones([1, 7, 7, 8]) as tf.Tensor4D, kernel as tf.Tensor4D];
    for (const bias of [tf.scalar(1), tf.ones([1]), tf.ones([5, 32])]) {
      expect(() => tf.fused.conv2d({ x, filter, strides: 1, pad: 'valid', bias })).toThrow(/bias/);
    }
    acceleration.dispose();
  });

  it.each(['linear', 'relu'] as const)('passes on NaN, by %s, as tfjs does', async (activation) => {
    const { model, acceleration } = await accelerated(convolution(activation), runs);
    const output = (): Float32Array =>
      (model.predict(tf.fill([1, 4, 11, 8], Number.NaN)) as tf.Tensor).dataSync<'float32'>();
    const sparse = output();
    acceleration.dispose();
    const dense = output();
    expect(dense.every(Number.isNaN)).toBe(true);
    expect(sparse).toEqual(dense);
  });

  it.each([
    { a: [3, 512], b: [512, 512], y: [3, 512] },
    { a: [3, 512], b: [1, 512, 512], y: [1, 3, 512] },
    { a: [1, 3, 512], b: [512, 512], y: [1, 3, 512] },
    { a: [2, 2, 3, 512], b: [1, 512, 512], y: [2, 2, 3, 512] },
    { a: [0, 512], b: [512, 512], y: [0, 512] },
  ])('multiplies $a by $b', async ({ a, b, y }) => {
    const { kernel, acceleration } = await accelerated(matrix(), runs);
    const product = (): tf.Tensor => tf.matMul(tf.ones(a), kernel.reshape(b));
    const sparse = product();
    expect(sparse.shape).toEqual(y);
    acceleration.dispose();
    if (sparse.size > 0) expect(sparse.dataSync()).toEqual(product().dataSync());
  });
});
