import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { planChannels } from '../../../src/structured/plan-channels';
import { planFromMasks } from '../../../src/structured/plan-from-masks';
import { planLayers } from '../../../src/structured/plan-layers';
import { useBackend } from '../../support/backend';
import { randomize } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const dense = (name: string, shape?: number[]): tf.layers.Layer =>
  tf.layers.dense({ units: 4, name, ...(shape && { inputShape: shape }) });

function net(): { model: tf.Sequential; within: tf.Sequential } {
  const within = tf.sequential({ name: 'within', layers: [dense('c', [4]), dense('d')] });
  const model = tf.sequential({ layers: [dense('a', [3]), dense('b'), within, dense('out')] });
  return { model: randomize(model), within };
}

/** For each layer whether it learns. */
function learners(model: tf.LayersModel): Record<string, boolean> {
  const within = model.getLayer('within') as tf.LayersModel;
  const layers = [...model.layers, ...within.layers];
  return Object.fromEntries(layers.map((layer) => [layer.name, layer.trainableWeights.length > 0]));
}

async function applied(model: tf.LayersModel): Promise<tf.LayersModel[]> {
  const plans = [
    await planChannels(model, { ratio: 0.5 }),
    planFromMasks(model),
    await planLayers(model, { remove: [] }),
  ];
  return plans.map((plan) => applyPlan(model, plan).model);
}

describe('applyPlan keeps frozen', () => {
  it.each<[string, (nets: ReturnType<typeof net>) => void]>([
    [
      'a layer',
      ({ model }) => {
        model.getLayer('b').trainable = false;
      },
    ],
    [
      'a model within',
      ({ within }) => {
        within.trainable = false;
      },
    ],
    [
      'the whole model',
      ({ model }) => {
        model.trainable = false;
      },
    ],
    [
      'all of a model within but one layer',
      ({ within }) => {
        within.trainable = false;
        within.getLayer('d').trainable = true;
      },
    ],
  ])('%s', async (_, freeze) => {
    const nets = net();
    freeze(nets);
    for (const slim of await applied(nets.model)) {
      expect(learners(slim)).toEqual(learners(nets.model));
      expect(slim.trainable).toBe(nets.model.trainable);
      expect(slim.trainableWeights).toHaveLength(nets.model.trainableWeights.length);
    }
  });
});

it('applyPlan takes the metadata of the caller along', async () => {
  const { model } = net();
  for (const slim of await applied(model)) expect(slim.getUserDefinedMetadata()).toBeUndefined();
  const metadata = { classes: ['cat', 'dog'] };
  model.setUserDefinedMetadata(metadata);
  for (const slim of await applied(model)) {
    expect(slim.getUserDefinedMetadata()).toEqual(metadata);
    expect(slim.getUserDefinedMetadata()).not.toBe(metadata);
  }
});
