import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { fillWeights, flat } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

const optimisers: [string, () => tf.Optimizer][] = [
  ['SGD', () => tf.train.sgd(0.05)],
  ['momentum', () => tf.train.momentum(0.05, 0.9)],
  ['Nesterov momentum', () => tf.train.momentum(0.05, 0.9, true)],
  ['RMSProp', () => tf.train.rmsprop(0.01)],
  ['RMSProp with momentum', () => tf.train.rmsprop(0.01, 0.9, 0.9)],
  ['centered RMSProp', () => tf.train.rmsprop(0.01, 0.9, 0, 1e-8, true)],
  ['Adam', () => tf.train.adam(0.01)],
  ['Adamax', () => tf.train.adamax(0.01)],
  ['Adagrad', () => tf.train.adagrad(0.05)],
  ['Adadelta', () => tf.train.adadelta(0.5)],
];

function network(): { model: tf.Sequential; layers: tf.layers.Layer[] } {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 6, inputShape: [5], activation: 'tanh' }),
      tf.layers.dense({ units: 2 }),
    ],
  });
  fillWeights(model);
  return { model, layers: model.layers };
}

function pruneBoth([first, second]: tf.layers.Layer[]): void {
  prune.l1Unstructured(first!, 'weight', 0.5);
  prune.l1Unstructured(first!, 'bias', 2);
  prune.lnStructured(second!, 'weight', 2, 2, 'in');
}

const parameters = [
  [0, 'weight'],
  [0, 'bias'],
  [1, 'weight'],
] as const;

interface Values {
  readonly weight: number[];
  readonly orig: number[];
  readonly mask: number[];
}

function valuesOf(layers: tf.layers.Layer[]): Values[] {
  return parameters.map(([i, name]) => ({
    weight: flat(layers[i]!, name),
    orig: flat(layers[i]!, `${name}_orig`),
    mask: flat(layers[i]!, `${name}_mask`),
  }));
}

/**
 * Pruned entries are exactly zero and their originals untouched; others have moved (not all of them: what feeds a pruned
 * channel has no gradient).
 */
function expectNothingRevived(before: readonly Values[], layers: tf.layers.Layer[]): void {
  for (const [i, { weight, orig, mask }] of valuesOf(layers).entries()) {
    const old = before[i]!;
    expect(mask).toEqual(old.mask);
    const pruned = mask.flatMap((bit, at) => (bit === 0 ? [at] : []));
    expect(pruned).not.toHaveLength(0);
    for (const at of pruned) {
      expect(weight[at]).toBe(0);
      expect(orig[at]).toBe(old.orig[at]);
    }
    expect(weight.some((value, at) => mask[at] === 1 && value !== old.weight[at])).toBe(true);
  }
}

describe.each(['cpu', 'wasm'] as const)('no optimiser revives a weight (%s)', (backend) => {
  let x: tf.Tensor;
  let y: tf.Tensor;
  beforeAll(async () => {
    await useBackend(backend);
    x = tf.randomUniform([12, 5], -1, 1, 'float32', 1);
    y = tf.randomUniform([12, 2], -1, 1, 'float32', 2);
  });
  afterAll(() => useBackend('cpu'));

  const loss = (model: tf.LayersModel) => (): tf.Scalar =>
    tf.losses.meanSquaredError(y, model.apply(x) as tf.Tensor) as tf.Scalar;

  describe.each(optimisers)('%s', (_, make) => {
    it.each([0, 4])('by minimize, after %i steps before the pruning', (warm) => {
      const { model, layers } = network();
      const optimizer = make();
      for (let step = 0; step < warm; step++) optimizer.minimize(loss(model));
      pruneBoth(layers);
      const before = valuesOf(layers);
      optimizer.minimize(loss(model));
      expectNoLeak(() => {
        for (let step = 0; step < 4; step++) optimizer.minimize(loss(model));
      });
      expectNothingRevived(before, layers);
    });

    it('by compile and fit, compiled and trained before', async () => {
      const { model, layers } = network();
      model.compile({ optimizer: make(), loss: 'meanSquaredError' });
      await model.fit(x, y, { epochs: 2, batchSize: 6, verbose: 0 });
      pruneBoth(layers);
      const before = valuesOf(layers);
      await model.fit(x, y, { epochs: 3, batchSize: 6, verbose: 0 });
      expectNothingRevived(before, layers);
    });

    it('by applyGradients of a loop of one’s own', () => {
      const { model, layers } = network();
      const optimizer = make();
      pruneBoth(layers);
      const before = valuesOf(layers);
      for (let step = 0; step < 4; step++) {
        const { value, grads } = optimizer.computeGradients(loss(model));
        optimizer.applyGradients(grads);
        tf.dispose([value, grads]);
      }
      expectNothingRevived(before, layers);
    });
  });

  it('even gradients that were not masked do not', () => {
    for (const [, make] of optimisers) {
      const { model, layers } = network();
      pruneBoth(layers);
      const before = valuesOf(layers);
      const optimizer = make();
      const grads = Object.fromEntries(
        model.trainableWeights.map((weight) => [weight.name, tf.ones(weight.shape as number[])]),
      );
      for (let step = 0; step < 3; step++) optimizer.applyGradients(grads);
      expectNothingRevived(before, layers);
    }
  });
});
