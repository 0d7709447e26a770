import * as tf from '@tensorflow/tfjs';
import { accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { useBackend } from '../../support/backend';
import { sparseModel } from './sparse-model';

beforeAll(() => useBackend('wasm'));
afterEach(() => vi.restoreAllMocks());

it('an engine without relaxed SIMD gives the same to the bit where relaxed sums are allowed', async () => {
  const model = sparseModel();
  const x = tf.randomNormal([2, 31, 31, 8], 0, 1, 'float32', 3);
  const output = (): Float32Array => tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync<'float32'>());
  const dense = output();
  const exact = await accelerate(model);
  exact.dispose();
  // The exact kernels have been compiled by now.
  vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  const acceleration = await accelerate(model, { relaxed: true });
  expect(acceleration.layers.map(({ runs }) => runs)).not.toContain('dense');
  expect(output()).toEqual(dense);
  acceleration.dispose();
  x.dispose();
  model.dispose();
});
