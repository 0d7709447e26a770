import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { explain } from '../../../src/structured/explain';
import type { ChannelPlan, LayerPlan, Plan } from '../../../src/structured/plan';
import { planChannels } from '../../../src/structured/plan-channels';
import { sealedChannels, sealedLayers } from '../../../src/structured/plan-digest';
import { planFromMasks } from '../../../src/structured/plan-from-masks';
import { planLayers } from '../../../src/structured/plan-layers';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, randomize, weightBits } from '../sparse/fold-models';

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

/** The same, with units of a that are constant: their biases are not zero. */
function masked(): tf.LayersModel {
  const model = net();
  const a = model.getLayer('a');
  tf.tidy(() => {
    const isKept = tf.tensor1d([1, 0, 0, 1, 1, 1]);
    a.setWeights([a.getWeights()[0]!.mul(isKept), tf.ones([6])]);
  });
  return model;
}

interface Plans {
  readonly model: tf.LayersModel;
  readonly channels: ChannelPlan;
  readonly masks: ChannelPlan;
  readonly layers: LayerPlan;
}

async function plans(): Promise<Plans> {
  const model = masked();
  const channels = await planChannels(model, { ratio: 0.5 });
  const masks = planFromMasks(model);
  expect(masks.shifts).toHaveLength(1);
  expect(masks.groups[0]!.remove).toEqual([1, 2]);
  return { model, channels, masks, layers: await planLayers(model, { remove: ['f'] }) };
}

/** A copy in which something is changed. */
function changed<P extends Plan>(plan: P, change: (copy: Writable<P>) => void): P {
  const copy: P = JSON.parse(JSON.stringify(plan));
  change(copy as Writable<P>); // what came out of JSON can be written to
  return copy;
}

type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T;

describe('a plan that was changed by hand', () => {
  it('is refused where anything but what goes was changed, with nothing changed or left behind', async () => {
    const { model, channels, masks, layers } = await plans();
    const cases: Plan[] = [
      changed(channels, (plan) => void plan.groups.pop()),
      changed(channels, (plan) => plan.groups.splice(0)),
      changed(channels, (plan) => void plan.groups.reverse()),
      changed(channels, (plan) => (plan.macs!.after = 1)),
      changed(channels, (plan) => (plan.macs = null)),
      changed(channels, (plan) => (plan.groups[0]!.reason = 'none')),
      changed(channels, (plan) => (plan.groups[2]!.kept = [])),
      changed(channels, (plan) => void plan.groups[0]!.kept.push({ channels: [1], reason: 'so' })),
      changed(channels, (plan) => Object.assign(plan, { comment: 'mine' })),
      // Without what biases take over the outputs would be others.
      changed(masks, (plan) => plan.shifts.splice(0)),
      changed(masks, (plan) => (plan.shifts[0]!.values[0]! += 1)),
      changed(masks, (plan) => (plan.shifts[0]!.weights = { 'a:kernel': '' })),
      changed(masks, (plan) => void plan.groups[0]!.remove.pop()),
      changed(masks, (plan) => (plan.groups[1]!.remove = [0])),
      changed(layers, (plan) => void plan.blocks.pop()),
      changed(layers, (plan) => plan.blocks.splice(0)),
      changed(layers, (plan) => (plan.blocks[0]!.kind = 'layer')),
      changed(layers, (plan) => (plan.blocks[0]!.macs = 0)),
      changed(layers, (plan) => (plan.blocks[0]!.importance = 3)),
      changed(layers, (plan) => (plan.macs!.before = 1)),
      changed(layers, (plan) => (plan.digest = channels.digest)),
      changed(channels, (plan) => (plan.digest = '')),
    ];
    const bits = weightBits(model);
    for (const plan of cases) {
      const refusal = expect.objectContaining({ name: 'PruneError', kind: 'argument' });
      expectNoLeak(() => expect(() => applyPlan(model, plan), JSON.stringify(plan)).toThrow(refusal));
      expect(() => explain(plan)).toThrow(/was changed since it was made/);
    }
    expect(weightBits(model)).toEqual(bits);
  });

  it('is applied where only what goes was changed, which its explanation says', async () => {
    const { model, channels, layers } = await plans();
    const fewer = changed(channels, (plan) => (plan.groups[0]!.remove = [0, 5]));
    const { model: slim } = applyPlan(model, fewer);
    const kept = tf.tidy(() => model.getLayer('a').getWeights()[0]!.gather([1, 2, 3, 4], 1).dataSync());
    expect(slim.getLayer('a').getWeights()[0]!.dataSync()).toEqual(kept);
    const note = 'What goes was edited since: MACs, times and reasons are those of what was planned.';
    expect(explain(fewer).split('\n')[1]).toBe(note);
    expect(explain(channels)).not.toContain(note);
    const none = changed(layers, (plan) => {
      for (const block of plan.blocks) block.isRemoved = false;
    });
    expect(applyPlan(model, none).model.layers).toHaveLength(model.layers.length);
    expect(explain(none)).toContain(note);
    expect(explain(layers)).not.toContain(note);
    // Back to what it was.
    const same = changed(fewer, (plan) => (plan.groups[0]!.remove = [...channels.groups[0]!.remove]));
    expect(explain(same)).toBe(explain(channels));
  });

  it('is the same whatever the order of its fields', async () => {
    const { model, masks } = await plans();
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, each]) => [key, reversed(each)]),
      );
    };
    const plan = JSON.parse(JSON.stringify(reversed(masks)));
    expect(JSON.stringify(plan)).not.toBe(JSON.stringify(masks));
    expect(weightBits(applyPlan(model, plan).model)).toEqual(weightBits(applyPlan(model, masks).model));
  });

  it('is refused where what stays are no channels of its group', async () => {
    const { channels } = await plans();
    const plan = changed(channels, (copy) => (copy.groups[2]!.kept[0]!.channels = [0, 2]));
    expect(() => explain(plan)).toThrow(/groups\[2\].kept\[0\].channels' must be .* < 2/);
  });
});

describe('a plan that is no plain data', () => {
  const deep = (): unknown => {
    let parts: unknown[] = [];
    for (let i = 0; i < 100_000; i++) parts = [parts];
    return parts;
  };
  it.each<[string, (plan: object) => unknown]>([
    ['holds itself', (plan) => Object.assign(plan, { self: plan })],
    ['holds a BigInt', (plan) => Object.assign(plan, { note: 1n })],
    ['is too deep', (plan) => Object.assign(plan, { note: deep() })],
    [
      'does not let itself be read',
      (plan) =>
        Object.defineProperty(plan, 'note', {
          enumerable: true,
          get: () => {
            throw new Error('a getter');
          },
        }),
    ],
    [
      'throws when it is made a text',
      () => ({
        toJSON: () => {
          throw new Error('toJSON');
        },
      }),
    ],
  ])('is refused: one that %s', async (_, spoil) => {
    const { model, channels, layers } = await plans();
    for (const plan of [channels, layers]) {
      const spoilt = spoil({ ...plan });
      const refusal = expect.objectContaining({ name: 'PruneError', kind: 'argument' });
      expect(() => explain(spoilt as Plan)).toThrow(refusal);
      expectNoLeak(() => expect(() => applyPlan(model, spoilt as Plan)).toThrow(refusal));
    }
  });
});

describe('a plan that another release made, which sees the same model in another way,', () => {
  it('is refused where it names a group that the model has not, or other channels or layers of one', async () => {
    const { model, channels } = await plans();
    const [first, ...others] = channels.groups;
    for (const [change, says] of [
      [{ id: 'nobody' }, "a group 'nobody', which the model has not"],
      [{ channels: 7 }, "'a' is 7 channels of a; the model's is 6 channels of a"],
      [{ layers: ['b'] }, "'a' is 6 channels of b; the model's is 6 channels of a"],
    ] as const) {
      const groups = [{ ...first!, ...change }, ...others];
      const refusal = expect.objectContaining({ kind: 'argument', message: expect.stringContaining(says) });
      const plan = sealedChannels({ ...channels, groups: 'id' in change ? [...groups, first!] : groups });
      expectNoLeak(() => expect(() => applyPlan(model, plan)).toThrow(refusal));
    }
  });

  it('is refused where it lacks a group or a block', async () => {
    const { model, channels, layers } = await plans();
    const fewer = sealedChannels({ ...channels, groups: channels.groups.slice(1) });
    expect(() => applyPlan(model, fewer)).toThrow(
      expect.objectContaining({ kind: 'argument', message: expect.stringContaining("no group 'a'") }),
    );
    const shorter = sealedLayers({ ...layers, blocks: layers.blocks.slice(0, 1) });
    expect(() => applyPlan(model, shorter)).toThrow(
      expect.objectContaining({ kind: 'argument', message: expect.stringContaining("no block 'f.1'") }),
    );
    const nobody = { ...layers.blocks[0]!, name: 'nobody' };
    const more = sealedLayers({ ...layers, blocks: [...layers.blocks, nobody] });
    expect(() => applyPlan(model, more)).toThrow(
      expect.objectContaining({ kind: 'argument', message: expect.stringContaining("removes 'nobody'") }),
    );
  });
});
