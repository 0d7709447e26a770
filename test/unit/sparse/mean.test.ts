import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { registerSparseKernels } from '../../../src/sparse/kernels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { values } from '../../support/sparse-compare';

type Case = [shape: number[], axis: number | number[], keepDims?: boolean, dtype?: 'int32'];

const cases: Case[] = [
  [
    [1, 7, 7, 32],
    [1, 2],
  ],
  [[3, 5, 4, 8], [2, 1], true],
  [
    [2, 5, 4, 8],
    [-3, -2],
  ],
  [[2, 9, 16], 1],
  [[2, 3, 2, 2, 4], [1, 2, 3], true],
  // What is left to tfjs's kernel.
  [
    [2, 5, 4, 7],
    [1, 2],
  ],
  [[2, 5, 4, 8], [1]],
  [
    [2, 5, 4, 8],
    [0, 3],
  ],
  [
    [2, 5, 4, 8],
    [1, 2, 3],
  ],
  [[4, 8], [0]],
  [[2, 5, 4, 8], [1, 2], false, 'int32'],
];

interface Result {
  readonly shape: number[];
  readonly values: Float32Array;
}

function mean([shape, axis, keepDims = false, dtype]: Case): Result {
  return tf.tidy(() => {
    const size = shape.reduce((a, b) => a * b, 1);
    const floats = tf.tensor(values(size, 1, 1), shape);
    const x = dtype === 'int32' ? floats.mul(100).toInt() : floats;
    const result = tf.mean(x, axis, keepDims);
    return { shape: result.shape, values: result.dataSync<'float32'>() };
  });
}

it('a mean over the pixels of images equals tfjs’s to the bit, and others too', async () => {
  await useBackend('wasm');
  const expected = cases.map(mean);
  const stock = tf.getKernel('Mean', 'wasm').kernelFunc;
  registerSparseKernels();
  expect(tf.getKernel('Mean', 'wasm').kernelFunc).not.toBe(stock);
  expectNoLeak(() => expect(cases.map(mean)).toEqual(expected));
  // tfjs's own fails for no images.
  expect(
    mean([
      [0, 3, 3, 4],
      [1, 2],
    ]),
  ).toEqual({ shape: [0, 4], values: new Float32Array() });
});
