import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { explain } from '../../../src/structured/explain';
import { type CallTime, stageAt, stagesOf } from '../../../src/structured/latency/prices';
import { planChannels } from '../../../src/structured/plan-channels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { randomize, weightBits } from '../sparse/fold-models';
import { withClock } from './latency-clock';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

describe('the way by prices', () => {
  const calls: CallTime[] = [
    { whole: 8, left: new Map([[0, [1, 1, 0.5, 0.25]]]) },
    { whole: 4, left: new Map([[1, [1, 0.75, 0.5]]]) },
  ];

  it('passes over what saves nothing, and takes the least importance for a millisecond first', () => {
    const ladders = [
      { counts: [0, 1, 2, 3], lost: [0, 1, 2, 5] },
      { counts: [0, 1, 2], lost: [0, 1, 3] },
    ];
    // Of the first group 2 for 4 ms by two rungs, then 3 for 2; of the second 1 for 1, then 2 for 1.
    expect(stagesOf(ladders, calls).map(({ rungs, time }) => [...rungs, time])).toEqual([
      [0, 0, 12],
      [2, 0, 8],
      [2, 1, 7],
      [3, 1, 5],
      [3, 2, 4],
    ]);
  });

  it('takes a layer of two groups to keep the product, so that what was saved is not saved again', () => {
    const ladder = { counts: [0, 1], lost: [0, 1] };
    const both: CallTime[] = [
      {
        whole: 8,
        left: new Map([
          [0, [1, 0.5]],
          [1, [1, 0.75]],
        ]),
      },
    ];
    const stages = stagesOf([ladder, ladder], both);
    expect(stages.map(({ time }) => time)).toEqual([8, 4, 3]);
    // Shares are of the 5 ms that can be saved.
    expect([0, 0.5, 0.8, 0.81, 1].map((share) => stageAt(stages, share).time)).toEqual([8, 4, 4, 3, 3]);
  });
});

describe('planChannels with a latency', () => {
  const net = (): tf.LayersModel =>
    randomize(
      tf.sequential({
        layers: [
          tf.layers.conv2d({ filters: 16, kernelSize: 3, inputShape: [16, 16, 3], name: 'a' }),
          tf.layers.batchNormalization(),
          tf.layers.conv2d({ filters: 16, kernelSize: 3, name: 'b', activation: 'relu' }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 2, name: 'out' }),
        ],
      }),
    );

  it('measures layers and models, tells both, and keeps the times of layers', async () => {
    const model = net();
    const latencies = new Map<string, number>();
    const bits = weightBits(model);
    // By the clock, 3 × 16 + 16 × 16 = 304 at first; with a channels of the one and b of the other 3a + ab.
    const plan = await withClock(() => planChannels(model, { targetLatencyMs: 304, latencies }));
    const all = { backend: 'cpu', before: 304, predictedBefore: 304 };
    expect(plan.latency).toEqual({ ...all, target: 304, predicted: 304, measured: 304 });
    expect(plan.macs!.after).toBe(plan.macs!.before);
    const less = await withClock(() => planChannels(model, { targetLatencyMs: 150, latencies }));
    const [a, b] = less.groups.map(({ channels, remove }) => channels - remove.length) as [number, number];
    const time = 3 * a + a * b;
    expect(less.latency).toEqual({ ...all, target: 150, predicted: time, measured: time });
    expect(time).toBeLessThanOrEqual(150);
    // With the same share of both, 10 of each are left, in 130 ms.
    expect(a * b).toBeGreaterThanOrEqual(100);
    expect([...latencies.keys()].every((key) => key.startsWith('cpu '))).toBe(true);
    expect([...latencies.values()]).toContain(48);
    expect(weightBits(model)).toEqual(bits);
    const { model: slim } = applyPlan(model, JSON.parse(JSON.stringify(less)));
    expect(slim.getLayer('b').getWeights()[0]!.shape).toEqual([3, 3, a, b]);
    const [before, after] = [304, time].map((each) => each.toFixed(1));
    expect(explain(less)).toContain(
      `on cpu ${before} → ${after} ms measured, ${after} predicted, for a target of 150; its layers one by one take ${before} ms`,
    );
    // One of each is left: 3 + 1.
    const planned = withClock(() => planChannels(model, { targetLatencyMs: 3, latencies }));
    await expect(planned).rejects.toMatchObject({ kind: 'amount', allowed: 'milliseconds ≥ 4.0' });
  });

  it('keeps more than the same share of all groups would in the same time', async () => {
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.conv2d({ filters: 16, kernelSize: 1, inputShape: [4, 4, 3] }),
          tf.layers.conv2d({ filters: 16, kernelSize: 1 }),
          tf.layers.conv2d({ filters: 64, kernelSize: 1 }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 2 }),
        ],
      }),
    );
    // All channels are as important as each other: 3a + ab + bc by the clock, 1328 at first.
    const importance = ({ channels }: { channels: number }): number[] => Array(channels).fill(1);
    const left = async (target: number, global: boolean): Promise<number[]> => {
      const planned = withClock(() => planChannels(model, { targetLatencyMs: target, importance, global }));
      return (await planned).groups.map(({ channels, remove }) => channels - remove.length);
    };
    const [a, b, c] = (await left(600, false)) as [number, number, number];
    expect(3 * a + a * b + b * c).toBeLessThanOrEqual(600);
    // The same share leaves 10 of 16 and 42 of 64 at most: 31 + 100 + 420, and 11, 11 and 44 are 638.
    expect(a * b * c).toBeGreaterThan(10 * 10 * 42);
    // What is cheap to keep is kept.
    expect(a).toBe(16);
    // A ranking of all groups already says which channels go: here those of the first group before all others.
    expect((await left(1200, true))[0]).toBeLessThan(16);
  });

  it('takes times of layers that are known', async () => {
    const model = net();
    const latencies = new Map<string, number>();
    await withClock(() => planChannels(model, { targetLatencyMs: 150, latencies }));
    const { size } = latencies;
    await withClock(() => planChannels(model, { targetLatencyMs: 150, latencies }));
    expect(latencies.size).toBe(size);
    // Also where they are not what would be measured.
    const other = new Map([...latencies].map(([key, time]) => [key, time + 1]));
    const given = new Map(other);
    await withClock(() => planChannels(model, { targetLatencyMs: 150, latencies: other }));
    for (const [key, time] of given) expect(other.get(key)).toBe(time);
  });

  it('tells what was predicted at the scale of the model, and what was measured, each for itself', async () => {
    const model = net();
    const latencies = new Map<string, number>();
    await withClock(() => planChannels(model, { targetLatencyMs: 150, latencies }));
    // Layers take twice as long by themselves, and one more where they are called on 3 channels.
    const wrong = new Map([...latencies].map(([key, time]) => [key, 2 * time + (/×3 /.test(key) ? 1 : 0)]));
    const { latency, groups } = await withClock(() =>
      planChannels(model, { targetLatencyMs: 150, latencies: wrong }),
    );
    const [a, b] = groups.map(({ channels, remove }) => channels - remove.length) as [number, number];
    const measured = 3 * a + a * b;
    const predictedBefore = 2 * 304 + 1;
    const predicted = ((2 * measured + 1) * 304) / predictedBefore;
    expect(latency).toMatchObject({ before: 304, predictedBefore, measured });
    expect(latency!.predicted).toBeCloseTo(predicted, 9);
    expect(Math.abs(latency!.predicted - measured)).toBeGreaterThan(0.1);
  });

  it('is refused where options do not fit or sizes are open', async () => {
    const cases: ReadonlyArray<readonly [object, string]> = [
      [{ targetLatencyMs: 0 }, 'amount'],
      [{ targetLatencyMs: '9' }, 'argument'],
      [{ targetLatencyMs: 9, ratio: 0.5 }, 'argument'],
      [{ targetLatencyMs: 9, latencies: {} }, 'argument'],
      [{ ratio: 0.5, latencies: new Map() }, 'argument'],
      [{ ratio: 0.5, inputShapes: [[8, 8, 3]] }, 'shape'],
      [{ ratio: 0.5, inputShapes: null }, 'argument'],
      [{ targetLatencyMs: 9, inputShapes: [[8, 8, 3]] }, 'shape'],
    ];
    const model = net();
    for (const [options, kind] of cases) {
      const planned = expectNoLeak(async () => planChannels(model, options));
      await expect(planned, JSON.stringify(options)).rejects.toMatchObject({ name: 'PruneError', kind });
    }
    const open = randomize(
      tf.sequential({
        layers: [
          tf.layers.conv2d({ filters: 8, kernelSize: 3, inputShape: [null, null, 3] }),
          tf.layers.globalAveragePooling2d({}),
          tf.layers.dense({ units: 2 }),
        ],
      }),
    );
    await expect(planChannels(open, { targetLatencyMs: 9 })).rejects.toMatchObject({ kind: 'shape' });
    const plan = await planChannels(open, { targetLatencyMs: 1e6, inputShapes: [[12, 12, 3]] });
    expect(plan.latency!.measured).toBeGreaterThan(0);
  });
});
