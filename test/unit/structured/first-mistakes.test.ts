import * as tf from '@tensorflow/tfjs';
import {
  applyPlan,
  explain,
  type ModelSummary,
  type Plan,
  planChannels,
  planLayers,
  summaryTable,
} from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { randomize } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const classifier = (): tf.LayersModel =>
  randomize(
    tf.sequential({
      layers: [
        tf.layers.dense({ units: 6, inputShape: [4], name: 'a' }),
        tf.layers.dense({ units: 3, activation: 'softmax', name: 'out' }),
      ],
    }),
  );

const refusal = (says: string): object =>
  expect.objectContaining({ name: 'PruneError', kind: 'argument', message: expect.stringContaining(says) });

describe('a mistake that is made first is answered by what to do:', () => {
  it('a plan that was not awaited', async () => {
    const model = classifier();
    const promised = planChannels(model, { ratio: 0.5 });
    // What a caller in JavaScript may give.
    const plan = promised as unknown as Plan;
    expect(() => applyPlan(model, plan)).toThrow(refusal('to be awaited'));
    expect(() => explain(plan)).toThrow(refusal('to be awaited'));
    expect(explain(await promised)).toContain('a: 3 of 6 go');
  });

  it('a Map of ratios', async () => {
    const ratios = new Map([['a', 0.5]]) as unknown as Record<string, number>; // as above
    const planned = planChannels(classifier(), { ratios });
    await expect(planned).rejects.toEqual(refusal('an object of numbers by the names of layers'));
  });

  it('a block of a model that has none', async () => {
    const planned = planLayers(classifier(), { remove: ['a'] });
    await expect(planned).rejects.toEqual(refusal("no block 'a' that can be removed; there are none."));
  });

  it('a model in place of what summary gives', () => {
    for (const given of [classifier(), undefined, null, 7]) {
      expect(() => summaryTable(given as unknown as ModelSummary)).toThrow(
        refusal('what summary(model) gives'),
      );
    }
  });
});

it('what the model gives is not said to go with inexact: true', async () => {
  for (const inexact of [false, true]) {
    const { groups } = await planChannels(classifier(), { ratio: 0.5, inexact });
    const { kept } = groups.find(({ id }) => id === 'out')!;
    expect(kept).toEqual([{ channels: [0, 1, 2], reason: 'the model gives them' }]);
  }
});
