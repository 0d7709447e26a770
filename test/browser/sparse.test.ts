import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { accelerate, foldBatchNorm, optimizeForInference } from 'tfjs-prune/sparse';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerSparseKernels } from '../../src/sparse/kernels';
import { activeHeap, type Heap } from '../../src/wasm/heap';
import { type Kernels, kernelsFor } from '../../src/wasm/kernels';
import { relaxedKernelsFor } from '../../src/wasm/relaxed-kernels';
import { useBrowserBackend } from '../support/browser';
import { convolutionCases, isWrongInTfjs } from '../support/sparse-cases';
import { both, convolution } from '../support/sparse-compare';

let engine: { heap: Heap; kernels: Kernels };

beforeAll(async () => {
  await useBrowserBackend('wasm');
  const heap = activeHeap()!;
  engine = { heap, kernels: await kernelsFor(heap) };
  registerSparseKernels();
});

describe('in a browser, sparse convolutions equal dense ones to the bit', () => {
  it.each(convolutionCases(80, 3).filter((c) => !isWrongInTfjs(c)))('$name', (c) => {
    tf.tidy(() => {
      const { filter, compute } = convolution(c);
      const { dense, sparse, runs } = both(engine, filter, compute);
      expect(runs).toBeGreaterThan(0);
      expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
    });
  });
});

describe('in a browser, sparse convolutions whose sums are relaxed are close to dense ones', () => {
  it.each(convolutionCases(40, 4).filter((c) => !isWrongInTfjs(c)))('$name', async (c) => {
    const relaxed = await relaxedKernelsFor(engine.heap);
    // Every Chromium since version 114 has them.
    expect(relaxed).toBeDefined();
    tf.tidy(() => {
      const { filter, compute } = convolution(c);
      const kernels = { ...engine.kernels, ...relaxed };
      const { dense, sparse, runs } = both({ ...engine, kernels }, filter, compute);
      expect(runs).toBeGreaterThan(0);
      expect(tf.tensor1d(sparse)).toBeAllClose(tf.tensor1d(dense), { rtol: 1e-5, atol: 1e-5 });
    });
  });
});

it('in a browser, an accelerated model gives the same as before', async () => {
  const layers = [
    tf.layers.conv2d({ inputShape: [12, 12, 16], filters: 32, kernelSize: 3, activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 64 }),
  ];
  const model = tf.sequential({ layers });
  for (const [layer, name] of prune.parameters(model)) prune.l1Unstructured(layer, name, 0.9);
  const x = tf.randomNormal([2, 12, 12, 16], 0, 1, 'float32', 1);
  const output = (): Float32Array =>
    tf.tidy(() => (model.predict(x) as tf.Tensor).add(0).dataSync<'float32'>());
  const dense = output();
  const acceleration = await accelerate(model);
  expect(acceleration.layers.every(({ runs }) => runs !== 'dense')).toBe(true);
  expect(output()).toEqual(dense);
  acceleration.dispose();
  const relaxed = await accelerate(model, { relaxed: true });
  expect(tf.tensor1d(output())).toBeAllClose(tf.tensor1d(dense), { rtol: 1e-5, atol: 1e-5 });
  relaxed.dispose();
  x.dispose();
  model.dispose();
});

describe('in a browser, a model with its normalisations folded', () => {
  function normalised(): tf.LayersModel {
    const layers = [
      tf.layers.conv2d({ inputShape: [32, 32, 8], filters: 64, kernelSize: 3, strides: 2 }),
      tf.layers.batchNormalization(),
      tf.layers.activation({ activation: 'relu' }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 8 }),
      tf.layers.batchNormalization(),
    ];
    const model = tf.sequential({ layers });
    for (const layer of layers) {
      layer.setWeights(
        layer.getWeights().map(({ shape }, i) => tf.randomUniform(shape, 0.2, 2, 'float32', i)),
      );
    }
    prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
    return model;
  }

  it.each(['wasm', 'webgl'] as const)('gives the same on %s', async (backend) => {
    await useBrowserBackend(backend);
    const model = normalised();
    const x = tf.randomNormal([2, 32, 32, 8], 0, 1, 'float32', 1);
    const folded = foldBatchNorm(model);
    expect(folded.layers.map((layer) => layer.getClassName())).not.toContain('BatchNormalization');
    const [expected, actual] = [model, folded].map((each) => each.predict(x) as tf.Tensor);
    // webgl adds up in another order, and on some devices in 16 bits.
    const tolerance = backend === 'wasm' ? 1e-5 : 1e-3;
    expect(actual!).toBeAllClose(expected!, { rtol: tolerance, atol: tolerance });
    tf.dispose([x, expected!, actual!]);
    folded.dispose();
    model.dispose();
  });

  it('runs sparse too', async () => {
    await useBrowserBackend('wasm');
    const model = normalised();
    const x = tf.randomNormal([2, 32, 32, 8], 0, 1, 'float32', 1);
    const { model: fast, handle } = await optimizeForInference(model);
    // A dense layer with as many zeros as these is quicker dense.
    expect(handle.layers.map(({ runs }) => runs)).toEqual(['values', 'dense']);
    const [expected, actual] = [model, fast].map((each) => each.predict(x) as tf.Tensor);
    expect(actual!).toBeAllClose(expected!, { rtol: 1e-5, atol: 1e-5 });
    tf.dispose([x, expected!, actual!]);
    handle.dispose();
    fast.dispose();
    model.dispose();
  });
});
