import * as tf from '@tensorflow/tfjs';
import { getThreadsCount, setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { accelerate } from 'tfjs-prune/sparse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerSparseKernels } from '../../src/sparse/kernels';
import { activeHeap, type Heap } from '../../src/wasm/heap';
import { type Kernels, kernelBytes, kernelsFor } from '../../src/wasm/kernels';
import { startTeam, type Team } from '../../src/wasm/team';
import { useBrowserBackend } from '../support/browser';
import { convolutionCases, isWrongInTfjs } from '../support/sparse-cases';
import { both, convolution, values } from '../support/sparse-compare';

let engine: { heap: Heap; kernels: Kernels };
let team: Team;

afterAll(() => team.free());

beforeAll(async () => {
  // tfjs takes at most half as many threads as there are cores.
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 });
  setThreadsCount(2);
  await useBrowserBackend('wasm');
  const heap = activeHeap()!;
  engine = { heap, kernels: await kernelsFor(heap) };
  team = await startTeam(heap, [kernelBytes(heap.memory!)], 3);
});

it('a cross-origin isolated page has threads and a memory that they share', () => {
  expect(window.crossOriginIsolated).toBe(true);
  expect(getThreadsCount()).toBe(2);
  expect(engine.heap.buffer).toBeInstanceOf(SharedArrayBuffer);
});

describe('in a shared memory, sparse convolutions equal dense ones of several threads to the bit', () => {
  beforeAll(registerSparseKernels);

  it.each(convolutionCases(40, 5).filter((c) => !isWrongInTfjs(c)))('$name', (c) => {
    tf.tidy(() => {
      const { filter, compute } = convolution(c);
      for (const threads of [engine, { ...engine, team }]) {
        const { dense, sparse, runs } = both(threads, filter, compute);
        expect(runs).toBeGreaterThan(0);
        // Adding 0 makes +0 of −0, which a sum that skips zeros may have in its place.
        expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
      }
    });
  });
});

describe('in a shared memory, threads share blocks of few rows by their output channels', () => {
  it.each([1, 2, 5, 40])('%i rows', (rows) => {
    tf.tidy(() => {
      const a = tf.tensor2d(values(rows * 70, 0.9, rows), [rows, 70]);
      const b = tf.tensor2d(values(70 * 176, 0.2, rows + 1), [70, 176]);
      const bias = tf.tensor1d(values(176, 1, rows + 2));
      const { dense, sparse, runs } = both({ ...engine, team }, b, () => tf.fused.matMul({ a, b, bias }));
      // Each of the two runs is several parts.
      expect(runs).toBeGreaterThan(2 * 4);
      expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
    });
  });
});

it('in a shared memory, an accelerated model gives the same as before', async () => {
  const layers = [
    tf.layers.zeroPadding2d({ inputShape: [12, 12, 16], padding: 1 }),
    tf.layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
    tf.layers.batchNormalization(),
    tf.layers.flatten(),
    tf.layers.dense({ units: 64 }),
  ];
  const model = tf.sequential({ layers });
  for (const [layer, name] of prune.parameters(model)) prune.l1Unstructured(layer, name, 0.9);
  const x = tf.randomNormal([2, 12, 12, 16], 0, 1, 'float32', 1);
  const output = (): tf.Tensor => model.predict(x) as tf.Tensor;
  const dense = output();
  const acceleration = await accelerate(model);
  expect(acceleration.layers.map(({ runs }) => runs)).not.toContain('dense');
  expect(acceleration.threads).toBe(2);
  const sparse = output();
  // The faster batch normalisation rounds once for each channel.
  expect(sparse).toBeAllClose(dense, { rtol: 1e-6, atol: 1e-6 });
  acceleration.dispose();
  tf.dispose([x, dense, sparse]);
  model.dispose();
});
