import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { explain } from '../../../src/structured/explain';
import { type Probe, searchLatency } from '../../../src/structured/latency/search';
import { planChannels } from '../../../src/structured/plan-channels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { randomize, weightBits } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** A device on which layers take what a function of the share says, and the whole model a multiple of it. */
function device(layers: (share: number) => number, together: (share: number) => number): Probe<number> {
  return {
    predicted: async (share) => layers(share),
    measured: async (share) => layers(share) * together(share),
  };
}

const share = (x: number): number => x;

describe('the search for a latency', () => {
  it('removes as little as is enough, to a 64th, at the scale of the whole model', async () => {
    const found = await searchLatency(
      share,
      device(
        (x) => 10 - 8 * x,
        () => 0.5,
      ),
      3,
    );
    // (10 − 8x) / 2 ≤ 3 from x = 0.5.
    expect(found).toEqual({ removals: 0.5, before: 5, predicted: 3, measured: 3 });
    const steps = await searchLatency(
      share,
      device(
        (x) => 10 - Math.floor(8 * x),
        () => 1,
      ),
      7,
    );
    expect(steps.removals).toBe(3 / 8);
  });

  it('removes nothing from a model that is quick enough', async () => {
    const found = await searchLatency(
      share,
      device(
        () => 10,
        () => 1,
      ),
      10,
    );
    expect(found).toEqual({ removals: 0, before: 10, predicted: 10, measured: 10 });
  });

  it('removes more where a smaller model is slower than its layers promise', async () => {
    // What does not shrink with the layers: twice the promise when half is gone.
    const probe = device(
      (x) => 10 - 8 * x,
      (x) => (x === 0 ? 1 : 1.25),
    );
    const found = await searchLatency(share, probe, 5);
    expect(found.removals).toBe(0.75);
    expect(found.measured).toBe(5);
    expect(found.predicted).toBe(5);
  });

  it('removes less where a smaller model is quicker than its layers promise', async () => {
    const probe = device(
      (x) => 10 - 8 * x,
      (x) => (x === 0 ? 1 : 0.8),
    );
    // By the layers alone 0.625; (10 − 8x) × 0.8 ≤ 5 from x = 0.46875, 30 of 64.
    const found = await searchLatency(share, probe, 5);
    expect(found.removals).toBe(30 / 64);
    expect(found.measured).toBe(5);
  });

  it('goes on until the target is met, however wrong the predictions are', async () => {
    const probe: Probe<number> = {
      predicted: async (x) => 100 * (1 - x) ** 3,
      measured: async (x) => 100 * (1 - x ** 3),
    };
    for (const target of [90, 50, 10, 1e-3]) {
      const found = await searchLatency(share, probe, target);
      expect(found.measured).toBeLessThanOrEqual(target);
      // A 64th less would not do, or it is within 3 % of the target.
      const less = await probe.measured(found.removals - 1 / 64);
      expect(less > target || found.measured >= 0.97 * target).toBe(true);
    }
    const steps: Probe<number> = { ...probe, measured: async (x) => (x < 1 ? 100 : 60) };
    expect(await searchLatency(share, steps, 60)).toMatchObject({ removals: 1, measured: 60 });
    expect(await searchLatency(share, steps, 50)).toMatchObject({ removals: 1, measured: 60 });
  });

  it('measures the whole model again once it is warm', async () => {
    let runs = 0;
    const probe: Probe<number> = {
      predicted: async (x) => 10 - 8 * x,
      measured: async (x) => (runs++ === 0 ? 2 : 1) * (10 - 8 * x),
    };
    expect(await searchLatency(share, probe, 5)).toMatchObject({ before: 10, measured: 5 });
    runs = 0;
    const quick = { removals: 0, before: 10, predicted: 10, measured: 10 };
    expect(await searchLatency(share, probe, 12)).toEqual(quick);
  });

  it('says so where all that may go is not enough', async () => {
    const found = await searchLatency(
      share,
      device(
        (x) => 10 - 8 * x,
        () => 1,
      ),
      1,
    );
    expect(found.removals).toBe(1);
    expect(found.predicted).toBe(2);
  });
});

/** Runs on a clock that goes on by input times output channels of every convolution, and by nothing else. */
async function withClock<T>(body: () => Promise<T>): Promise<T> {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const kernels = ['Conv2D', 'FusedConv2D'].map((name) => tf.getKernel(name, 'cpu'));
  for (const kernel of kernels) {
    tf.unregisterKernel(kernel.kernelName, 'cpu');
    tf.registerKernel({
      ...kernel,
      kernelFunc: (call) => {
        const [, , channels, filters] = (call.inputs.filter as tf.Tensor).shape; // as tfjs names its weight
        now += channels! * filters!;
        return kernel.kernelFunc(call);
      },
    });
  }
  try {
    return await expectNoLeak(body);
  } finally {
    clock.mockRestore();
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, 'cpu');
      tf.registerKernel(kernel);
    }
  }
}

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
    expect(plan.latency).toEqual({ backend: 'cpu', target: 304, before: 304, predicted: 304, measured: 304 });
    expect(plan.macs!.after).toBe(plan.macs!.before);
    // 11 of each are 154; 10 are 130, and 9 are 108.
    const less = await withClock(() => planChannels(model, { targetLatencyMs: 150, latencies }));
    expect(less.groups.map(({ remove }) => remove.length)).toEqual([6, 6, 0]);
    expect(less.latency).toEqual({ backend: 'cpu', target: 150, before: 304, predicted: 130, measured: 130 });
    expect([...latencies.keys()].every((key) => key.startsWith('cpu '))).toBe(true);
    expect([...latencies.values()]).toContain(48);
    expect(weightBits(model)).toEqual(bits);
    const { model: slim } = applyPlan(model, JSON.parse(JSON.stringify(less)));
    expect(slim.getLayer('b').getWeights()[0]!.shape).toEqual([3, 3, 10, 10]);
    expect(explain(less)).toContain('on cpu 304.0 → 130.0 ms measured, 130.0 predicted, for a target of 150');
    // One of each is left: 3 + 1.
    const planned = withClock(() => planChannels(model, { targetLatencyMs: 3, latencies }));
    await expect(planned).rejects.toMatchObject({ kind: 'amount', allowed: 'milliseconds ≥ 4.0' });
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
