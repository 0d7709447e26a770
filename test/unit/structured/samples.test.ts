import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { planChannels } from '../../../src/structured/plan-channels';
import { planFromMasks } from '../../../src/structured/plan-from-masks';
import { planLayers } from '../../../src/structured/plan-layers';
import { useBackend } from '../../support/backend';
import { randomize } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const net = (): tf.LayersModel =>
  randomize(
    tf.sequential({
      layers: [
        tf.layers.dense({ units: 4, inputShape: [3] }),
        tf.layers.dense({ units: 4, name: 'same' }),
        tf.layers.dense({ units: 2 }),
      ],
    }),
  );

describe('samples are refused where they are', () => {
  it.each<[string, () => tf.Tensor]>([
    ['of another shape', () => tf.zeros([2, 4])],
    ['of another rank', () => tf.zeros([2, 3, 1])],
    ['a single one without a batch axis', () => tf.zeros([3])],
    ['none', () => tf.zeros([0, 3])],
    ['of text', () => tf.fill([2, 3], 'text')],
    ['complex', () => tf.complex(tf.zeros([2, 3]), tf.zeros([2, 3]))],
    [
      'disposed',
      () => {
        const batch = tf.zeros([2, 3]);
        batch.dispose();
        return batch;
      },
    ],
  ])('%s', async (_, make) => {
    const model = net();
    const samples = make();
    const refusal = { name: 'PruneError', kind: 'argument' };
    await expect(
      planChannels(model, { ratio: 0.5, importance: 'activation', samples }),
    ).rejects.toMatchObject(refusal);
    await expect(planLayers(model, { count: 1, samples })).rejects.toMatchObject(refusal);
  });
});

it('planLayers ranks by no weights that are no numbers', async () => {
  const model = net();
  model.getLayer('same').setWeights([tf.fill([4, 4], Number.NaN), tf.zeros([4])]);
  for (const options of [{}, { samples: tf.ones([2, 3]) }]) {
    const planned = planLayers(model, { count: 1, ...options });
    await expect(planned).rejects.toMatchObject({ name: 'PruneError', kind: 'argument' });
  }
});

it('planFromMasks gives no bias a number that is none', () => {
  const model = net();
  const [kernel, bias] = [tf.zeros([3, 4]), tf.ones([4])];
  model.layers[0]!.setWeights([kernel, bias]);
  model.getLayer('same').setWeights([tf.fill([4, 4], Number.NaN), tf.zeros([4])]);
  expect(() => planFromMasks(model)).toThrow(
    expect.objectContaining({ name: 'PruneError', kind: 'argument', given: Number.NaN }),
  );
});
