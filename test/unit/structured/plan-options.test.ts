import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { explain } from '../../../src/structured/explain';
import { planChannels } from '../../../src/structured/plan-channels';
import { planLayers } from '../../../src/structured/plan-layers';
import { summary } from '../../../src/structured/summary';
import { useBackend } from '../../support/backend';
import { randomize } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** A hidden layer of some units between inputs and outputs. */
function hidden(units: number, name = 'hidden'): tf.LayersModel {
  return randomize(
    tf.sequential({
      layers: [tf.layers.dense({ units, name, inputShape: [2] }), tf.layers.dense({ units: 2, name: 'out' })],
    }),
  );
}

describe('maxRatio', () => {
  it.each([
    // ⌊3/2⌋, ⌊7/2⌋ and ⌊5 · 0.7⌋, none of which is rounded up.
    [3, 0.5, 1],
    [7, 0.5, 3],
    [5, 0.7, 3],
    // 0.29 × 100 is 28.999999999999996 in floating point, and 0.07 × 100 is 7.000000000000001.
    [100, 0.29, 29],
    [100, 0.07, 7],
    [4, 1, 3],
    [4, 0, 0],
  ])('is never exceeded: of %i channels at %d, %i go at the most', async (units, maxRatio, expected) => {
    for (const options of [{ ratio: 0.99 }, { ratio: 0.99, global: true }]) {
      const { groups } = await planChannels(hidden(units), { ...options, maxRatio });
      expect(groups[0]!.remove).toHaveLength(expected);
    }
  });
});

describe('what keeps channels that were asked for', () => {
  const keptOf = async (units: number, options: object): Promise<Array<[number, string]>> => {
    const plan = await planChannels(hidden(units), { ratio: 0.5, ...options });
    const { remove, kept } = plan.groups[0]!;
    expect(remove.length + kept.flatMap(({ channels }) => channels).length).toBeLessThanOrEqual(units);
    for (const { channels, reason } of kept)
      expect(explain(plan)).toContain(`${channels.length} stay: ${reason}`);
    return kept.map(({ channels, reason }) => [channels.length, reason]);
  };

  it('is named', async () => {
    expect(await keptOf(12, {})).toEqual([]);
    // 6 of 12 were to go; 8 are the least multiple of 8 that is no less than 6.
    expect(await keptOf(12, { roundTo: 8 })).toEqual([[2, 'what stays is a multiple of 8, or all']]);
    expect(await keptOf(6, { roundTo: 8 })).toEqual([[3, 'what stays is a multiple of 8, or all']]);
    expect(await keptOf(12, { maxRatio: 0.25 })).toEqual([[3, 'maxRatio is 0.25']]);
    expect(await keptOf(1, { ratio: 0.9 })).toEqual([[1, 'at least one channel of each group stays']]);
    // 12 were to go: one has to stay, 9 may go at the most, and 4 do.
    expect(await keptOf(12, { ratio: 0.99, maxRatio: 0.75, roundTo: 8 })).toEqual([
      [1, 'at least one channel of each group stays'],
      [2, 'maxRatio is 0.75'],
      [5, 'what stays is a multiple of 8, or all'],
    ]);
  });

  it('is named for a target where no more can go', async () => {
    const options = { ratio: undefined, targetMacs: 0.55, maxRatio: 0.5 };
    expect(await keptOf(10, options)).toEqual([
      [1, 'at least one channel of each group stays'],
      [4, 'maxRatio is 0.5'],
    ]);
    expect(await keptOf(10, { ...options, targetMacs: 0.9 })).toEqual([]);
  });
});

it('ratios for no layer are refused, but beside a ratio for all', async () => {
  await expect(planChannels(hidden(4), { ratios: {} })).rejects.toMatchObject({ kind: 'argument' });
  await expect(planChannels(hidden(4), { ratios: { hidden: 0.5 }, targetMacs: 0.5 })).rejects.toMatchObject({
    kind: 'argument',
  });
  const { groups } = await planChannels(hidden(4), { ratio: 0.5, ratios: {} });
  expect(groups[0]!.remove).toHaveLength(2);
});

it('ratios of layers whose channels all stay are refused, unless others go', async () => {
  await expect(planChannels(hidden(4), { ratios: { out: 0.5 } })).rejects.toMatchObject({
    kind: 'argument',
    message:
      "ratios names no layer with channels that can go: those of 'out' stay, since the model gives them. Name others.",
  });
  const { groups } = await planChannels(hidden(4), { ratios: { out: 0.5, hidden: 0.5 } });
  expect(groups.map(({ remove }) => remove.length)).toEqual([2, 0]);
  const byDefault = await planChannels(hidden(4), { ratio: 0.5, ratios: { out: 0.5 } });
  expect(byDefault.groups.map(({ remove }) => remove.length)).toEqual([2, 0]);
});

describe('names of layers', () => {
  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])('may be %s', async (name) => {
    const { groups } = await planChannels(hidden(4, name), { ratio: 0.5 });
    expect(groups.find(({ id }) => id === name)!.remove).toHaveLength(2);
    const most = await planChannels(hidden(4, name), { ratios: { [name]: 0.75 } });
    expect(most.groups.find(({ id }) => id === name)!.remove).toHaveLength(3);
    const none = await planChannels(hidden(4, name), { ratios: { out: 0 } });
    expect(none.groups.find(({ id }) => id === name)!.remove).toHaveLength(0);
  });
});

describe('models that leave sizes open', () => {
  const L = tf.layers;
  const open = (): tf.LayersModel =>
    randomize(
      tf.sequential({
        layers: [
          L.conv2d({ filters: 8, kernelSize: 3, padding: 'same', inputShape: [null, null, 3] }),
          L.conv2d({ filters: 8, kernelSize: 3, padding: 'same', name: 'same' }),
          L.conv2d({ filters: 16, kernelSize: 3 }),
          L.globalAveragePooling2d({}),
          L.dense({ units: 8 }),
          L.dense({ units: 3 }),
        ],
      }),
    );
  const inputShapes = [[10, 12, 3]];

  it('need inputShapes for a target, and then keep it', async () => {
    const model = open();
    await expect(planChannels(model, { targetMacs: 0.5 })).rejects.toMatchObject({ kind: 'shape' });
    await expect(planLayers(model, { targetMacs: 0.5 })).rejects.toMatchObject({ kind: 'shape' });
    const plan = await planChannels(model, { targetMacs: 0.5, inputShapes });
    expect(plan.macs!.before).toBe(summary(model, { inputShapes }).macs);
    expect(plan.macs!.after).toBeLessThanOrEqual(plan.macs!.before / 2);
    expect(summary(applyPlan(model, plan).model, { inputShapes }).macs).toBe(plan.macs!.after);
    const layers = await planLayers(model, { remove: ['same'], inputShapes });
    expect(summary(applyPlan(model, layers).model, { inputShapes }).macs).toBe(layers.macs!.after);
  });

  it('have MACs in the plan of a ratio only where shapes are given', async () => {
    const model = open();
    const plan = JSON.parse(JSON.stringify(await planChannels(model, { ratio: 0.5 })));
    expect(plan.macs).toBeNull();
    expect(explain(plan)).toContain('MACs are not known');
    const { model: slim } = applyPlan(model, plan);
    const sized = await planChannels(model, { ratio: 0.5, inputShapes });
    expect(sized.groups).toEqual(plan.groups);
    expect(sized.macs!.after).toBe(summary(slim, { inputShapes }).macs);
    await expect(planChannels(model, { ratio: 0.5, inputShapes: [[4, 4, 2]] })).rejects.toMatchObject({
      kind: 'shape',
    });
  });
});

/** A layer of a caller's own, whose multiplications nobody knows. */
class Twice extends tf.layers.Layer {
  static className = 'PlanOptionsTwice';
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.mul([inputs].flat()[0]!, 2);
  }
}

describe('layers that are not known', () => {
  it('are named where MACs are told', async () => {
    tf.serialization.registerClass(Twice);
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 4, inputShape: [3] }),
          new Twice({ name: 'twice' }),
          tf.layers.dense({ units: 6 }),
          tf.layers.dense({ units: 2 }),
        ],
      }),
    );
    for (const plan of [await planChannels(model, { ratio: 0.5 }), await planLayers(model, { count: 0 })]) {
      expect(plan.macs!.uncounted).toEqual(['twice']);
      expect(explain(plan)).toContain("without those of 'twice'");
    }
  });
});

describe('a latency', () => {
  it.each([
    [{ targetLatencyMs: Number.POSITIVE_INFINITY }, 'amount'],
    [{ targetLatencyMs: Number.NaN }, 'amount'],
    [{ targetLatencyMs: 9, latencies: new Map([['cpu Dense', Number.NaN]]) }, 'argument'],
    [{ targetLatencyMs: 9, latencies: new Map([['cpu Dense', -1]]) }, 'argument'],
    [{ targetLatencyMs: 9, latencies: new Map([['cpu Dense', '1']]) }, 'argument'],
  ])('is refused where numbers are none: %o', async (options, kind) => {
    // Some are what a caller in JavaScript may give.
    const planned = planChannels(hidden(4), options as { targetLatencyMs: number });
    await expect(planned).rejects.toMatchObject({ name: 'PruneError', kind });
  });
});
