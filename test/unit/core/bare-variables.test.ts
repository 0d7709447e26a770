import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { afterEach, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';

function net(): { w: tf.Variable } {
  return { w: tf.variable(tf.tensor1d([1, 2, 3, 4])) };
}

afterEach(() => useBackend('cpu'));

describe('a bare variable', () => {
  it('is found inside a gradient as well as outside', () => {
    const holder = prune.l1Unstructured(net(), 'w', 2);
    const { value, grads } = tf.variableGrads(() => {
      expect(prune.isPruned(holder)).toBe(true);
      expect(prune.sparsity(holder, 'w')).toEqual({ zeros: 2, size: 4, sparsity: 0.5 });
      return holder.w.square().sum().asScalar();
    });
    expect([...Object.values(grads)[0]!.dataSync()]).toEqual([0, 0, 6, 8]);
    tf.dispose([value, grads]);
  });

  it('that is replaced is no longer pruned, and its successor is not either', () => {
    const holder = net();
    const first = holder.w;
    prune.l1Unstructured(holder, 'w', 2);
    const second = tf.variable(tf.tensor1d([5, 6]));
    holder.w = second;
    expect(holder.w).toBe(second);
    expect(prune.isPruned(holder)).toBe(false);
    first.assign(tf.tensor1d([9, 9, 9, 9]));
    expect([...first.dataSync()]).toEqual([9, 9, 9, 9]);
    prune.l1Unstructured(holder, 'w', 1);
    expect([...second.dataSync()]).toEqual([0, 6]);
  });

  it('in an array is a parameter of the array', () => {
    const variables = [net().w, net().w];
    prune.l1Unstructured(variables, '1', 1);
    expect([...variables[0]!.dataSync(), ...variables[1]!.dataSync()]).toEqual([1, 2, 3, 4, 0, 2, 3, 4]);
  });

  it('that cannot take the mask keeps its values', () => {
    const holder = net();
    Object.defineProperty(holder.w, 'dispose', { value: holder.w.dispose, configurable: false });
    expect(() => prune.l1Unstructured(holder, 'w', 2)).toThrow();
    expect([...holder.w.dataSync()]).toEqual([1, 2, 3, 4]);
    expect(prune.isPruned(holder)).toBe(false);
    holder.w.assign(tf.tensor1d([5, 6, 7, 8]));
    expect([...holder.w.dataSync()]).toEqual([5, 6, 7, 8]);
  });
});

describe.each(['cpu', 'wasm'] as const)('variables of other types (%s)', (backend) => {
  it('are counted but not listed', async () => {
    await useBackend(backend);
    const flags = tf.variable(
      tf.tensor2d(
        [
          [1, 0],
          [0, 1],
        ],
        [2, 2],
        'bool',
      ),
    );
    const whole = tf.variable(tf.tensor2d([[0, 1, 2]], [1, 3], 'int32'));
    const kernel = tf.variable(tf.ones([2, 2]));
    const holder = { flags, whole, kernel };
    expect(prune.sparsity(holder, 'flags').zeros).toBe(2);
    expect(prune.sparsity(holder, 'whole').zeros).toBe(1);
    expect(prune.parameters(holder)).toEqual([[holder, 'kernel']]);
    expect(prune.restoreMasks(holder)).toEqual([]);
  });
});

describe('the filter of parameters', () => {
  it.each<unknown>([{ types: 'Conv2DTranspose' }, { names: 'weight' }, { types: [3] }, { names: null }])(
    'refuses %j',
    (filter) => {
      expect(() => prune.parameters(net(), filter as prune.ParameterFilter)).toThrow(
        /must be an array of names/,
      );
    },
  );
});

describe('a parameter as a tensor', () => {
  it.each(['kernel', 'weight'])('is a copy that no gradient flows through: %s', (name) => {
    const layer = tf.layers.dense({ units: 2 });
    layer.build([null, 3]);
    const before = prune.parameter(layer, name);
    expect(() => tf.variableGrads(() => prune.parameter(layer, name).square().sum().asScalar())).toThrow(
      /connection/,
    );
    layer.weights[0]!.write(tf.zeros([3, 2]));
    expect([...before.dataSync()].some((value) => value !== 0)).toBe(true);
    before.dispose();
  });
});
