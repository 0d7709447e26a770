import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { planChannels } from '../../../src/structured/plan-channels';
import { useBackend } from '../../support/backend';
import { call, randomize } from '../sparse/fold-models';
import { withClock } from './latency-clock';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** A layer that remembers, as tfjs keeps it. */
interface Remembering {
  getStates(): tf.Tensor[];
}

const L = tf.layers;

/** A convolution of a sequence, before layers that remember the last batch. */
function net(batch: number | null, stateful: boolean): tf.LayersModel {
  const inputs = tf.input({ batchShape: [batch, 5, 3] });
  const convolved = call(L.conv1d({ filters: 8, kernelSize: 2, name: 'a' }), inputs);
  const both = L.bidirectional({
    layer: L.gru({ units: 4, returnSequences: true, stateful }) as tf.RNN,
    mergeMode: 'concat',
    name: 'both',
  });
  const last = call(L.lstm({ units: 4, stateful, name: 'last' }), call(both, convolved));
  return randomize(tf.model({ inputs, outputs: call(L.dense({ units: 2, name: 'out' }), last) }));
}

/** What a model's layers remember. */
function remembered(model: tf.LayersModel): number[][] {
  const both = model.getLayer('both');
  const layers: object[] = [Reflect.get(both, 'forwardLayer'), Reflect.get(both, 'backwardLayer')];
  // Layers that remember have it.
  const remembering = [...layers, model.getLayer('last')] as unknown as Remembering[];
  return remembering.flatMap((layer) => layer.getStates()).map((state) => [...state.dataSync()]);
}

describe.each([
  [1, true],
  [4, true],
  [4, false],
  [null, false],
])('a latency of a model for batches of %o, which remembers the last one: %o', (fixed, stateful) => {
  it('is that of a batch, and nothing is remembered of what was timed', async () => {
    const model = net(fixed, stateful);
    const batch = fixed ?? 1;
    const samples = tf.randomNormal([batch, 5, 3], 0, 1, 'float32', 1);
    // States come to be in the first run.
    tf.dispose(model.predict(samples, { batchSize: batch }));
    const before = stateful ? remembered(model) : [];
    expect(before.flat().some((value) => value !== 0)).toBe(stateful);
    const latencies = new Map<string, number>();
    const predict = vi.spyOn(model, 'predict');
    // By the clock 3 channels in times 8 out.
    const plan = await withClock(() => planChannels(model, { targetLatencyMs: 12, latencies }));
    expect(plan.latency).toMatchObject({ before: 24, predicted: 12, measured: 12 });
    expect(plan.groups.find(({ id }) => id === 'a')!.remove).toHaveLength(4);
    expect([...latencies.keys()].filter((key) => key.includes(` Conv1D ${batch}×5×3 `))).not.toEqual([]);
    expect(predict.mock.calls.length).toBeGreaterThan(0);
    for (const [given] of predict.mock.calls) expect([given].flat()[0]!.shape[0]).toBe(batch);
    predict.mockRestore();
    if (stateful) expect(remembered(model)).toEqual(before);
    const refused = withClock(() => planChannels(model, { targetLatencyMs: 1, latencies }));
    await expect(refused).rejects.toMatchObject({ kind: 'amount', allowed: 'milliseconds ≥ 3.0' });
    if (stateful) expect(remembered(model)).toEqual(before);
    const { model: slim } = applyPlan(model, plan);
    expect((slim.predict(samples, { batchSize: batch }) as tf.Tensor).shape).toEqual([batch, 2]);
  });
});
