/** How many blocks go, and what is left of the multiply-accumulates. */
import * as tf from '@tensorflow/tfjs';
import { applyPlan, planLayers, summary } from 'tfjs-prune/structured';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { sealedLayers } from '../../../src/structured/plan-digest';
import { useBackend } from '../../support/backend';
import { call, type Symbolic } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const dense = (name: string, units = 4): tf.layers.Layer => tf.layers.dense({ units, name });
const sum = (name: string, of: Symbolic[]): Symbolic => call(tf.layers.add({ name }), of);

/** Two blocks of 16 + 16 MACs each after a stem of 16, 112 with a head of 32. */
function net(): tf.LayersModel {
  const inputs = tf.input({ shape: [4] });
  let x = call(dense('stem'), inputs);
  for (const name of ['a', 'b']) {
    x = sum(`${name}.add`, [x, call(dense(`${name}.2`), call(dense(`${name}.1`), x))]);
  }
  return tf.model({ inputs, outputs: call(dense('head', 8), x) });
}

it('a target is reached where just that share is left', async () => {
  const inputs = tf.input({ shape: [4] });
  const x = call(dense('stem'), inputs);
  const outputs = sum('a.add', [x, call(dense('a.1'), x)]);
  const plan = await planLayers(tf.model({ inputs, outputs }), { targetMacs: 0.5 });
  expect(plan.macs).toMatchObject({ before: 32, after: 16 });
});

it('a number of blocks below zero, and a share of zero or less, are refused', async () => {
  const model = net();
  await expect(planLayers(model, { count: -1 })).rejects.toMatchObject({
    ...{ kind: 'amount', given: -1, allowed: 'a whole number ≥ 0' },
  });
  for (const targetMacs of [0, -0.5]) {
    await expect(planLayers(model, { targetMacs })).rejects.toMatchObject({
      ...{ kind: 'amount', given: targetMacs, allowed: 'a number in (0, 1)' },
    });
  }
});

it('samples are refused where blocks are named', async () => {
  const refused = planLayers(net(), { remove: ['a'], samples: tf.zeros([1, 4]) });
  await expect(refused).rejects.toMatchObject({ kind: 'argument', allowed: 'remove alone' });
});

it('weights that are no finite numbers cannot be ranked', async () => {
  const model = net();
  tf.tidy(() => model.getLayer('b.1').setWeights([tf.fill([4, 4], Number.NaN), tf.zeros([4])]));
  await expect(planLayers(model, { count: 1 })).rejects.toMatchObject({
    ...{ kind: 'argument', allowed: 'finite numbers', message: expect.stringContaining("'b' is NaN") },
  });
});

it('what is left counts the layers of models within a block, and those whose names only begin alike', async () => {
  const inputs = tf.input({ shape: [4] });
  const x = call(dense('stem'), inputs);
  const given = tf.input({ shape: [4] });
  const within = tf.model({ inputs: given, outputs: call(dense('inner'), given), name: 'a.sub' });
  const a = sum('a.add', [x, call(dense('a.1'), call(within, x))]);
  const model = tf.model({ inputs, outputs: call(dense('head', 2), call(dense('a.10', 3), a)) });
  const plan = await planLayers(model, { remove: ['a'] });
  // The stem, a.10 and the head.
  expect(plan.macs).toMatchObject({ before: 16 + 16 + 16 + 12 + 6, after: 16 + 12 + 6 });
  expect(plan.blocks.find(({ name }) => name === 'a')!.macs).toBe(32);
  expect(summary(applyPlan(model, plan).model).macs).toBe(34);
});

it('a plan is refused that lacks a block of the model, or removes one that it has not', async () => {
  const model = net();
  const plan = await planLayers(model, { remove: ['a'] });
  const fewer = sealedLayers({ ...plan, blocks: plan.blocks.filter(({ name }) => name !== 'b') });
  expect(() => applyPlan(model, fewer)).toThrow("The plan has no block 'b'");
  const blocks = plan.blocks.map((block) => (block.name === 'a' ? { ...block, name: 'c' } : block));
  expect(() => applyPlan(model, sealedLayers({ ...plan, blocks }))).toThrow("The plan removes 'c'");
});
