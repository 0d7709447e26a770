import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { isPruneError } from 'tfjs-prune';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ChannelPlan } from '../../src/structured/plan';
import { useBackend } from '../support/backend';
import { release } from '../unit/sparse/fold-models';
import { arbitraryPlan, countRemoved, expectLaw } from '../unit/structured/law/law';
import { allKinds, decisions, grown } from './structured-graphs';

/** A plan; undefined where no channel of the model can go. */
async function planFor(model: tf.LayersModel, ratio: number, seed: number): Promise<ChannelPlan | undefined> {
  try {
    return await arbitraryPlan(model, ratio, seed);
  } catch (error) {
    if (isPruneError(error, 'argument') && /can go/.test(error.message)) return undefined;
    throw error;
  }
}

describe('removing channels of random graphs', () => {
  beforeAll(() => useBackend('cpu'));

  it('changes nothing once nothing reads them', async () => {
    const kindsSeen = new Set<string>();
    let [channels, removed] = [0, 0];
    const ratios = fc.constantFrom(0.3, 0.5, 0.7);
    const law = fc.asyncProperty(decisions, ratios, fc.nat(30), async (steps, ratio, seed) => {
      const { model, inputs, kinds } = grown(steps);
      const before = tf.memory().numTensors;
      const plan = await planFor(model, ratio, seed);
      if (plan !== undefined) {
        release(await expectLaw(model, plan, inputs));
        for (const kind of kinds) kindsSeen.add(kind);
        for (const group of plan.groups) channels += group.channels;
        removed += countRemoved(plan);
      }
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose(inputs);
      // Also the weights of layers that were tried and not taken into the model.
      tf.disposeVariables();
    });
    await fc.assert(law, { numRuns: 320, seed: 20 });
    // Else the law would be kept by keeping all channels.
    expect(removed / channels).toBeGreaterThan(0.25);
    expect(allKinds.filter((kind) => !kindsSeen.has(kind))).toEqual([]);
  });
});
