import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { fillWeights, linear } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

// Every exported function, called once on a fresh and once on a pruned layer: none leaves a tensor behind.

interface Setting {
  readonly layer: tf.layers.Layer;
  readonly model: tf.Sequential;
}

function setting(pruned: boolean): Setting {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 4, inputShape: [6] }), tf.layers.dense({ units: 2 })],
  });
  fillWeights(model);
  const layer = model.layers[0]!;
  if (pruned) for (const name of ['weight', 'bias']) prune.l1Unstructured(layer, name, 1);
  return { layer, model };
}

const mask = tf.cast(tf.greater(tf.randomUniform([4, 6], 0, 1, 'float32', 7), 0.5), 'float32');
const importanceScores = tf.randomUniform([4, 6]);

function train(target: tf.layers.Layer): void {
  const optimizer = tf.train.sgd(0.1);
  optimizer.minimize(() => tf.sum(target.apply(tf.ones([1, 6])) as tf.Tensor));
  optimizer.dispose();
}

/** The functions, and how many tensors more there are after a call (what it returns). */
const functions: Record<string, [call: (on: Setting) => unknown, more?: number]> = {
  identity: [({ layer }) => prune.identity(layer, 'weight')],
  randomUnstructured: [({ layer }) => prune.randomUnstructured(layer, 'weight', 0.5)],
  l1Unstructured: [({ layer }) => prune.l1Unstructured(layer, 'kernel', 0.5)],
  'l1Unstructured with scores': [
    ({ layer }) => prune.l1Unstructured(layer, 'weight', 3, { importanceScores }),
  ],
  randomStructured: [({ layer }) => prune.randomStructured(layer, 'weight', 1, 1)],
  lnStructured: [({ layer }) => prune.lnStructured(layer, 'weight', 1, 2, 'out')],
  'lnStructured with scores': [
    ({ layer }) => prune.lnStructured(layer, 'weight', 1, Infinity, 'in', { importanceScores }),
  ],
  blockStructured: [({ layer }) => prune.blockStructured(layer, 'weight', 1, { size: 2 })],
  'blockStructured with scores': [
    ({ layer }) => prune.blockStructured(layer, 'weight', 1, { size: 2, n: 1, importanceScores }),
  ],
  globalBlockStructured: [({ model }) => prune.globalBlockStructured(prune.parameters(model), 0.5)],
  semiStructured: [({ layer }) => prune.semiStructured(layer, 'weight', 2, 4)],
  'semiStructured with scores': [
    ({ layer }) => prune.semiStructured(layer, 'weight', 2, 4, { importanceScores }),
  ],
  customFromMask: [({ layer }) => prune.customFromMask(layer, 'weight', mask)],
  'customFromMask of an array': [({ layer }) => prune.customFromMask(layer, 'bias', [0, 1, 1, 0])],
  globalUnstructured: [
    ({ model }) =>
      prune.globalUnstructured(prune.parameters(model), prune.RandomUnstructured, { amount: 0.5 }),
  ],
  'globalUnstructured with scores': [
    ({ layer }) =>
      prune.globalUnstructured([[layer, 'weight']], prune.L1Unstructured, {
        amount: 0.5,
        importanceScores: new Map([[layer, { weight: importanceScores }]]),
      }),
  ],
  isPruned: [({ model }) => prune.isPruned(model)],
  parameter: [({ layer }) => prune.parameter(layer, 'weight'), 1],
  'parameter in tfjs’s layout': [({ layer }) => prune.parameter(layer, 'kernel'), 1],
  parameters: [({ model }) => prune.parameters(model, { types: ['Dense'], names: ['weight', 'bias'] })],
  restoreMasks: [({ model }) => prune.restoreMasks(model)],
  sparsity: [({ model, layer }) => [prune.sparsity(model), prune.sparsity(layer, 'weight')]],
  methodOf: [({ layer }) => prune.methodOf(layer, 'weight')],
  manualSeed: [() => prune.manualSeed(1)],
  isPruneError: [() => prune.isPruneError(new Error('other'))],
  PruneError: [() => new prune.PruneError('state', 'message')],
  BasePruningMethod: [({ layer }) => prune.L1Unstructured.apply(layer, 'weight', 0.5)],
  PruningContainer: [() => new prune.PruningContainer(new prune.Identity(), new prune.L1Unstructured(1))],
  Identity: [({ layer }) => new prune.Identity().applyTo(layer, 'weight')],
  RandomUnstructured: [({ layer }) => new prune.RandomUnstructured(0.5).applyTo(layer, 'weight')],
  L1Unstructured: [({ layer }) => new prune.L1Unstructured(1).applyTo(layer, 'weight', { importanceScores })],
  RandomStructured: [({ layer }) => new prune.RandomStructured(1).applyTo(layer, 'weight')],
  LnStructured: [({ layer }) => new prune.LnStructured(1, 1, 0).applyTo(layer, 'weight')],
  BlockStructured: [({ layer }) => new prune.BlockStructured(1, { size: 2 }).applyTo(layer, 'weight')],
  SemiStructured: [({ layer }) => new prune.SemiStructured(1, 2).applyTo(layer, 'weight')],
  CustomFromMask: [({ layer }) => new prune.CustomFromMask(mask).applyTo(layer, 'weight')],
};

describe.each([false, true])('a call leaks nothing (on a layer pruned before: %s)', (pruned) => {
  it.each(Object.entries(functions))('%s', (_, [call, more = 0]) => {
    const on = setting(pruned);
    expectNoLeak(() => call(on), more);
    on.model.dispose();
  });
});

it.each([
  ['remove', prune.remove],
  ['revert', prune.revert],
])('%s leaks nothing, trained or not', (_, undo) => {
  for (const trained of [false, true]) {
    const { layer } = setting(true);
    expectNoLeak(() => {
      if (trained) train(layer);
      undo(layer, 'weight');
      undo(layer, 'bias');
    });
  }
});

it('every export that is called is in the table', () => {
  const called = new Set([...Object.keys(functions), 'remove', 'revert']);
  expect(Object.keys(prune).filter((name) => !called.has(name))).toEqual([]);
});

it.each<[string, () => prune.BasePruningMethod]>([
  ['Identity', () => new prune.Identity()],
  ['RandomUnstructured', () => new prune.RandomUnstructured(2)],
  ['L1Unstructured', () => new prune.L1Unstructured(2)],
  ['RandomStructured', () => new prune.RandomStructured(1, 0)],
  ['LnStructured', () => new prune.LnStructured(1, 2, 0)],
  ['BlockStructured', () => new prune.BlockStructured(1, { dim: 1 })],
  ['SemiStructured', () => new prune.SemiStructured(1, 2, { dim: 1 })],
  ['CustomFromMask', () => new prune.CustomFromMask([[0, 1, 1]])],
  ['PruningContainer', () => new prune.PruningContainer(new prune.LnStructured(1, 2, 0))],
])('prune and computeMask of %s leave what they return', (_, make) => {
  const t = tf.tensor2d([[1, 2, 3]]);
  const ones = tf.onesLike(t);
  const method = make();
  expectNoLeak(() => method.prune(t), 1);
  expectNoLeak(() => method.prune(t, ones, t), 1);
  expectNoLeak(() => tf.tidy(() => void method.computeMask(t, ones)));
});

it('a mask that was given stays with the caller', () => {
  const layer = linear([[1, 2, 3]]);
  const given = tf.tensor2d([[0, 1, 1]]);
  prune.customFromMask(layer, 'weight', given);
  expect(given.isDisposed).toBe(false);
  given.dispose();
  prune.l1Unstructured(layer, 'weight', 1);
  expect(prune.sparsity(layer, 'weight').zeros).toBe(2);
});

it('disposing of a pruned, trained model frees everything', () => {
  expectNoLeak(() => {
    const { model, layer } = setting(true);
    prune.l1Unstructured(layer, 'weight', 0.5);
    prune.lnStructured(layer, 'weight', 1, 2, 0);
    train(model);
    model.dispose();
  });
});
