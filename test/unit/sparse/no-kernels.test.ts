import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));
afterEach(() => vi.restoreAllMocks());

it.each([
  {
    where: 'its kernels may not be compiled',
    prepare: () =>
      vi.spyOn(WebAssembly, 'instantiate').mockRejectedValue(new Error('disallowed by embedder')),
    reason: 'disallowed by embedder',
  },
  {
    where: 'there is no SIMD',
    prepare: () => vi.spyOn(WebAssembly, 'validate').mockReturnValue(false),
    reason: 'no WebAssembly SIMD',
  },
])('a model stays dense where $where, and says why', async ({ prepare, reason }) => {
  const layers = [tf.layers.dense({ inputShape: [64], units: 64 }), tf.layers.batchNormalization()];
  const model = tf.sequential({ layers });
  prune.l1Unstructured(layers[0]!, 'weight', 0.9);
  const x = tf.randomNormal([2, 64], 0, 1, 'float32', 1);
  const output = (): Float32Array => tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync<'float32'>());
  const dense = output();
  prepare();
  const acceleration = await accelerate(model);
  expect(acceleration).toMatchObject({
    bytes: 0,
    layers: [{ runs: 'dense', size: 4096, nonzeros: 410, reason: expect.stringContaining(reason) }],
  });
  expect(output()).toEqual(dense);
  acceleration.dispose();
  x.dispose();
  model.dispose();
});
