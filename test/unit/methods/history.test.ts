import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it, vi } from 'vitest';
import { built, flat, linear, zeros } from '../../support/layers';

// What is remembered of the prunings of a parameter, however it was reached.

describe('the history of a parameter', () => {
  it('starts anew after remove and after revert', () => {
    for (const undo of [prune.remove, prune.revert]) {
      const layer = linear([[1, 2, 3, 4]]);
      prune.l1Unstructured(layer, 'weight', 1);
      prune.l1Unstructured(layer, 'weight', 1);
      expect(prune.methodOf(layer, 'weight')).toHaveLength(2);
      undo(layer, 'weight');
      expect(prune.methodOf(layer, 'weight')).toBeUndefined();
      prune.identity(layer, 'weight');
      expect(prune.methodOf(layer, 'weight')).toBeInstanceOf(prune.Identity);
    }
  });

  it('after remove holds the zeros as weights: they are the first to go', () => {
    const layer = linear([[1, 2, 3, 4]]);
    prune.remove(prune.l1Unstructured(layer, 'weight', 2), 'weight');
    prune.l1Unstructured(layer, 'weight', 3);
    expect(flat(layer, 'weight')).toEqual([0, 0, 0, 4]);
    expect(flat(layer, 'weight_orig')).toEqual([0, 0, 3, 4]);
  });

  it('is of that parameter alone, also when one instance has pruned several', () => {
    const layer = linear([[1, 2, 3]], [4]);
    const other = linear([[5, 6]], [7]);
    const method = new prune.L1Unstructured(1);
    method.applyTo(layer, 'weight');
    method.applyTo(other, 'bias');
    prune.l1Unstructured(layer, 'weight', 1);
    prune.identity(other, 'bias');
    expect(flat(layer, 'weight')).toEqual([0, 0, 3]);
    expect(prune.methodOf(layer, 'weight')).toHaveLength(2);
    expect(prune.methodOf(other, 'bias')).toHaveLength(2);
  });

  it('goes on whether a recurrent kernel is reached by the layer or by its cell', () => {
    const cell = tf.layers.lstmCell({ units: 3 });
    const layer = built(tf.layers.rnn({ cell }), [4, 2]);
    prune.l1Unstructured(cell, 'weight_ih', 5);
    expect(zeros(layer, 'weight_ih_l0')).toBe(5);
    prune.l1Unstructured(layer, 'weight_ih_l0', 5);
    expect(zeros(cell, 'kernel')).toBe(10);
    expect(prune.methodOf(cell, 'weight_ih')).toBe(prune.methodOf(layer, 'weight_ih_l0'));
    prune.revert(cell, 'weight_ih');
    expect(prune.isPruned(layer)).toBe(false);
  });

  it('goes on whether a weight is reached by a wrapper or by the layer inside', () => {
    const inner = tf.layers.dense({ units: 3 });
    const wrapper = built(tf.layers.timeDistributed({ layer: inner }), [4, 2]);
    prune.l1Unstructured(inner, 'weight', 2);
    prune.l1Unstructured(wrapper, 'kernel', 2);
    expect(zeros(inner, 'weight')).toBe(4);
    expect(prune.methodOf(wrapper, 'weight')).toHaveLength(2);
    expect(() =>
      prune.globalUnstructured(
        [
          [inner, 'weight'],
          [wrapper, 'weight'],
        ],
        prune.L1Unstructured,
        { amount: 1 },
      ),
    ).toThrow(/twice/);
  });

  it('keeps its names when a later pruning fails to be stored', () => {
    const cell = tf.layers.lstmCell({ units: 3 });
    const layer = built(tf.layers.rnn({ cell }), [4, 2]);
    const earlier = prune.L1Unstructured.apply(cell, 'weight_ih', 5);
    const kernel = cell.trainableWeights[0]!.read() as tf.Variable;
    const fail = (): never => {
      throw new Error('out of memory');
    };
    const later = new prune.L1Unstructured(5);
    later.tensorName = 'before';
    const tensor = vi.spyOn(tf.engine(), 'tidy').mockImplementation(fail);
    try {
      expect(() => later.applyTo(layer, 'weight_ih_l0')).toThrow(/out of memory/);
      expect(() =>
        prune.globalUnstructured([[layer, 'weight_ih_l0']], prune.L1Unstructured, { amount: 5 }),
      ).toThrow(/out of memory/);
    } finally {
      tensor.mockRestore();
    }
    expect(kernel.isDisposed).toBe(false);
    expect(earlier.tensorName).toBe('weight_ih');
    expect(later.tensorName).toBe('before');
  });
});
