import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectEqualOutputs, outputsOf, randomize } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** Two dense layers; unit 1 of the first is a constant 2, which the second reads by [0, 3, 0, -1]. */
function modelOf(bias: readonly number[]): tf.LayersModel {
  const layers = [
    tf.layers.dense({ units: 3, name: 'a', inputShape: [2] }),
    tf.layers.dense({ units: 4, name: 'b' }),
    tf.layers.dense({ units: 2, name: 'c' }),
  ];
  const model = randomize(tf.sequential({ layers }));
  tf.tidy(() => {
    model.getLayer('a').setWeights([
      tf.tensor2d([
        [1, 0, 2],
        [3, 0, 4],
      ]),
      tf.tensor1d([1, 2, 3]),
    ]);
    model.getLayer('b').setWeights([
      tf.tensor2d([
        [1, 2, 3, 4],
        [0, 3, 0, -1],
        [5, 6, 7, 8],
      ]),
      tf.tensor1d([...bias]),
    ]);
  });
  return model;
}

const biasOf = (model: tf.LayersModel, name: 'bias' | 'bias_orig' | 'bias_mask'): number[] =>
  tf.tidy(() => [...prune.parameter(model.getLayer('b'), name).dataSync()]);

describe('a pruned bias that takes a constant over', () => {
  it('stays pruned but for the entries that now hold a constant, and keeps what its mask hides', () => {
    const model = modelOf([10, 20, 30, 40]);
    prune.customFromMask(model.getLayer('b'), 'bias', tf.tensor1d([0, 0, 1, 1]));
    const { model: slim } = applyPlan(model, planFromMasks(model));
    expect(slim.getLayer('a').outputShape).toEqual([null, 2]);
    expectEqualOutputs(outputsOf(slim), outputsOf(model));
    expect(biasOf(slim, 'bias')).toEqual([0, 6, 30, 38]);
    expect(biasOf(slim, 'bias_mask')).toEqual([0, 1, 1, 1]);
    // The mask hid 20, which was no part of the model; the 10 that it still hides comes back with it.
    expect(biasOf(slim, 'bias_orig')).toEqual([10, 6, 30, 38]);
    expect(biasOf(model, 'bias_orig')).toEqual([10, 20, 30, 40]);
  });

  it('stays pruned by the same method where its mask hides none of the entries', () => {
    const model = modelOf([10, 20, 1, 40]);
    prune.l1Unstructured(model.getLayer('b'), 'bias', 1);
    const { model: slim } = applyPlan(model, planFromMasks(model));
    expectEqualOutputs(outputsOf(slim), outputsOf(model));
    expect(biasOf(slim, 'bias_orig')).toEqual([10, 26, 1, 38]);
    expect(prune.methodOf(slim.getLayer('b'), 'bias')).toBeInstanceOf(prune.L1Unstructured);
  });

  it('is no longer pruned where all entries hold one', () => {
    const model = modelOf([10, 20, 30, 40]);
    prune.customFromMask(model.getLayer('b'), 'bias', tf.tensor1d([1, 0, 1, 0]));
    const { model: slim } = applyPlan(model, planFromMasks(model));
    expectEqualOutputs(outputsOf(slim), outputsOf(model));
    expect(prune.isPruned(slim.getLayer('b'))).toBe(false);
    expect([...slim.getLayer('b').getWeights()[1]!.dataSync()]).toEqual([10, 6, 30, -2]);
  });

  it('is masked in training as before, and learns where it holds a constant', async () => {
    const model = modelOf([10, 20, 30, 40]);
    prune.customFromMask(model.getLayer('b'), 'bias', tf.tensor1d([0, 0, 1, 1]));
    const { model: slim } = applyPlan(model, planFromMasks(model));
    slim.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
    await slim.fit(tf.ones([4, 2]), tf.zeros([4, 2]), { verbose: 0 });
    const [first, second] = biasOf(slim, 'bias');
    expect(first).toBe(0);
    expect(second).not.toBe(6);
  });
});
