import * as tf from '@tensorflow/tfjs';
import { resnet18 } from 'tfjs-prune/models';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { explain } from '../../../src/structured/explain';
import type { ChannelPlan, Plan } from '../../../src/structured/plan';
import { planChannels } from '../../../src/structured/plan-channels';
import { planLayers } from '../../../src/structured/plan-layers';
import { summary } from '../../../src/structured/summary';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, randomize, release, savedAndLoaded, weightBits } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** in → a (6) → b (10) → out (2), with x + f(x) around b's width. */
function net(): tf.LayersModel {
  const inputs = tf.input({ shape: [4] });
  const a = call(tf.layers.dense({ units: 6, name: 'a', activation: 'relu' }), inputs);
  const b = call(tf.layers.dense({ units: 10, name: 'b' }), a);
  const f = call(tf.layers.reLU({ name: 'f.relu' }), call(tf.layers.dense({ units: 10, name: 'f.1' }), b));
  const sum = call(tf.layers.add({ name: 'f.add' }), [b, f]);
  return randomize(tf.model({ inputs, outputs: call(tf.layers.dense({ units: 2, name: 'out' }), sum) }));
}

const copyOf = <T>(plan: T): T => JSON.parse(JSON.stringify(plan));

describe('a plan', () => {
  it('is applied as it is after it was saved, also to the model loaded again', async () => {
    const model = net();
    const plans: Plan[] = [
      await planChannels(model, { ratio: 0.5 }),
      await planLayers(model, { remove: ['f'] }),
    ];
    const loaded = await savedAndLoaded(model);
    for (const plan of plans) {
      const { model: here } = applyPlan(model, plan);
      const { model: there } = applyPlan(loaded, copyOf(plan));
      expect(weightBits(there)).toEqual(weightBits(here));
      expect(here.countParams()).toBeLessThan(model.countParams());
      expect(summary(here).macs).toBe(plan.macs!.after);
      expect(summary(model).macs).toBe(plan.macs!.before);
    }
  });

  it('is refused by a PruneError where it is damaged, with nothing left behind', async () => {
    const model = net();
    const plan = await planChannels(model, { ratio: 0.5 });
    const layers = await planLayers(model, { remove: ['f'] });
    const [first] = plan.groups;
    const withGroup = (change: object): object => ({
      ...plan,
      groups: [{ ...first, ...change }, ...plan.groups.slice(1)],
    });
    const cases: ReadonlyArray<readonly [unknown, string]> = [
      [undefined, 'argument'],
      [null, 'argument'],
      ['plan', 'argument'],
      [[], 'argument'],
      [{}, 'argument'],
      [{ ...plan, kind: 'filters' }, 'argument'],
      [{ ...plan, version: 2 }, 'unsupported'],
      [{ ...plan, version: undefined }, 'unsupported'],
      [{ ...plan, topology: 7 }, 'argument'],
      [{ ...plan, topology: 'other' }, 'argument'],
      [{ ...plan, macs: 7 }, 'argument'],
      [{ ...plan, macs: { before: 1 } }, 'argument'],
      [{ ...plan, groups: undefined }, 'argument'],
      [{ ...plan, groups: {} }, 'argument'],
      [{ ...plan, groups: [null] }, 'argument'],
      [{ ...plan, groups: [7] }, 'argument'],
      [withGroup({ id: 'nobody' }), 'argument'],
      [withGroup({ id: 3 }), 'argument'],
      [withGroup({ id: '__proto__' }), 'argument'],
      [withGroup({ remove: undefined }), 'argument'],
      [withGroup({ remove: { length: 1 } }), 'argument'],
      [withGroup({ remove: [0.5] }), 'argument'],
      [withGroup({ remove: [-1] }), 'argument'],
      [withGroup({ remove: ['0'] }), 'argument'],
      [withGroup({ remove: ['length'] }), 'argument'],
      [withGroup({ remove: [6] }), 'argument'],
      [withGroup({ remove: [1, 1] }), 'argument'],
      [withGroup({ remove: [1, 0] }), 'argument'],
      [withGroup({ layers: ['g'] }), 'argument'],
      [withGroup({ channels: 7 }), 'argument'],
      [withGroup({ remove: [0, 1, 2, 3, 4, 5] }), 'argument'],
      [withGroup({ layers: 'a' }), 'argument'],
      [withGroup({ kept: [{}] }), 'argument'],
      // What the model gives.
      [{ ...plan, groups: [{ ...plan.groups[2], remove: [0] }] }, 'argument'],
      // The halves of a group, which together are all of it.
      [
        {
          ...plan,
          groups: [
            { ...first, remove: [0, 1, 2] },
            { ...first, remove: [3, 4, 5] },
          ],
        },
        'argument',
      ],
      [{ ...layers, blocks: 7 }, 'argument'],
      [{ ...layers, blocks: [{}] }, 'argument'],
      [{ ...layers, topology: 'other' }, 'argument'],
      [{ ...layers, blocks: [{ ...layers.blocks[0], name: 'nobody', isRemoved: true }] }, 'argument'],
      [{ ...layers, blocks: [layers.blocks[0], layers.blocks[0]] }, 'argument'],
    ];
    const bits = weightBits(model);
    for (const [given, kind] of cases) {
      const refusal = expect.objectContaining({ name: 'PruneError', kind });
      // Anything may be given: a plan may come out of a file.
      expectNoLeak(() =>
        expect(() => applyPlan(model, given as Plan), JSON.stringify(given)).toThrow(refusal),
      );
    }
    const output = { ...plan, groups: [...plan.groups.slice(0, 2), { ...plan.groups[2], remove: [0] }] };
    for (const [given, says] of [
      [withGroup({ remove: [1, 6] }), 'removes channel 6 from'],
      [withGroup({ remove: [0, 1, 2, 3, 4, 5] }), 'removes all 6 channels from'],
      [output, 'must stay: the model gives them'],
    ] as const) {
      expect(() => applyPlan(model, given as Plan)).toThrow(says);
    }
    expect(() => explain({} as Plan)).toThrow(expect.objectContaining({ kind: 'argument' }));
    expect(() => applyPlan({} as tf.LayersModel, plan)).toThrow(
      expect.objectContaining({ kind: 'argument' }),
    );
    expect(weightBits(model)).toEqual(bits);
  });

  it('says in words what goes, and what keeps the rest', async () => {
    const model = net();
    const text = explain(copyOf(await planChannels(model, { ratio: 0.5, ignore: ['a'] })));
    expect(text.split('\n')[0]).toBe('5 of 18 channels go; MACs 204 → 89 (43.6 %)');
    expect(text).toContain("a: 0 of 6 go\n  6 stay: 'a' is ignored");
    expect(text).toContain('b (with f.1): 5 of 10 go: the 5 least important of 10 by l2');
    expect(text).toContain('out: 0 of 2 go\n  2 stay: the model gives them');
    const shorter = explain(await planLayers(model, { remove: ['f'] }));
    expect(shorter).toContain(
      '1 of 2 blocks go; MACs 204 → 104 (51.0 %)\nf (residual, 100 MACs): goes\nf.1 (layer, 100 MACs): stays',
    );
  });
});

describe('the children of a ResNet', () => {
  it('are those of the smaller model, in a list of blocks without those that are gone', async () => {
    const model = await resnet18({ seed: 0, inputShape: [32, 32, 3], numClasses: 3 });
    const { model: slim } = applyPlan(model, await planChannels(model, { ratio: 0.5 }));
    expect(slim.layers).toContain(slim.conv1);
    expect(slim.layer4[1].conv2).toBe(slim.getLayer('layer4.1.conv2'));
    expect(slim.layer2[0].downsample[1]).toBe(slim.getLayer('layer2.0.downsample.1'));
    expect(slim.conv1.getWeights()[0]!.shape).toEqual([7, 7, 3, 32]);
    expect(model.conv1.getWeights()[0]!.shape).toEqual([7, 7, 3, 64]);
    const { model: shorter } = applyPlan(model, await planLayers(model, { remove: ['layer3.1'] }));
    expect(Reflect.get(shorter, 'layer3')).toHaveLength(1);
    expect(Reflect.get(shorter, 'layer4')[1].conv2).toBe(shorter.getLayer('layer4.1.conv2'));
    for (const each of [model, slim, shorter]) release(each);
  });
});

describe('planChannels', () => {
  const removedOf = ({ groups }: ChannelPlan): Record<string, number> =>
    Object.fromEntries(groups.map(({ id, remove }) => [id, remove.length]));
  const plans = async (options: Parameters<typeof planChannels>[1]): Promise<Record<string, number>> =>
    removedOf(await planChannels(net(), options));

  it('rounds a share half to even, as masks are', async () => {
    const wide = randomize(
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 100, inputShape: [2], name: 'wide' }),
          tf.layers.dense({ units: 2, name: 'out' }),
        ],
      }),
    );
    // In floating point 0.29 × 100 is 28.999999999999996.
    expect(removedOf(await planChannels(wide, { ratio: 0.29 }))).toMatchObject({ wide: 29 });
    expect(await plans({ ratio: 0.25 })).toMatchObject({ a: 2, b: 2 });
    expect(await plans({ ratio: 0.99 })).toMatchObject({ a: 5, b: 9 });
  });

  it('takes ratios by layer, also by another layer of the group, and a ratio for the rest', async () => {
    expect(await plans({ ratios: { 'f.1': 0.3 } })).toEqual({ a: 0, b: 3, out: 0 });
    expect(await plans({ ratios: { b: 0.3 }, ratio: 0.5 })).toEqual({ a: 3, b: 3, out: 0 });
  });

  it('leaves multiples of roundTo, and at most maxRatio goes', async () => {
    expect(await plans({ ratio: 0.5, roundTo: 4 })).toEqual({ a: 2, b: 2, out: 0 });
    expect(await plans({ ratio: 0.9, roundTo: 16 })).toEqual({ a: 0, b: 0, out: 0 });
    expect(await plans({ ratio: 0.9, maxRatio: 0.3 })).toEqual({ a: 1, b: 3, out: 0 });
  });

  it('ranks all groups together, by scores over their mean or as they are', async () => {
    const importance = ({ id }: { id: string }): number[] =>
      // Each has a mean of 1 when divided by it: a (0.5 … 1.5), b (all 1).
      id === 'a' ? [5, 7, 9, 11, 13, 15] : Array(id === 'b' ? 10 : 2).fill(2);
    const counts = await plans({ ratio: 0.25, global: true, importance, normalize: 'mean' });
    // 4 of 16: 5, 7 and 9 of a are below the mean; then one of b.
    expect(counts).toEqual({ a: 3, b: 1, out: 0 });
    expect(await plans({ ratio: 0.25, global: true, importance })).toEqual({ a: 0, b: 4, out: 0 });
    // Over the maximum: 1/3, 7/15, 9/15, 11/15 of a.
    const over = await plans({ ratio: 0.25, global: true, importance, normalize: 'max' });
    expect(over).toEqual({ a: 4, b: 0, out: 0 });
  });

  it('removes no more than a target of MACs needs', async () => {
    const macsAt = (a: number, b: number): number => 4 * a + a * b + b * b + 2 * b;
    for (const targetMacs of [0.9, 0.5, 0.2]) {
      const plan = await planChannels(net(), { targetMacs });
      const { a, b } = removedOf(plan) as { a: number; b: number };
      expect(plan.macs).toEqual({ before: macsAt(6, 10), after: macsAt(6 - a, 10 - b), uncounted: [] });
      expect(plan.macs!.after).toBeLessThanOrEqual(targetMacs * plan.macs!.before);
      // With one channel less of each group it would not be reached.
      expect(macsAt(7 - a, 11 - b)).toBeGreaterThan(targetMacs * plan.macs!.before);
    }
    await expect(planChannels(net(), { targetMacs: 0.01 })).rejects.toMatchObject({ kind: 'amount' });
  });

  it('refuses what is not allowed', async () => {
    const cases: ReadonlyArray<readonly [object, string]> = [
      [{}, 'argument'],
      [{ ratio: 0.5, targetMacs: 0.5 }, 'argument'],
      [{ ratio: '0.5' }, 'argument'],
      [{ ratio: -0.1 }, 'amount'],
      [{ ratio: 1 }, 'amount'],
      [{ ratio: Number.NaN }, 'amount'],
      [{ targetMacs: 0 }, 'amount'],
      [{ ratios: { nobody: 0.5 } }, 'argument'],
      [{ ratios: { a: 1 } }, 'amount'],
      [{ ratios: [0.5] }, 'argument'],
      [{ ratios: { b: 0.5, 'f.1': 0.4 } }, 'argument'],
      [{ ratios: { b: 0.5 }, global: true }, 'argument'],
      [{ ratio: 0.5, roundTo: 0 }, 'amount'],
      [{ ratio: 0.5, roundTo: 1.5 }, 'amount'],
      [{ ratio: 0.5, maxRatio: 2 }, 'amount'],
      [{ ratio: 0.5, global: 1 }, 'argument'],
      [{ ratio: 0.5, normalize: 'sum', global: true }, 'argument'],
      [{ ratio: 0.5, normalize: 'max' }, 'argument'],
      [{ ratio: 0.5, ignore: 'a' }, 'argument'],
      [{ ratio: 0.5, ignore: ['nobody'] }, 'argument'],
      [{ ratio: 0.5, ignore: [3] }, 'argument'],
      [{ ratio: 0.5, amount: 1 }, 'argument'],
      [{ ratio: 0.5, importance: 'l3' }, 'argument'],
      [{ ratio: 0.5, importance: null }, 'argument'],
      [{ ratio: 0.5, importance: 'taylor' }, 'argument'],
      [{ ratio: 0.5, importance: 'activation' }, 'argument'],
      [{ ratio: 0.5, importance: 'activation', samples: [] }, 'argument'],
      [{ ratio: 0.5, importance: 'activation', samples: [7] }, 'argument'],
      [{ ratio: 0.5, importance: 'l2', seed: 0 }, 'argument'],
      [{ ratio: 0.5, importance: 'random', seed: 0.5 }, 'argument'],
      [{ ratio: 0.5, importance: () => [1] }, 'argument'],
      [{ ratio: 0.5, importance: () => undefined }, 'argument'],
      [{ ratio: 0.5, importance: () => ({ length: 6 }) }, 'argument'],
      [
        { ratio: 0.5, importance: ({ channels }: { channels: number }) => Array(channels).fill(Number.NaN) },
        'argument',
      ],
      [
        { ratio: 0.5, importance: ({ channels }: { channels: number }) => Array(channels).fill('1') },
        'argument',
      ],
    ];
    const model = net();
    for (const [options, kind] of cases) {
      const planned = expectNoLeak(async () => planChannels(model, options));
      await expect(planned, JSON.stringify(options)).rejects.toMatchObject({ name: 'PruneError', kind });
    }
  });
});
