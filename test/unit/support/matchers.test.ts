import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../../support/memory';

describe('toBeAllClose', () => {
  it('follows the rule of torch.allclose', () => {
    expect(1.00001).toBeAllClose(1, { rtol: 2e-5 });
    expect(1.00001).not.toBeAllClose(1, { rtol: 5e-6 });
    expect([0, 5e-9]).toBeAllClose([0, 0]);
    expect([0, 5e-8]).not.toBeAllClose([0, 0]);
  });

  it('compares typed arrays, nested lists and tensors', () => {
    expect(Float32Array.of(1, 2)).toBeAllClose([1, 2]);
    expect([[1], [Float64Array.of(2, 3)]]).toBeAllClose([[1], [[2, 3]]]);
    expect(tf.tensor2d([[1, 2]])).toBeAllClose([1, 2]);
    expect(tf.tensor2d([[1, 2]])).not.toBeAllClose(tf.tensor1d([1, 2]));
  });

  it('wants the same structure', () => {
    expect([1, 2]).not.toBeAllClose([1]);
    expect([[1]]).not.toBeAllClose([1]);
  });

  it('takes NaN for NaN and an infinity for itself only', () => {
    expect([Number.NaN, Infinity]).toBeAllClose([Number.NaN, Infinity]);
    expect(Infinity).not.toBeAllClose(-Infinity);
    expect(Infinity).not.toBeAllClose(1);
    expect(1).not.toBeAllClose(Infinity);
    expect(1).not.toBeAllClose(Number.NaN);
  });

  it('names the farthest number', () => {
    expect(() => expect([1, 2, 3]).toBeAllClose([1, 2.5, 3.1])).toThrow(/2 of 3 .* value\[1\]: 2 where 2\.5/);
  });
});

describe('expectNoLeak', () => {
  it('passes the result on', async () => {
    expect(expectNoLeak(() => 7)).toBe(7);
    expect(await expectNoLeak(async () => 7)).toBe(7);
  });

  it('counts tensors', async () => {
    const left: tf.Tensor[] = [];
    expect(() => expectNoLeak(() => left.push(tf.zeros([2])))).toThrow(/tensors left behind/);
    await expect(expectNoLeak(async () => left.push(tf.zeros([2])))).rejects.toThrow(/tensors left behind/);
    expectNoLeak(() => left.push(tf.zeros([2])), 1);
    expectNoLeak(() => tf.dispose(left.splice(0)), -3);
  });
});
