import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { planLayers } from '../../../src/structured/plan-layers';
import { summary } from '../../../src/structured/summary';
import { useBackend } from '../../support/backend';
import { call } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** stem (12 MACs) → o: x + o.2(y + o.i.1(y)) with y = o.1(x), 3 × 16 → head (8), 68 in all. */
function nested(): tf.LayersModel {
  const dense = (name: string, units = 4): tf.layers.Layer => tf.layers.dense({ units, name });
  const inputs = tf.input({ shape: [3] });
  const x = call(dense('stem'), inputs);
  const y = call(dense('o.1'), x);
  const inner = call(tf.layers.add({ name: 'o.i.add' }), [y, call(dense('o.i.1'), y)]);
  const outer = call(tf.layers.add({ name: 'o.add' }), [x, call(dense('o.2'), inner)]);
  return tf.model({ inputs, outputs: call(dense('head', 2), outer) });
}

it('a block goes in place of the less important ones within it, where they are not enough', async () => {
  const model = nested();
  const importance = ({ name }: { name: string }): number => (name === 'o' ? 2 : 1);
  // 52 are left without the inner one, 20 without the outer one.
  for (const [targetMacs, gone, left] of [[0.8, 'o.i', 52] as const, [0.4, 'o', 20] as const]) {
    const plan = await planLayers(model, { targetMacs, importance });
    expect(plan.blocks.filter(({ isRemoved }) => isRemoved).map(({ name }) => name)).toEqual([gone]);
    expect(plan.macs!.after).toBe(left);
    expect(summary(applyPlan(model, plan).model).macs).toBe(left);
  }
  const refused = planLayers(model, { targetMacs: 0.2, importance });
  // 20 / 68, rounded up: what is allowed must be accepted.
  await expect(refused).rejects.toMatchObject({ kind: 'amount', allowed: 'a share ≥ 0.295' });
  expect((await planLayers(model, { targetMacs: 0.295, importance })).macs!.after).toBe(20);
});
