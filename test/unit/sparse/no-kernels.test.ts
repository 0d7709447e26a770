import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { accelerate } from 'tfjs-prune/sparse';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { useBackend } from '../../support/backend';

beforeAll(async () => {
  await useBackend('wasm');
  vi.spyOn(WebAssembly, 'instantiate').mockRejectedValue(new Error('disallowed by embedder'));
});
afterAll(() => vi.restoreAllMocks());

it('a model stays dense where its kernels may not be compiled, and says why', async () => {
  const layer = tf.layers.dense({ inputShape: [64], units: 64 });
  const model = tf.sequential({ layers: [layer] });
  prune.l1Unstructured(layer, 'weight', 0.9);
  const acceleration = await accelerate(model);
  expect(acceleration).toMatchObject({
    bytes: 0,
    layers: [
      { runs: 'dense', size: 4096, nonzeros: 410, reason: expect.stringContaining('disallowed by embedder') },
    ],
  });
  acceleration.dispose();
  model.dispose();
});
