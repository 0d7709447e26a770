import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { accelerate } from 'tfjs-prune/sparse';
import { beforeAll, expect, it } from 'vitest';
import { useBrowserBackend } from '../support/browser';

beforeAll(() => useBrowserBackend('wasm'));

it('on a page that forbids compilation since, a model stays dense and says why', async () => {
  const layer = tf.layers.dense({ inputShape: [64], units: 64 });
  const model = tf.sequential({ layers: [layer] });
  prune.l1Unstructured(layer, 'weight', 0.9);
  const x = tf.randomNormal([2, 64], 0, 1, 'float32', 1);
  const output = (): Float32Array => tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync<'float32'>());
  const dense = output();
  const policy = document.createElement('meta');
  policy.httpEquiv = 'Content-Security-Policy';
  policy.content = "script-src 'self' 'unsafe-inline'";
  document.head.append(policy);
  const acceleration = await accelerate(model);
  expect(acceleration).toMatchObject({
    bytes: 0,
    layers: [{ runs: 'dense', reason: expect.stringContaining("'wasm-unsafe-eval'") }],
  });
  expect(output()).toEqual(dense);
  acceleration.dispose();
  x.dispose();
  model.dispose();
});
