import * as tf from '@tensorflow/tfjs';
import { applyPlan, planLayers } from 'tfjs-prune/structured';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { call } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const dense = (name: string, units = 4): tf.layers.Layer => tf.layers.dense({ units, name });

it('a block is not named as a layer, which may be a block by itself', async () => {
  const inputs = tf.input({ shape: [3] });
  const x = call(dense('stem'), inputs);
  const sum = call(tf.layers.add({ name: 'b.add' }), [call(dense('b.c'), call(dense('b'), x)), x]);
  const model = tf.model({ inputs, outputs: call(dense('head', 2), sum) });
  for (const [name, layers] of [
    ['b.add', ['stem', 'head']],
    ['b', ['stem', 'b.c', 'b.add', 'head']],
  ] as const) {
    const plan = await planLayers(model, { remove: [name] });
    expect(plan.blocks.map((block) => block.name)).toEqual(['b.add', 'b', 'b.c']);
    const { model: shorter } = applyPlan(model, JSON.parse(JSON.stringify(plan)));
    expect(shorter.layers.slice(1).map((layer) => layer.name)).toEqual(layers);
  }
});
