import * as tf from '@tensorflow/tfjs';
import { accelerate } from 'tfjs-prune/sparse';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));

/** A batch normalisation whose weights are drawn at random. */
function normalised(
  shape: number[],
  options: { scale: boolean; center: boolean; axis?: number },
): tf.LayersModel {
  const layer = tf.layers.batchNormalization({ ...options, inputShape: shape });
  const model = tf.sequential({ layers: [layer] });
  layer.setWeights(
    layer.getWeights().map((weight, i) => tf.randomUniform(weight.shape, 0.1, 3, 'float32', i + 1)),
  );
  return model;
}

const output = (model: tf.LayersModel, x: tf.Tensor): Float32Array =>
  tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync<'float32'>());

describe('the batch normalisation of an accelerated model', () => {
  const cases = [
    { shape: [5, 7, 1], scale: true, center: true },
    { shape: [5, 7, 3], scale: true, center: false },
    { shape: [4, 4, 8], scale: false, center: true },
    { shape: [3, 5, 19], scale: false, center: false },
    { shape: [37], scale: true, center: true },
    { shape: [9, 6], scale: true, center: true },
  ];
  it.each(cases)(
    'gives what tfjs gives: $shape, scale $scale, center $center',
    async ({ shape, ...options }) => {
      const model = normalised(shape, options);
      const x = tf.randomNormal([3, ...shape], 1, 4, 'float32', 7);
      const dense = output(model, x);
      const acceleration = await accelerate(model);
      expect(tf.tensor1d(output(model, x))).toBeAllClose(tf.tensor1d(dense), { rtol: 1e-6, atol: 1e-6 });
      acceleration.dispose();
      expect(output(model, x)).toEqual(dense);
      model.dispose();
    },
  );

  it('is not used for another axis than the last', async () => {
    const model = normalised([4, 4, 6], { scale: true, center: true, axis: 1 });
    const x = tf.randomNormal([2, 4, 4, 6], 0, 1, 'float32', 7);
    const dense = output(model, x);
    const acceleration = await accelerate(model);
    expect(output(model, x)).toEqual(dense);
    acceleration.dispose();
    model.dispose();
  });

  it('is used: something in the last places differs', async () => {
    const model = normalised([16, 16, 64], { scale: true, center: true });
    const x = tf.randomNormal([1, 16, 16, 64], 0, 1, 'float32', 7);
    const dense = output(model, x);
    const acceleration = await accelerate(model);
    expect(output(model, x)).not.toEqual(dense);
    acceleration.dispose();
    model.dispose();
  });

  it('follows what is set afterwards', async () => {
    const model = normalised([4, 4, 6], { scale: true, center: true });
    const x = tf.randomNormal([2, 4, 4, 6], 0, 1, 'float32', 7);
    const acceleration = await accelerate(model);
    model.layers[0]!.setWeights([1, 2, 3, 4].map((value) => tf.fill([6], value)));
    const accelerated = output(model, x);
    acceleration.dispose();
    expect(tf.tensor1d(accelerated)).toBeAllClose(tf.tensor1d(output(model, x)), { rtol: 1e-6, atol: 1e-6 });
    model.dispose();
  });
});
