import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { applyPlan, planChannels, planFromMasks, planLayers } from 'tfjs-prune/structured';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBrowserBackend } from '../support/browser';
import { fillWeights } from '../support/layers';
import { expectNoLeak } from '../support/memory';

type Symbolic = tf.SymbolicTensor;

/** A stem, a residual block, and a head, for images of 8×8. */
function net(): tf.LayersModel {
  const inputs = tf.input({ shape: [8, 8, 3] });
  const conv = (name: string, filters: number): tf.layers.Layer =>
    tf.layers.conv2d({ name, filters, kernelSize: 3, activation: 'relu', kernelInitializer: 'zeros' });
  // A layer with one output that is applied to symbolic tensors gives one.
  const stem = conv('stem', 8).apply(inputs) as Symbolic;
  const inner = tf.layers.conv2d({ name: 'block.a', filters: 8, kernelSize: 1 }).apply(stem) as Symbolic;
  const sum = tf.layers.add({ name: 'block.add' }).apply([inner, stem]) as Symbolic;
  const last = conv('last', 6).apply(sum) as Symbolic;
  const flat = tf.layers.flatten().apply(last) as Symbolic;
  const model = tf.model({
    inputs,
    outputs: tf.layers.dense({ units: 2, name: 'head' }).apply(flat) as Symbolic,
  });
  fillWeights(model);
  return model;
}

const outputOf = (model: tf.LayersModel): Float32Array =>
  tf.tidy(() => {
    const x = tf.tensor(
      Float32Array.from({ length: 2 * 192 }, (_, i) => Math.sin(i)),
      [2, 8, 8, 3],
    );
    return (model.predict(x) as tf.Tensor).dataSync<'float32'>().slice();
  });

describe.each(['wasm', 'webgl'] as const)('on %s in a browser', (backend) => {
  beforeAll(() => useBrowserBackend(backend));
  afterAll(() => tf.disposeVariables());

  it('channels that nothing reads and those that masks have zeroed go without a change', async () => {
    const model = net();
    prune.lnStructured(model.getLayer('last'), 'weight', 2, 2, 'out');
    prune.lnStructured(model.getLayer('head'), 'weight', 16, 2, 'in');
    const plan = await expectNoLeak(async () => planFromMasks(model));
    expect(plan.groups.find(({ id }) => id === 'last')!.remove).toHaveLength(2);
    const { model: slim } = applyPlan(model, JSON.parse(JSON.stringify(plan)));
    expect(slim.countParams()).toBeLessThan(model.countParams());
    expect(outputOf(slim)).toBeAllClose(outputOf(model), { rtol: 1e-3, atol: 1e-3 });
  });

  it('plans of all kinds are made and applied, and their models run', async () => {
    const model = net();
    const plans = [
      await expectNoLeak(() => planChannels(model, { targetMacs: 0.5 })),
      await expectNoLeak(() => planChannels(model, { ratio: 0.5, importance: 'fpgm', global: true })),
      await expectNoLeak(() => planChannels(model, { targetLatencyMs: 10_000 })),
      await expectNoLeak(() => planLayers(model, { remove: ['block'] })),
    ];
    for (const plan of plans) {
      const { model: slim } = applyPlan(model, plan);
      expect([...outputOf(slim)].every(Number.isFinite)).toBe(true);
    }
  });
});
