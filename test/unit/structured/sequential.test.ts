/** Sequentials that were changed after their first use, were never used, or begin with a model. */
import * as tf from '@tensorflow/tfjs';
import { applyPlan, planChannels, planFromMasks, planLayers, summary } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, expectEqualOutputs, outputsOf, randomize, savedAndLoaded } from '../sparse/fold-models';
import { expectLaw, randomInputs } from './law/law';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

/** 4 → 6 → 3, used once: 30 + 21 weights. */
function used(): tf.Sequential {
  const model = tf.sequential({ layers: [L.dense({ units: 6, inputShape: [4] }), L.dense({ units: 3 })] });
  outputsOf(model);
  return model;
}

/** Plans and applies in all ways. */
async function expectPlans(model: tf.LayersModel): Promise<void> {
  randomize(model);
  const inputs = randomInputs(model);
  await expectLaw(model, await planChannels(model, { ratio: 0.5 }), inputs);
  expect(applyPlan(model, planFromMasks(model)).model.countParams()).toBeGreaterThan(0);
  expect((await planLayers(model, { count: 0 })).macs!.before).toBe(summary(model).macs);
}

describe('a Sequential', () => {
  it('that got a layer after its first use is taken with it', async () => {
    const model = used();
    model.add(L.dense({ units: 9 }));
    expect(summary(model).parameters).toBe(30 + 21 + 36);
    await expectPlans(model);
  });

  it('is taken with its layers whichever function sees it first', async () => {
    const models = [used(), used(), used()];
    for (const model of models) model.add(L.dense({ units: 3, name: 'z' }));
    expect((await planChannels(models[0]!, { ratio: 0.5 })).macs!.before).toBe(24 + 18 + 9);
    expect(planFromMasks(models[1]!).macs!.before).toBe(24 + 18 + 9);
    // The last layer gives what the model gives, so nothing can go.
    expect((await planLayers(models[2]!, { count: 0 })).macs!.before).toBe(24 + 18 + 9);
  });

  it('that is a block saves what its layers do', async () => {
    const inputs = tf.input({ shape: [4] });
    const x = call(L.dense({ units: 6, name: 'stem' }), inputs);
    const within = tf.sequential({ name: 'f/1', layers: [L.dense({ units: 6, inputShape: [6] })] });
    const sum = call(L.add({ name: 'sum' }), [x, call(within, x)]);
    const model = tf.model({ inputs, outputs: call(L.dense({ units: 2 }), sum) });
    const plan = await planLayers(model, { count: 1 });
    const shorter = applyPlan(model, plan).model;
    expect(plan.macs).toMatchObject({ before: 24 + 36 + 12, after: 24 + 12 });
    expect(summary(shorter).macs).toBe(24 + 12);
  });

  it('that lost a layer after its first use is taken without it', async () => {
    const model = used();
    model.pop();
    expect(summary(model).parameters).toBe(30);
    model.add(L.dense({ units: 11 }));
    expect(summary(model).parameters).toBe(30 + 77);
    await expectPlans(model);
  });

  it('that was never used has its blocks found', async () => {
    const model = tf.sequential({
      layers: [
        L.dense({ units: 6, inputShape: [4] }),
        L.dense({ units: 6, name: 'z' }),
        L.dense({ units: 3 }),
      ],
    });
    const plan = await planLayers(model, { count: 1 });
    expect(plan.blocks.map(({ name }) => name)).toEqual(['z']);
    expect(summary(applyPlan(model, plan).model).parameters).toBe(30 + 21);
  });

  it('within a model is taken as it is now, and refused where it no longer fits', async () => {
    const within = used();
    const input = tf.input({ shape: [4] });
    const model = tf.model({ inputs: input, outputs: call(L.dense({ units: 2 }), call(within, input)) });
    within.add(L.dense({ units: 3 }));
    expect(summary(model).parameters).toBe(30 + 21 + 12 + 8);
    await expectPlans(model);
    within.add(L.dense({ units: 9 }));
    const refusal = expect.objectContaining({ name: 'PruneError', kind: 'state' });
    expect(() => summary(model)).toThrow(refusal);
    await expect(planChannels(model, { ratio: 0.5 })).rejects.toThrow(refusal);
    await expect(planLayers(model, { count: 0 })).rejects.toThrow(refusal);
    expect(() => planFromMasks(model)).toThrow(refusal);
  });

  it('that begins with a model has that one pruned', async () => {
    const inner = tf.sequential({ layers: [L.dense({ units: 6, inputShape: [4] })], name: 'base' });
    const model = tf.sequential({ layers: [inner, L.dense({ units: 2 })] });
    const { name } = inner.layers[0]!;
    const plan = await planChannels(model, { ratio: 0.5 });
    expect(plan.groups.map(({ id }) => id)).toEqual([`base/${name}`, model.layers[1]!.name]);
    expect(summary(applyPlan(model, plan).model).parameters).toBe(15 + 8);
    await expectPlans(model);
  });

  it('that begins with convolutions, a graph or a model in a model gives what it should', async () => {
    const convolutions = (): tf.Sequential =>
      tf.sequential({
        layers: [
          L.conv2d({ filters: 6, kernelSize: 3, inputShape: [6, 6, 3], activation: 'relu' }),
          L.batchNormalization(),
          L.flatten(),
        ],
      });
    const input = tf.input({ shape: [4] });
    const a = call(L.dense({ units: 6 }), input);
    const graph = tf.model({ inputs: input, outputs: call(L.add(), [a, call(L.dense({ units: 6 }), a)]) });
    const firsts: tf.LayersModel[] = [
      convolutions(),
      graph,
      tf.sequential({ layers: [convolutions(), L.dense({ units: 5 })] }),
    ];
    for (const first of firsts) {
      await expectPlans(tf.sequential({ layers: [first, L.dense({ units: 4 }), L.dense({ units: 2 })] }));
    }
  });

  it('that begins with a model is run to rank its parts', async () => {
    const inner = tf.sequential({ layers: [L.dense({ units: 6, inputShape: [4] })] });
    const model = randomize(
      tf.sequential({ layers: [inner, L.dense({ units: 6, name: 'z' }), L.dense({ units: 2 })] }),
    );
    const samples = randomInputs(model);
    const layers = await planLayers(model, { count: 1, samples });
    expect(layers.blocks.map(({ name, isRemoved }) => [name, isRemoved])).toEqual([['z', true]]);
    expect(summary(applyPlan(model, layers).model).parameters).toBe(30 + 14);
    const plan = await planChannels(model, { ratio: 0.5, importance: 'activation', samples });
    await expectLaw(model, plan, samples);
    expect(plan.groups.map(({ remove }) => remove.length)).toEqual([3, 3, 0]);
  });

  it('that begins with a model which was changed since is refused', async () => {
    const inner = tf.sequential({ layers: [L.dense({ units: 6, inputShape: [4] })] });
    const model = tf.sequential({ layers: [inner, L.dense({ units: 2 })] });
    inner.add(L.dense({ units: 6 }));
    const refusal = expect.objectContaining({ name: 'PruneError', kind: 'state' });
    await expect(planChannels(model, { ratio: 0.5 })).rejects.toThrow(refusal);
    expect(() => summary(model)).toThrow(refusal);
  });

  it('whose layers tfjs does not take together is refused', async () => {
    const model = tf.sequential({
      layers: [L.dense({ units: 6, inputShape: [4], name: 'twin' }), L.dense({ units: 2, name: 'twin' })],
    });
    const refusal = expect.objectContaining({ name: 'PruneError', kind: 'unsupported' });
    await expect(planChannels(model, { ratio: 0.5 })).rejects.toThrow(refusal);
    expect(() => summary(model)).toThrow(refusal);
  });
});

describe('a plan', () => {
  it('is refused where a model does not say what is in one within', async () => {
    const within = tf.sequential({ name: 'base', layers: [L.dense({ units: 6, inputShape: [4] })] });
    const input = tf.input({ shape: [4] });
    const model = tf.model({ inputs: input, outputs: call(L.dense({ units: 2 }), call(within, input)) });
    const plan = await planChannels(model, { ratio: 0.5 });
    within.getConfig = () => ({ name: 'base' });
    const refusal = expect.objectContaining({
      name: 'PruneError',
      kind: 'unsupported',
      message: expect.stringContaining(`'base/${within.layers[0]!.name}'`),
    });
    expectNoLeak(() => expect(() => applyPlan(model, plan)).toThrow(refusal));
  });

  it('fits the model saved and loaded where a model within has other calls elsewhere', async () => {
    const base = tf.sequential({ layers: [L.dense({ units: 6, inputShape: [4] })] });
    const head = L.dense({ units: 2 });
    const make = (): tf.LayersModel => {
      const input = tf.input({ shape: [4] });
      return tf.model({ inputs: input, outputs: call(head, call(base, input)) });
    };
    make();
    const model = randomize(make());
    const plan = await planChannels(model, { ratio: 0.5 });
    const here = applyPlan(model, plan).model;
    const there = applyPlan(await savedAndLoaded(model), plan).model;
    expectEqualOutputs(outputsOf(there), outputsOf(here), 0);
  });

  it('fits the model saved and loaded where its layers were called in another order', async () => {
    const input = tf.input({ shape: [4] });
    const [first, second] = ['first', 'second'].map((name) => L.dense({ units: 6, name }));
    // The sum names them in the other order, which is the one that tfjs saves.
    const [a, b] = [call(second!, input), call(first!, input)];
    const outputs = call(L.dense({ units: 2 }), call(L.add(), [b, a]));
    const model = randomize(tf.model({ inputs: input, outputs }));
    const plan = await planChannels(model, { ratio: 0.5 });
    const here = applyPlan(model, plan).model;
    const there = applyPlan(await savedAndLoaded(model), plan).model;
    expectEqualOutputs(outputsOf(there), outputsOf(here), 0);
  });
});
