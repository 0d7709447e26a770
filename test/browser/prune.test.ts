import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { beforeAll, describe, expect, it } from 'vitest';
import fixture from '../parity/fixtures/masks.json';
import { type BrowserBackend, useBrowserBackend } from '../support/browser';
import { expectNoLeak } from '../support/memory';

interface Step {
  readonly method: string;
  readonly amount?: { readonly fraction: number } | { readonly count: number };
  readonly dim?: number;
  readonly seed?: string;
  readonly masks: readonly string[];
}

interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

const RANDOM = ['by fraction', 'by count', 'three times', 'channels'].map((what) => `conv2d: random ${what}`);
// JSON has a type for every step's own fields; the generator of the fixtures defines the one named here.
const CASES = (fixture.cases as Case[]).filter(({ name }) => RANDOM.includes(name));

/** A mask as the fixtures hold it: torch's order, eight entries a byte, in hexadecimal digits. */
function packed(mask: ArrayLike<number>): string {
  const bytes = new Uint8Array(Math.ceil(mask.length / 8));
  for (let i = 0; i < mask.length; i++)
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | ((mask[i] ?? 0) << (7 - (i & 7)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function maskOf(layer: tf.layers.Layer): string {
  return tf.tidy(() => packed(prune.parameter(layer, 'weight_mask').dataSync()));
}

function build(): { model: tf.LayersModel; conv: tf.layers.Layer } {
  const conv = tf.layers.conv2d({ filters: 12, kernelSize: 3, strides: 2, activation: 'relu' });
  const input = tf.input({ shape: [9, 9, 6] });
  const pooled = tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(conv.apply(input));
  const output = tf.layers.dense({ units: 3, activation: 'softmax' }).apply(pooled);
  return { model: tf.model({ inputs: input, outputs: output as tf.SymbolicTensor }), conv };
}

describe.each<BrowserBackend>(['wasm', 'webgl'])('pruning in a browser on %s', (backend) => {
  beforeAll(async () => {
    await useBrowserBackend(backend);
    if (backend === 'wasm') registerTrainingKernels();
  });

  it('has all the cases of the fixtures', () => expect(CASES).toHaveLength(RANDOM.length));

  it.each(CASES)("gives PyTorch's mask: $name", ({ steps }) => {
    const { model, conv } = build();
    for (const { method, amount = { count: 0 }, dim = 0, seed = '', masks } of steps) {
      prune.manualSeed(BigInt(seed));
      if (method === 'random_structured') prune.randomStructured(conv, 'weight', amount, dim);
      else prune.randomUnstructured(conv, 'weight', amount);
      expect(maskOf(conv)).toBe(masks[0]);
    }
    model.dispose();
  });

  it.each(['sgd', 'adam'])('keeps pruned weights at zero through fit with %s', async (optimizer) => {
    const { model, conv } = build();
    model.compile({ optimizer, loss: 'categoricalCrossentropy' });
    const xs = tf.randomNormal([8, 9, 9, 6], 0, 1, 'float32', 3);
    const ys = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2, 0, 1], 'int32'), 3);
    prune.l1Unstructured(conv, 'weight', 0.5);
    const before = maskOf(conv);
    const weights = tf.tidy(() => prune.parameter(conv, 'weight').dataSync().slice());
    await model.fit(xs, ys, { epochs: 1, verbose: 0 });
    await expectNoLeak(() => model.fit(xs, ys, { epochs: 2, verbose: 0 }));
    const trained = tf.tidy(() => prune.parameter(conv, 'weight').dataSync().slice());
    expect(trained).not.toEqual(weights);
    expect(packed(Array.from(trained, (weight) => (weight === 0 ? 0 : 1)))).toBe(before);
    tf.dispose([xs, ys]);
    model.dispose();
  });

  it('saves the pruned model for stock tfjs', async () => {
    const { model, conv } = build();
    prune.lnStructured(conv, 'weight', 0.5, 2, 0);
    const x = tf.randomNormal([2, 9, 9, 6], 0, 1, 'float32', 5);
    const expected = tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync().slice());
    prune.remove(conv, 'weight');
    await model.save('indexeddb://pruned');
    const loaded = await tf.loadLayersModel('indexeddb://pruned');
    expect(tf.tidy(() => (loaded.predict(x) as tf.Tensor).dataSync().slice())).toEqual(expected);
    expect(prune.sparsity(loaded).zeros).toBe(6 * 6 * 9);
    await tf.io.removeModel('indexeddb://pruned');
    x.dispose();
    model.dispose();
    loaded.dispose();
  });
});
