import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerSparseKernels } from '../../../src/sparse/kernels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';

beforeAll(async () => {
  await useBackend('wasm');
  registerSparseKernels();
});

describe('padding gives what the cpu gives', () => {
  const cases: [shape: number[], paddings: string, value: number, dtype?: tf.NumericDataType][] = [
    [[1, 5, 4, 3], '0+0 1+1 1+1 0+0', 0],
    [[3, 2, 7, 1], '0+0 0+2 3+0 0+0', -1.5],
    [[2, 3, 3, 2], '0+0 0+0 0+0 0+0', 9],
    [[2, 1, 1, 5], '0+0 4+1 0+3 0+0', 1],
    [[0, 3, 3, 2], '0+0 1+1 1+1 0+0', 1],
    [[2, 0, 3, 2], '0+0 1+1 1+1 0+0', 2],
    // What is left to tfjs's kernel.
    [[2, 3, 3, 2], '0+0 1+1 1+1 0+1', 2],
    [[2, 3, 3, 2], '1+0 1+1 1+1 0+0', 2],
    [[2, 3, 3], '0+0 1+1 1+1', 2],
    [[1, 2, 2, 2], '0+0 1+0 0+1 0+0', 2, 'int32'],
  ];

  it.each(cases)('%j, %s, %d', async (shape, paddings, value, dtype = 'float32') => {
    const size = shape.reduce((a, b) => a * b, 1);
    // A pair for each axis.
    const pairs = paddings.split(' ').map((pair) => pair.split('+').map(Number) as [number, number]);
    const pad = (): { shape: number[]; dtype: string; values: unknown } =>
      tf.tidy(() => {
        const x = tf.tensor(
          Array.from({ length: size }, (_, i) => i + 1),
          shape,
          dtype,
        );
        const padded = tf.pad(x, pairs, value);
        return { shape: padded.shape, dtype: padded.dtype, values: padded.dataSync() };
      });
    await useBackend('cpu');
    const expected = pad();
    await useBackend('wasm');
    await expectNoLeak(() => expect(pad()).toEqual(expected));
  });
});
