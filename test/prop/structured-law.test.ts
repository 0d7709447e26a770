import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { isPruneError } from 'tfjs-prune';
import type { ChannelPlan } from 'tfjs-prune/structured';
import { beforeAll, describe, expect, it } from 'vitest';
import { type TestBackend, useBackend } from '../support/backend';
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

/** What was seen of random graphs on which the law holds. */
interface Seen {
  readonly kinds: Set<string>;
  channels: number;
  removed: number;
}

const ratios = fc.constantFrom(0.3, 0.5, 0.7);

async function expectLawOf(numRuns: number): Promise<Seen> {
  const seen: Seen = { kinds: new Set(), channels: 0, removed: 0 };
  const law = fc.asyncProperty(decisions, ratios, fc.nat(30), async (steps, ratio, seed) => {
    const { model, inputs, kinds } = grown(steps);
    const before = tf.memory().numTensors;
    const plan = await planFor(model, ratio, seed);
    if (plan !== undefined) {
      release(await expectLaw(model, plan, inputs));
      for (const kind of kinds) seen.kinds.add(kind);
      for (const group of plan.groups) seen.channels += group.channels;
      seen.removed += countRemoved(plan);
    }
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(inputs);
    // Also the weights of layers that were tried and not taken into the model.
    tf.disposeVariables();
  });
  await fc.assert(law, { numRuns, seed: 20 });
  return seen;
}

// Graphs with layers of all kinds on one backend, and some on the other.
const runs = [
  ['cpu', 320],
  ['wasm', 30],
] as const satisfies Array<[TestBackend, number]>;

for (const [backend, count] of runs) {
  describe(`removing channels of random graphs on ${backend}`, () => {
    beforeAll(() => useBackend(backend));

    it('changes nothing once nothing reads them', async () => {
      const { kinds, channels, removed } = await expectLawOf(count);
      // Else the law would be kept by keeping all channels.
      expect(removed / channels).toBeGreaterThan(0.2);
      if (count >= 320) expect(allKinds.filter((kind) => !kinds.has(kind))).toEqual([]);
    });
  });
}
