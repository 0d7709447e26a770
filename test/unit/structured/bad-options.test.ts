import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import type { ChannelPlan } from '../../../src/structured/plan';
import { planChannels } from '../../../src/structured/plan-channels';
import { planFromMasks } from '../../../src/structured/plan-from-masks';
import { planLayers } from '../../../src/structured/plan-layers';
import { summary } from '../../../src/structured/summary';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, randomize, weightBits } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** a (6), and with a residual block b of one layer. */
function net(): tf.LayersModel {
  const inputs = tf.input({ shape: [4] });
  const a = call(tf.layers.dense({ units: 6, name: 'a' }), inputs);
  const b = call(tf.layers.dense({ units: 6, name: 'b' }), a);
  const sum = call(tf.layers.add({ name: 'b.add' }), [a, b]);
  return randomize(tf.model({ inputs, outputs: call(tf.layers.dense({ units: 2, name: 'out' }), sum) }));
}

// What a caller in JavaScript may give for anything.
const nonsense: readonly unknown[] = [
  ...[Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5, 2 ** 60, 0n],
  ...['0.5', '', null, true, [], {}, [null], [Number.NaN], new Map([[1, 1]]), () => Number.NaN, Symbol('s')],
];

/** What of it is fine for an option. */
type Fine = ReadonlyArray<(value: unknown) => boolean>;

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) || typeof value === 'bigint';

type Plan = (model: tf.LayersModel, options: object) => unknown;

const channels: Plan = async (model, options) => planChannels(model, options);
const layers: Plan = async (model, options) => planLayers(model, options);
const masks: Plan = async (model, options) => planFromMasks(model, options);
const counts: Plan = async (model, options) => summary(model, options);

const cases: ReadonlyArray<readonly [what: string, option: string, Plan, base: object, Fine]> = [
  ['planChannels', 'ratio', channels, {}, []],
  ['planChannels', 'ratios', channels, {}, []],
  ['planChannels', 'targetMacs', channels, {}, []],
  ['planChannels', 'targetLatencyMs', channels, {}, [(value) => value === 1.5 || value === 2 ** 60]],
  ['planChannels', 'latencies', channels, { targetLatencyMs: 1e9 }, []],
  ['planChannels', 'importance', channels, { ratio: 0.5 }, []],
  ['planChannels', 'global', channels, { ratio: 0.5 }, [(value) => value === true]],
  ['planChannels', 'normalize', channels, { ratio: 0.5, global: true }, []],
  ['planChannels', 'roundTo', channels, { ratio: 0.5 }, []],
  ['planChannels', 'maxRatio', channels, { ratio: 0.5 }, []],
  ['planChannels', 'ignore', channels, { ratio: 0.5 }, [isEmpty]],
  ['planChannels', 'samples', channels, { ratio: 0.5, importance: 'activation' }, []],
  ['planChannels', 'loss', channels, { ratio: 0.5, importance: 'taylor' }, []],
  ['planChannels', 'seed', channels, { ratio: 0.5, importance: 'random' }, [isWhole]],
  ['planChannels', 'inputShapes', channels, { ratio: 0.5 }, []],
  ['planChannels', 'inexact', channels, { ratio: 0.5 }, [(value) => value === true]],
  ['planLayers', 'remove', layers, {}, [isEmpty]],
  ['planLayers', 'count', layers, {}, []],
  ['planLayers', 'targetMacs', layers, {}, []],
  ['planLayers', 'importance', layers, { count: 1 }, []],
  ['planLayers', 'samples', layers, { count: 1, importance: 'influence' }, []],
  ['planLayers', 'ignore', layers, { count: 1 }, [isEmpty]],
  ['planLayers', 'inputShapes', layers, { count: 1 }, []],
  ['planFromMasks', 'inexact', masks, {}, [(value) => value === true]],
  ['planFromMasks', 'inputShapes', masks, {}, []],
  ['summary', 'inputShapes', counts, {}, []],
];

describe('options that are nonsense are refused, with nothing changed or left behind:', () => {
  it.each(cases)('%s, %s', async (_what, option, plan, base, fine) => {
    const model = net();
    const bits = weightBits(model);
    for (const value of nonsense) {
      if (fine.some((isFine) => isFine(value))) continue;
      const planned = expectNoLeak(async () => plan(model, { ...base, [option]: value }));
      await expect(planned, `${option}: ${String(value)}`).rejects.toMatchObject({ name: 'PruneError' });
    }
    expect(weightBits(model)).toEqual(bits);
  });

  it.each([
    ['planChannels', channels],
    ['planLayers', layers],
    ['planFromMasks', masks],
    ['summary', counts],
  ] as const)('the options of %s, and its model', async (_name, plan) => {
    const model = net();
    for (const value of nonsense) {
      const isNone = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
      // No options at all.
      if (!isNone || Array.isArray(value) || value instanceof Map) {
        const planned = expectNoLeak(async () => plan(model, value as object));
        await expect(planned, String(value)).rejects.toMatchObject({ name: 'PruneError' });
      }
      const options =
        plan === masks || plan === counts ? {} : plan === layers ? { count: 1 } : { ratio: 0.5 };
      const planned = expectNoLeak(async () => plan(value as tf.LayersModel, options));
      await expect(planned, String(value)).rejects.toMatchObject({ name: 'PruneError', kind: 'argument' });
    }
  });

  it('scores and numbers inside options', async () => {
    const model = net();
    const isScore = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
    for (const value of nonsense) {
      const share = { ratios: { a: value } };
      await expect(channels(model, share), String(value)).rejects.toMatchObject({ name: 'PruneError' });
      const shapes = { ratio: 0.5, inputShapes: [[value]] };
      await expect(channels(model, shapes)).rejects.toMatchObject({ kind: 'shape' });
      await expect(layers(model, { count: 1, inputShapes: [[value]] })).rejects.toMatchObject({
        kind: 'shape',
      });
      const times = { targetLatencyMs: 1e9, latencies: new Map([['cpu Dense', value]]) };
      const isTime = typeof value === 'number' && value >= 0 && Number.isFinite(value);
      if (!isTime) await expect(channels(model, times)).rejects.toMatchObject({ kind: 'argument' });
      if (isScore(value)) continue;
      const importance = ({ channels: size }: { channels: number }): unknown[] => Array(size).fill(value);
      await expect(channels(model, { ratio: 0.5, importance })).rejects.toMatchObject({ kind: 'argument' });
      // Blocks may be more important than any number, or less.
      if (typeof value === 'number' && !Number.isNaN(value)) continue;
      await expect(layers(model, { count: 1, importance: () => value })).rejects.toMatchObject({
        kind: 'argument',
      });
    }
    await expect(channels(model, { ratios: { a: undefined } })).rejects.toMatchObject({ kind: 'argument' });
  });
});

describe('a plan for which nothing can go is refused,', () => {
  /** As {@link net}, but what a (6) gives is normalised. */
  const mixed = (): tf.LayersModel => {
    const inputs = tf.input({ shape: [4] });
    const a = call(tf.layers.dense({ units: 6, name: 'a' }), inputs);
    const outputs = call(
      tf.layers.dense({ units: 2, name: 'out' }),
      call(tf.layers.layerNormalization({ name: 'norm' }), a),
    );
    return randomize(tf.model({ inputs, outputs }));
  };
  const nothing = (message: string): object => ({
    name: 'PruneError',
    kind: 'argument',
    message: expect.stringContaining(message),
  });

  it.each([{ ratio: 0.5 }, { targetMacs: 0.5 }, { targetLatencyMs: 1e9 }, { ratio: 0.5, global: true }])(
    'where all that could go is ignored: %o',
    async (share) => {
      const ignoring = planChannels(net(), { ...share, ignore: ['a', 'out'] });
      await expect(ignoring).rejects.toMatchObject(nothing("has channels that can go: 'a' is ignored."));
    },
  );

  it('whether or not inexact is true', async () => {
    await expect(planChannels(mixed(), { ratio: 0.5 })).rejects.toMatchObject(nothing('With inexact: true'));
    const inexact = { ratio: 0.5, inexact: true };
    const { groups } = await planChannels(mixed(), inexact);
    expect(groups[0]!.remove).toHaveLength(3);
    const ignoring = planChannels(mixed(), { ...inexact, ignore: ['a'] });
    await expect(ignoring).rejects.toMatchObject(nothing("has channels that can go: 'a' is ignored."));
  });

  it('where nothing ranks channels', async () => {
    const ranked = planChannels(net(), { ratio: 0.5, importance: 'bnScale' });
    await expect(ranked).rejects.toMatchObject(nothing("'bnScale' has nothing to rank them by"));
  });

  it('where layers are said to take no time', async () => {
    const model = net();
    const latencies = new Map<string, number>();
    await expect(planChannels(model, { targetLatencyMs: 1e-9, latencies })).rejects.toMatchObject({
      kind: 'amount',
    });
    const none = new Map([...latencies].map(([key]) => [key, 0]));
    expect(none.size).toBeGreaterThan(0);
    const planned = planChannels(model, { targetLatencyMs: 1e-9, latencies: none });
    await expect(planned).rejects.toMatchObject({ kind: 'unsupported', message: /take 0 ms/ });
  });
});

describe('nothing is changed or left behind', () => {
  const single = (): tf.LayersModel =>
    randomize(tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], name: 'out' })] }));

  it.each([
    ['planChannels', (model: tf.LayersModel) => planChannels(model, { ratio: 0.5 }), 'argument'],
    ['planFromMasks', async (model: tf.LayersModel) => planFromMasks(model), 'argument'],
    ['planLayers', (model: tf.LayersModel) => planLayers(model, { count: 1 }), 'argument'],
  ] as const)('where %s finds a single layer, which gives the outputs', async (_name, plan, kind) => {
    const model = single();
    const bits = weightBits(model);
    await expect(expectNoLeak(async () => plan(model))).rejects.toMatchObject({ name: 'PruneError', kind });
    expect(weightBits(model)).toEqual(bits);
  });

  it('where a plan is for another model, or takes all channels of a group', async () => {
    const [model, other] = [net(), single()];
    const bits = [model, other].map(weightBits);
    const plan = await planChannels(model, { ratio: 0.5 });
    const [first, ...rest] = plan.groups;
    const all: ChannelPlan = { ...plan, groups: [{ ...first!, remove: [0, 1, 2, 3, 4, 5] }, ...rest] };
    for (const [target, given, says] of [
      [other, plan, 'for another model'],
      [other, await planLayers(model, { count: 1 }), 'for another model'],
      [model, all, 'at least one stays'],
    ] as const) {
      const refusal = { kind: 'argument', message: expect.stringContaining(says) };
      expectNoLeak(() => expect(() => applyPlan(target, given)).toThrow(expect.objectContaining(refusal)));
    }
    expect([model, other].map(weightBits)).toEqual(bits);
  });

  it('where a layer or block is named that there is not', async () => {
    const model = net();
    const bits = weightBits(model);
    for (const [plan, options] of [
      [channels, { ratio: 0.5, ignore: ['nobody'] }],
      [channels, { ratios: { nobody: 0.5 } }],
      [layers, { remove: ['nobody'] }],
      [layers, { count: 1, ignore: ['nobody'] }],
    ] as const) {
      await expect(expectNoLeak(async () => plan(model, options))).rejects.toMatchObject({
        kind: 'argument',
        message: expect.stringMatching(/'nobody'.*there are: /),
      });
    }
    expect(weightBits(model)).toEqual(bits);
  });
});
