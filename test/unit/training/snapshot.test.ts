import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import {
  type OptimizerState,
  optimizerState,
  restoreOptimizer,
  rewind,
  snapshot,
  type WeightValues,
} from 'tfjs-prune/training';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { flat } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { kindOf } from '../masks/kind-of';
import { bitsOf, smallData, smallModel } from './small-model';

function spoiltFirst(state: OptimizerState, change: object): unknown {
  return { ...state, variables: state.variables.map((each, i) => (i === 0 ? { ...each, ...change } : each)) };
}

describe.each(['cpu', 'wasm'] as const)('snapshot and rewind on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  async function train(model: tf.LayersModel): Promise<void> {
    const { xs, ys } = smallData();
    await model.fit(xs, ys, { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 });
  }

  test('initial weights come back where the mask is one, and behind it for revert', async () => {
    const model = smallModel();
    const hidden = model.layers[0]!;
    const initial = snapshot(model);
    const before = flat(hidden, 'weight');
    await train(model);
    prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.5 });
    const mask = flat(hidden, 'weight_mask');
    rewind(model, initial);
    expect(flat(hidden, 'weight_mask')).toEqual(mask);
    expect(flat(hidden, 'weight')).toEqual(before.map((value, i) => value * mask[i]! + 0));
    expect(flat(hidden, 'weight_orig')).toEqual(before);
    expect(prune.sparsity(model).zeros).toBe(88);
    for (const [layer, name] of prune.parameters(model)) prune.revert(layer, name);
    expect(bitsOf(model)).toEqual(bitsOf(smallModel()));
  });

  test("masks: 'snapshot' brings its masks, and takes away those made since", async () => {
    const model = smallModel();
    const hidden = model.layers[0]!;
    prune.l1Unstructured(hidden, 'weight', 0.25);
    const early = snapshot(model);
    const bits = bitsOf(model);
    prune.l1Unstructured(hidden, 'weight', 0.5);
    prune.l1Unstructured(model.layers[2]!, 'weight', 0.5);
    await train(model);
    rewind(model, early, { masks: 'snapshot' });
    expect(bitsOf(model)).toEqual(bits);
    expect(prune.isPruned(model.layers[2]!)).toBe(false);
    expect(flat(hidden, 'weight_mask').filter((kept) => kept === 0)).toHaveLength(32);
    const fresh = smallModel();
    rewind(fresh, early, { masks: 'snapshot' });
    expect(bitsOf(fresh)).toEqual(bits);
    expect(flat(fresh.layers[0]!, 'weight_orig')).toEqual(flat(hidden, 'weight_orig'));
  });

  test('is a copy: training does not change it, and rewinding twice is rewinding once', async () => {
    const model = smallModel();
    const initial = snapshot(model);
    const bits = bitsOf(model);
    for (let time = 0; time < 2; time++) {
      await train(model);
      expect(bitsOf(model)).not.toEqual(bits);
      rewind(model, initial);
      expect(bitsOf(model)).toEqual(bits);
    }
  });

  test('refuses another architecture with nothing changed', () => {
    const model = smallModel();
    const bits = bitsOf(model);
    const other = tf.sequential({ layers: [tf.layers.dense({ inputShape: [8], units: 16 })] });
    expect(() => rewind(model, snapshot(other))).toThrowError(/snapshot has 2 weights, but the model has 8/);
    const { weights } = snapshot(model);
    const wrong = { weights: weights.map((weight, i) => (i === 6 ? { ...weight, shape: [3, 16] } : weight)) };
    expect(() => rewind(model, wrong)).toThrowError(/'head.weight' has the shape \[16,3\]/);
    expect(() => rewind(model, { weights }, { masks: 'none' as never })).toThrowError(/masks must be/);
    expect(() => rewind(model, undefined as never)).toThrowError(/snapshot must be what snapshot\(\) gave/);
    expect(() => snapshot(tf.sequential())).toThrowError(/no weights/);
    const torn = { className: 'Adam' } as never;
    expect(() => restoreOptimizer(tf.train.adam(1), torn)).toThrowError(/what optimizerState\(\) gave/);
    expect(bitsOf(model)).toEqual(bits);
  });

  test.each<[string, (weight: WeightValues) => unknown]>([
    ['nothing', () => undefined],
    ['no name', ({ name: _, ...rest }) => rest],
    ['a shape that is none', (weight) => ({ ...weight, shape: 'all' })],
    ['values in a list', (weight) => ({ ...weight, values: [...weight.values] })],
    ['a mask too short', (weight) => ({ ...weight, mask: new Uint8Array(1) })],
    [
      'a mask of other numbers',
      (weight) => ({ ...weight, mask: new Uint8Array(weight.values.length).fill(2) }),
    ],
  ])('refuses a weight with %s, with nothing changed', (_, spoilt) => {
    const model = smallModel();
    const bits = bitsOf(model);
    const weights = snapshot(smallModel()).weights.map((weight, i) => (i === 6 ? spoilt(weight) : weight));
    expect(kindOf(() => rewind(model, { weights } as never, { masks: 'snapshot' }))).toBe('argument');
    expect(bitsOf(model)).toEqual(bits);
  });

  test.each<[string, (state: OptimizerState) => unknown]>([
    ['no count of steps', (state) => ({ ...state, iterations: -1 })],
    ['a variable that is none', (state) => ({ ...state, variables: [null] })],
    ['a variable of another class', (state) => spoiltFirst(state, { property: 'toString' })],
    ['another shape', (state) => spoiltFirst(state, { shape: [7] })],
    ['values in a list', (state) => spoiltFirst(state, { values: [1] })],
    ['an index below zero', (state) => spoiltFirst(state, { index: -1 })],
  ])('refuses the state of an optimizer with %s, with nothing forgotten', async (_, spoilt) => {
    const model = smallModel(tf.train.adam(0.01));
    await train(model);
    const state = optimizerState(model.optimizer);
    expect(state.variables.length).toBeGreaterThan(0);
    expect(kindOf(() => restoreOptimizer(model.optimizer, spoilt(state) as never))).toBe('argument');
    expect(optimizerState(model.optimizer)).toEqual(state);
  });

  test('leave no tensor behind', () => {
    const model = smallModel();
    prune.l1Unstructured(model.layers[0]!, 'weight', 0.5);
    expectNoLeak(() => rewind(model, snapshot(model)));
    expectNoLeak(() => rewind(model, snapshot(model), { masks: 'snapshot' }));
  });
});
