import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as prune from 'tfjs-prune';
import { applyPlan, type ChannelPlan, planFromMasks } from 'tfjs-prune/structured';
import { beforeAll, describe, expect, it } from 'vitest';
import { classNameOf, layersOf } from '../../src/core/parameter';
import { useBackend } from '../support/backend';
import { classesOf, release } from '../unit/sparse/fold-models';
import { countRemoved, expectSame, outputsFor } from '../unit/structured/law/law';
import { decisions, grown } from './structured-graphs';
import { chainOf, seeds } from './structured-masks-chains';

/** Zeroes half of the output channels of every convolution and dense layer. */
function zeroHalf(model: tf.LayersModel): void {
  for (const layer of layersOf(model)) {
    if (/^(Dense|Conv.*)$/.test(classNameOf(layer) ?? '')) {
      prune.lnStructured(layer, 'weight', 0.5, 2, 'out');
    }
  }
}

/** A plan; undefined where no channel of the model could ever go. */
function planFor(model: tf.LayersModel): ChannelPlan | undefined {
  try {
    return planFromMasks(model);
  } catch (error) {
    if (prune.isPruneError(error, 'argument') && /can go/.test(error.message)) return undefined;
    throw error;
  }
}

/** Removes what can go, and expects outputs to stay as they were. */
function removedFrom(model: tf.LayersModel, inputs: tf.Tensor[]): ChannelPlan | undefined {
  const expected = outputsFor(model, inputs);
  const before = tf.memory().numTensors;
  const plan = planFor(model);
  if (plan !== undefined) {
    const { model: slim } = applyPlan(model, plan);
    expectSame(outputsFor(slim, inputs), expected);
    release(slim);
  }
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose(inputs);
  // Also the weights of layers that were tried and not taken into the model.
  tf.disposeVariables();
  return plan;
}

describe('removing the zeroed channels of random graphs', () => {
  beforeAll(() => useBackend('cpu'));

  it('changes nothing: what they still give is taken over, or they stay', async () => {
    let [count, removed] = [0, 0];
    const law = fc.property(decisions, (steps) => {
      const { model, inputs } = grown(steps);
      zeroHalf(model);
      const plan = removedFrom(model, inputs);
      if (plan === undefined) return;
      count++;
      removed += countRemoved(plan);
    });
    fc.assert(law, { numRuns: 150, seed: 20 });
    // Else the law would be kept by keeping all channels.
    expect(removed / count).toBeGreaterThan(5);
  });

  it('changes nothing in chains of layers that pass constants on and read them', () => {
    const { count, removed, takers, padded } = checkChains(Number(process.env.MASK_CHAINS ?? 300));
    expect(removed / count).toBeGreaterThan(1.5);
    if (process.env.MASK_CHAINS !== undefined) console.info({ count, removed, takers, padded });
    // Of the twelve kinds of layers whose biases can take a constant over.
    expect(takers.size).toBeGreaterThanOrEqual(9);
    // Most of them hold images of constants that differ at borders.
    expect(padded).toBeGreaterThan(count / 50);
  }, 600_000);
});

function checkChains(numRuns: number): {
  count: number;
  removed: number;
  takers: ReadonlyMap<string, number>;
  /** In how many a bias takes something over where zeros are put around it. */
  padded: number;
} {
  let [count, removed, padded] = [0, 0, 0];
  const takers = new Map<string, number>();
  const law = fc.property(seeds, (steps) => {
    const { model, inputs } = chainOf(steps);
    const plan = removedFrom(model, inputs);
    if (plan === undefined) return;
    count++;
    removed += countRemoved(plan);
    if (plan.shifts.length > 0 && classesOf(model).includes('ZeroPadding2D')) padded++;
    for (const { layer } of plan.shifts) {
      const taker = model.layers.find(({ name }) => name === layer);
      const kind = taker === undefined ? 'within' : taker.getClassName();
      takers.set(kind, (takers.get(kind) ?? 0) + 1);
    }
  });
  fc.assert(law, { numRuns, seed: 21 });
  return { count, removed, takers, padded };
}
