import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerSparseKernels } from '../../../src/sparse/kernels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';

beforeAll(async () => {
  await useBackend('wasm');
  registerSparseKernels();
});

describe('a clone', () => {
  it('has the data of the tensor, and keeps it when that is disposed', () =>
    expectNoLeak(() => {
      const x = tf.tensor([1, 2, 3]);
      const { numDataBuffers } = tf.memory();
      const [first, second] = [x.clone(), x.clone()];
      expect(tf.memory().numDataBuffers).toBe(numDataBuffers);
      x.dispose();
      first.dispose();
      // Something else takes the memory if it has been freed.
      const other = tf.fill([3], 7);
      expect([...second.dataSync()]).toEqual([1, 2, 3]);
      tf.dispose([second, other]);
    }));

  it.each(['int32', 'bool', 'float32'] as const)('of %s has its shape, type and values', (dtype) => {
    tf.tidy(() => {
      const clone = tf.tensor2d([1, 0, 1, 1], [2, 2], dtype).clone();
      expect(clone.shape).toEqual([2, 2]);
      expect(clone.dtype).toBe(dtype);
      expect([...clone.dataSync()]).toEqual([1, 0, 1, 1]);
    });
  });

  it('of strings is still a copy', () => {
    tf.tidy(() => {
      expect(tf.tensor1d(['a', 'b']).clone().dataSync()).toEqual(['a', 'b']);
    });
  });

  it('of a variable has data of its own, since that of the variable may be written to', () => {
    const variable = tf.variable(tf.tensor([1, 2, 3]));
    const clone = tf.clone(variable);
    expect(clone.dataId).not.toBe(variable.dataId);
    expect([...clone.dataSync()]).toEqual([1, 2, 3]);
    tf.dispose([variable, clone]);
  });

  it('of a tensor of another backend is on wasm', async () => {
    await useBackend('cpu');
    const x = tf.tensor([4, 5]);
    await useBackend('wasm');
    const clone = x.clone();
    x.dispose();
    expect([...clone.dataSync()]).toEqual([4, 5]);
    clone.dispose();
  });
});

describe('a slice', () => {
  it('of all of a tensor has its data', () =>
    expectNoLeak(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const slices = [x.slice([0, 0], [2, 3]), x.slice([0, 0]), x.slice(0, 2)];
      for (const slice of slices) {
        expect(slice.dataId).toBe(x.dataId);
        expect(slice.shape).toEqual([2, 3]);
      }
      x.dispose();
      expect([...slices[0]!.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
      tf.dispose(slices);
    }));

  it('of a part has its own', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      expect([...x.slice([1, 0], [1, 3]).dataSync()]).toEqual([4, 5, 6]);
      expect([...x.slice([0, 1], [2, 2]).dataSync()]).toEqual([2, 3, 5, 6]);
      expect([...x.slice([0, 0], [2, 2]).dataSync()]).toEqual([1, 2, 4, 5]);
      expect([...x.slice([0, 0], [1, -1]).dataSync()]).toEqual([1, 2, 3]);
    });
  });

  it('of a variable, or of strings, is a copy', () => {
    const variable = tf.variable(tf.tensor([1, 2, 3]));
    const slice = variable.slice([0], [3]);
    expect(slice.dataId).not.toBe(variable.dataId);
    expect([...slice.dataSync()]).toEqual([1, 2, 3]);
    tf.dispose([variable, slice]);
    tf.tidy(() => {
      expect(tf.tensor1d(['a', 'b']).slice([0], [2]).dataSync()).toEqual(['a', 'b']);
    });
  });
});
