import * as tf from '@tensorflow/tfjs';
import { resnet18 } from 'tfjs-prune/models';
import { freezeBatchNorm, freezeLayers, registerTrainingKernels } from 'tfjs-prune/training';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { bitsOf, smallData, smallModel } from './small-model';

beforeAll(() => useBackend('cpu'));

const compile = (model: tf.LayersModel): void =>
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' });

/** Trains for an epoch. Returns the names of the weights that have changed. */
async function train(model: tf.LayersModel): Promise<string[]> {
  const before = bitsOf(model);
  const { xs, ys } = smallData();
  await model.fit(xs, ys, { epochs: 1, batchSize: 8, shuffle: false, verbose: 0 });
  const after = bitsOf(model);
  const names = model.weights.map(({ originalName }) => originalName);
  return names.filter((_, i) => after[i]!.join() !== before[i]!.join());
}

describe('freezeBatchNorm', () => {
  test('keeps statistics, scale and shift; without it all of them change', async () => {
    expect(await train(smallModel())).toHaveLength(8);
    const model = smallModel();
    expect(freezeBatchNorm(model).layers).toEqual(['norm']);
    compile(model);
    expect((await train(model)).some((name) => name.startsWith('norm'))).toBe(false);
    const affine = smallModel();
    freezeBatchNorm(affine, { trainAffine: true });
    compile(affine);
    const names = (await train(affine)).filter((name) => name.startsWith('norm'));
    expect(names.sort()).toEqual(['norm/beta', 'norm/gamma']);
  });

  test('trains with the output of inference: the loss before a step is that of evaluate', async () => {
    const model = smallModel();
    freezeBatchNorm(model);
    compile(model);
    const { xs, ys } = smallData();
    const evaluated = model.evaluate(xs, ys, { batchSize: 24 }) as tf.Scalar; // one loss, no metrics
    const loss = await model.trainOnBatch(xs, ys);
    expect(loss).toBeCloseTo(evaluated.dataSync()[0]!, 5);
  });

  test('can be undone', async () => {
    const model = smallModel();
    freezeBatchNorm(model).restore();
    compile(model);
    expect(await train(model)).toHaveLength(8);
    expect(Object.hasOwn(model.getLayer('norm'), 'call')).toBe(false);
  });

  test('keeps those of a ResNet, trained by fitDataset on wasm beside a frozen stage', async () => {
    await useBackend('wasm');
    try {
      registerTrainingKernels();
      const model = await resnet18({ seed: 0, inputShape: [32, 32, 3], numClasses: 2 });
      expect(freezeBatchNorm(model).layers).toHaveLength(20);
      expect(freezeLayers(model, ({ name }) => name.startsWith('layer1')).layers.length).toBeGreaterThan(4);
      model.compile({ optimizer: 'sgd', loss: (y, logits) => tf.losses.softmaxCrossEntropy(y, logits) });
      const valuesOf = (): Float32Array[] =>
        model.getWeights().map((weight) => weight.dataSync<'float32'>().slice());
      const before = valuesOf();
      const data = tf.data.generator(function* () {
        yield { xs: tf.randomNormal([2, 32, 32, 3], 0, 1, 'float32', 1), ys: tf.eye(2) };
      });
      await model.fitDataset(data, { epochs: 1, verbose: 0 });
      const after = valuesOf();
      const changed = model.weights
        .map(({ originalName }) => originalName)
        .filter((_, i) => after[i]!.some((value, n) => value !== before[i]![n]));
      expect(changed.length).toBeGreaterThan(10);
      expect(changed.filter((name) => /bn|layer1|downsample.1/.test(name))).toEqual([]);
      model.dispose();
    } finally {
      await useBackend('cpu');
    }
  });

  test('refuses what is no model or no option', () => {
    expect(() => freezeBatchNorm(3 as never)).toThrowError(/a layer or a model/);
    expect(() => freezeBatchNorm(smallModel(), { trainAffine: 1 as never })).toThrowError(/true or false/);
  });
});

describe('freezeLayers', () => {
  test('keeps what is named, or chosen', async () => {
    const model = smallModel();
    const { restore } = freezeLayers(model, ['hidden', 'norm']);
    compile(model);
    const changed = (await train(model)).filter((name) => !name.includes('moving'));
    expect(changed.every((name) => name.startsWith('head'))).toBe(true);
    restore();
    expect(model.layers.every(({ trainable }) => trainable)).toBe(true);
    expect(freezeLayers(model, ({ name }) => name !== 'head').layers).toEqual(['hidden', 'norm']);
  });

  test('refuses a name that no layer has, with nothing changed', () => {
    const model = smallModel();
    expect(() => freezeLayers(model, ['hidden', 'haed'])).toThrowError(
      /no layer 'haed'; it has: hidden, norm, head/,
    );
    expect(() => freezeLayers(model, 'hidden' as never)).toThrowError(/select must be an array/);
    expect(model.getLayer('hidden').trainable).toBe(true);
  });
});
