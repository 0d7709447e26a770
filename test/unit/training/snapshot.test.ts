import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { restoreOptimizer, rewind, snapshot } from 'tfjs-prune/training';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { flat } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { bitsOf, smallData, smallModel } from './small-model';

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

  test('leave no tensor behind', () => {
    const model = smallModel();
    prune.l1Unstructured(model.layers[0]!, 'weight', 0.5);
    expectNoLeak(() => rewind(model, snapshot(model)));
    expectNoLeak(() => rewind(model, snapshot(model), { masks: 'snapshot' }));
  });
});
