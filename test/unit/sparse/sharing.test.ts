import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runBatchNorm } from '../../../src/sparse/batch-norm';
import { sparseWeightOf } from '../../../src/sparse/sparse-weight';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));
afterEach(() => tf.disposeVariables());

function prunedDense(units = 512): tf.layers.Layer {
  const layer = tf.layers.dense({ inputShape: [512], units });
  layer.build([null, 512]);
  layer.setWeights(layer.getWeights().map(({ shape }) => tf.randomNormal(shape, 0, 1, 'float32', 1)));
  prune.l1Unstructured(layer, 'weight', 0.95);
  return layer;
}

const packedOf = (layer: tf.layers.Layer): unknown =>
  sparseWeightOf((layer.trainableWeights[0]!.read() as tf.Tensor).dataId);

function applied(layer: tf.layers.Layer): Float32Array {
  return tf.tidy(() =>
    (layer.apply(tf.randomNormal([3, 512], 0, 1, 'float32', 2)) as tf.Tensor).dataSync<'float32'>(),
  );
}

describe('a layer that two accelerations have packed', () => {
  it.each([
    [0, 1],
    [1, 0],
  ])('runs sparse until both are disposed, first number %i, then %i', async (first, second) => {
    const layer = prunedDense();
    const dense = applied(layer);
    const handles = [await accelerate(layer), await accelerate(layer)];
    handles[first]!.dispose();
    expect(packedOf(layer)).toBeDefined();
    expect(applied(layer)).toEqual(dense);
    handles[second]!.dispose();
    expect(packedOf(layer)).toBeUndefined();
    expect(applied(layer)).toEqual(dense);
  });

  it('may be packed by both at once', async () => {
    const layer = prunedDense();
    const dense = applied(layer);
    const handles = await Promise.all([accelerate(layer), accelerate(layer, { measure: true })]);
    expect(applied(layer)).toEqual(dense);
    for (const handle of handles) handle.dispose();
    expect(packedOf(layer)).toBeUndefined();
  });

  it('keeps the normaliser of a batch normalisation', async () => {
    const layer = tf.layers.batchNormalization({ inputShape: [5, 5, 4] });
    const model = tf.sequential({ layers: [layer] });
    const handles = [await accelerate(model), await accelerate(model)];
    handles[1]!.dispose();
    const values = layer.getWeights();
    const mean = layer.weights.find(({ originalName }) => /moving_mean/.test(originalName))!.read();
    const inputs = { x: tf.ones([1, 5, 5, 4]), mean, variance: values[3]! };
    const run = (): tf.TensorInfo | undefined =>
      runBatchNorm({ inputs, attrs: { varianceEpsilon: 0.001 }, backend: tf.backend() });
    expect(run()).toBeDefined();
    handles[0]!.dispose();
    expect(run()).toBeUndefined();
  });
});

describe('measuring', () => {
  it('leaves an earlier acceleration as it is, also where it is refused', async () => {
    const [layer, infinite] = [prunedDense(), tf.layers.dense({ units: 64, useBias: false })];
    const model = tf.sequential({ layers: [layer, infinite] });
    infinite.setWeights([tf.fill([512, 64], Infinity)]);
    const handle = await accelerate(layer);
    const packed = packedOf(layer);
    await expect(accelerate(model, { measure: true, strict: true })).rejects.toMatchObject({ kind: 'state' });
    expect(packedOf(layer)).toBe(packed);
    handle.dispose();
  });
});
