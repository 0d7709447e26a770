import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { planChannels } from '../../../src/structured/plan-channels';
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
