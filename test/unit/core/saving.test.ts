import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { fillWeights, flat, outputOf } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

function network(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 2], activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3 }),
    ],
  });
  fillWeights(model);
  return model;
}

/** Saves with tfjs and loads with tfjs, by way of what a file would hold. */
async function roundTrip(model: tf.LayersModel): Promise<tf.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = JSON.parse(JSON.stringify({ ...artifacts, weightData: undefined }));
      saved = { ...saved, weightData: artifacts.weightData! };
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return tf.loadLayersModel(tf.io.fromMemory(saved!));
}

const image = tf.randomUniform([2, 8, 8, 2], -1, 1, 'float32', 4);

describe('a saved model', () => {
  it('is the pruned network, to the bit, without the library', async () => {
    const model = network();
    prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
    const loaded = await roundTrip(model);
    expect(outputOf(loaded, image)).toEqual(outputOf(model, image));
    expect(prune.isPruned(loaded)).toBe(false);
    expect(prune.sparsity(loaded)).toEqual(prune.sparsity(model));
    expect(prune.isPruned(model)).toBe(true);
  });

  it('is no different after remove', async () => {
    const model = network();
    prune.l1Unstructured(model.layers[0]!, 'weight', 0.5);
    const while_ = await roundTrip(model);
    prune.remove(model.layers[0]!, 'weight');
    const after = await roundTrip(model);
    for (const [i, weight] of while_.getWeights().entries()) {
      expect(weight.dataSync()).toEqual(after.getWeights()[i]!.dataSync());
    }
  });

  it('goes on training with restored masks: the zeros stay', async () => {
    const model = network();
    prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.5 });
    const loaded = await roundTrip(model);
    const { zeros } = prune.sparsity(loaded);
    expect(prune.restoreMasks(loaded)).toHaveLength(2);
    loaded.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    await loaded.fit(image, tf.ones([2, 3]), { epochs: 3, verbose: 0 });
    expect(prune.sparsity(loaded).zeros).toBe(zeros);
  });
});

describe('restoreMasks', () => {
  it('leaves alone what has no zeros, what is pruned already, and what the filter leaves out', () => {
    const model = network();
    const [conv, , , dense] = model.layers as tf.layers.Layer[];
    expect(expectNoLeak(() => prune.restoreMasks(model))).toEqual([]);
    expect(prune.isPruned(model)).toBe(false);

    prune.l1Unstructured(conv!, 'weight', 0.5);
    const method = prune.methodOf(conv!, 'weight');
    prune.remove(prune.l1Unstructured(dense!, 'weight', 5), 'weight');
    prune.remove(prune.l1Unstructured(dense!, 'bias', 1), 'bias');
    expect(prune.restoreMasks(model, { types: ['Conv2D'] })).toEqual([]);
    expect(prune.restoreMasks(model, { names: ['weight'] })).toEqual([[dense, 'weight']]);
    expect(prune.methodOf(conv!, 'weight')).toBe(method);
    expect(prune.methodOf(dense!, 'bias')).toBeUndefined();
    expect(prune.restoreMasks(model, { names: ['bias'] })).toEqual([[dense, 'bias']]);
    expect(flat(dense!, 'weight_mask').filter((bit) => bit === 0)).toHaveLength(5);
  });

  it('takes −0 for a zero', () => {
    const layer = tf.layers.dense({ units: 3, useBias: false });
    layer.build([null, 1]);
    layer.setWeights([tf.tensor2d([[-0, 1, 0]])]);
    prune.restoreMasks(layer);
    expect(flat(layer, 'weight_mask')).toEqual([0, 1, 0]);
  });
});

describe('disposing', () => {
  it('of a pruned model frees its tensors and masks, trained or not', async () => {
    for (const trained of [false, true]) {
      await expectNoLeak(async () => {
        const model = network();
        prune.globalUnstructured(prune.parameters(model), prune.RandomUnstructured, { amount: 0.5 });
        if (trained) {
          model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
          const target = tf.ones([2, 3]);
          await model.trainOnBatch(image, target);
          target.dispose();
        }
        model.dispose();
      });
    }
  });
});
