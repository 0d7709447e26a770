import * as tf from '@tensorflow/tfjs';
import { applyPlan, type ChannelPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { expectEqualOutputs, outputsOf, randomize, savedAndLoaded } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

/** Unit 1 of `a` is a constant, which `b` reads after a batch normalisation. */
function zeroed(constant = 3): tf.LayersModel {
  const layers = [
    L.dense({ units: 3, name: 'a', inputShape: [2] }),
    L.batchNormalization({ name: 'bn' }),
    L.dense({ units: 4, name: 'b' }),
    L.dense({ units: 2, name: 'c' }),
  ];
  const model = randomize(tf.sequential({ layers }));
  const bias = tf.tensor1d([1, constant, 2]);
  tf.tidy(() => model.getLayer('a').setWeights([tf.tensor2d([1, 0, 2, 3, 0, 4], [2, 3]), bias]));
  return model;
}

/** Multiplies one value of a weight, the smallest change that changes anything. */
function change(model: tf.LayersModel, layer: string, weight: number, factor = 1 + 2 ** -20, at = 1): void {
  tf.tidy(() => {
    const weights = model.getLayer(layer).getWeights();
    const values = weights[weight]!.dataSync().slice();
    values[at]! *= factor;
    weights[weight] = tf.tensor(values, weights[weight]!.shape);
    model.getLayer(layer).setWeights(weights);
  });
}

describe('a plan whose biases take constants over', () => {
  it('is applied to the same weights, also saved and loaded, and also out of JSON', async () => {
    const model = zeroed();
    const plan: ChannelPlan = JSON.parse(JSON.stringify(planFromMasks(model)));
    expect(plan.shifts).toHaveLength(1);
    const loaded = await savedAndLoaded(model);
    expectEqualOutputs(outputsOf(applyPlan(loaded, plan).model), outputsOf(model));
  });

  const read: ReadonlyArray<[string, number, string]> = [
    ['a', 1, "'bias' of 'a'"],
    ['bn', 0, "'gamma' of 'bn'"],
    ['bn', 3, "'movingVariance' of 'bn'"],
    ['b', 0, "'kernel' of 'b'"],
  ];
  for (const [layer, weight, named] of read) {
    it(`is refused once ${named} has changed`, () => {
      const model = zeroed();
      const plan = planFromMasks(model);
      change(model, layer, weight);
      const names = new RegExp(`${named}, which has changed since. Plan anew`);
      expectNoLeak(() =>
        expect(() => applyPlan(model, plan)).toThrow(
          expect.objectContaining({ kind: 'state', message: expect.stringMatching(names) }),
        ),
      );
      const { model: slim } = applyPlan(model, planFromMasks(model));
      expectEqualOutputs(outputsOf(slim), outputsOf(model));
    });
  }

  it('is refused once a zero of the channel has changed', () => {
    const model = zeroed();
    const plan = planFromMasks(model);
    tf.tidy(() => model.getLayer('a').setWeights([tf.ones([2, 3]), tf.tensor1d([1, 3, 2])]));
    expect(() => applyPlan(model, plan)).toThrow(expect.objectContaining({ kind: 'state' }));
  });

  it('is refused once a weight has changed that a constant went through on its way', () => {
    const layers = [
      L.dense({ units: 3, name: 'a', inputShape: [4, 2] }),
      L.layerNormalization({ axis: 1, name: 'norm' }),
      L.prelu({ name: 'slopes' }),
      L.dense({ units: 3, name: 'b' }),
      L.flatten(),
      L.dense({ units: 2, name: 'c' }),
    ];
    const model = randomize(tf.sequential({ layers }));
    // Unit 1 of b reads nothing but unit 1 of a, which reads nothing.
    tf.tidy(() => {
      model.getLayer('a').setWeights([tf.tensor2d([1, 0, 2, 3, 0, 4], [2, 3]), tf.tensor1d([1, 3, 2])]);
      model
        .getLayer('b')
        .setWeights([tf.tensor2d([1, 0, 2, 0, 3, 0, 4, 0, 5], [3, 3]), tf.tensor1d([1, 2, 3])]);
    });
    const plan = planFromMasks(model);
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[1], [1], []]);
    const read: ReadonlyArray<readonly [string, number, number?]> = [
      ['a', 1],
      ['norm', 0],
      ['norm', 1],
      ['slopes', 0],
      ['b', 0, 4],
      ['b', 1],
      ['c', 0],
    ];
    for (const [layer, weight, at] of read) {
      change(model, layer, weight, 2, at);
      expect(() => applyPlan(model, plan), `${layer} ${weight}`).toThrow(
        expect.objectContaining({ kind: 'state' }),
      );
      change(model, layer, weight, 0.5, at);
    }
    expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
  });

  it('does not mind other weights: what a shift is added to, and what comes after', () => {
    const model = zeroed();
    const plan = planFromMasks(model);
    change(model, 'b', 1, 5);
    change(model, 'c', 0, 5);
    expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
  });

  it('names nothing where no bias takes anything over', () => {
    const model = zeroed(0);
    tf.tidy(() => {
      const statistics = [tf.ones([3]), tf.zeros([3]), tf.zeros([3]), tf.ones([3])];
      model.getLayer('bn').setWeights(statistics);
    });
    const plan = planFromMasks(model);
    expect(plan.shifts).toEqual([]);
    expect(plan.groups[0]!.remove).toEqual([1]);
  });
});
