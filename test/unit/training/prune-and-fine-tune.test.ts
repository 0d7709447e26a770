import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { type FineTuneProgress, type PruneAndFineTuneOptions, pruneAndFineTune } from 'tfjs-prune/training';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { bitsOf, smallData, smallModel } from './small-model';
import { memory, run } from './small-runs';

beforeAll(() => useBackend('cpu'));
afterEach(() => void prune.manualSeed(67280421310721));

/** Gives these accuracies in turn. */
function accuracies(...values: number[]): () => { accuracy: number } {
  let next = 0;
  return () => ({ accuracy: values[next++]! });
}

describe('pruneAndFineTune', () => {
  test('prunes in rounds of an equal share of what is left, up to the target to one weight', async () => {
    const model = smallModel();
    const seen: FineTuneProgress[] = [];
    const { best, stoppedBy, experiment, baseline } = await run(model, {
      targetSparsity: 0.6,
      epochs: 2,
      onProgress: (progress) => void seen.push(progress),
    });
    // 176 weights; 0.3, 0.51, then 0.657 is more than 0.6: 53, 90, 106 of them.
    expect(seen.filter(({ phase }) => phase === 'pruned').map(({ sparsity }) => sparsity * 176)).toEqual([
      53, 90, 106,
    ]);
    expect(seen.filter(({ phase }) => phase === 'step').map(({ steps }) => steps)).toEqual(
      Array.from({ length: 18 }, (_, i) => i + 1),
    );
    expect(seen.filter(({ phase }) => phase === 'epoch')).toHaveLength(6);
    expect(stoppedBy).toBe('sparsity');
    expect(best.sparsity).toBe(106 / 176);
    expect(prune.sparsity(model).zeros).toBe(106);
    expect(experiment.model.accuracy).toBe(baseline.accuracy);
    expect(experiment.prunings.map(({ sparsity }) => sparsity * 176)).toEqual([53, 90, 106]);
    expect(experiment.finetunings.map(({ epochs, steps }) => [epochs, steps])).toEqual([
      [2, 6],
      [2, 6],
      [2, 6],
    ]);
  });

  test('ends where accuracy falls too far, with the sparsest model before that', async () => {
    const model = smallModel();
    const weights: number[][][] = [];
    const { best, stoppedBy } = await run(model, {
      targetSparsity: 0.9,
      maxAccuracyDrop: 0.05,
      evaluate: accuracies(0.9, 0.89, 0.86, 0.84),
      onProgress: ({ phase }) => void (phase === 'epoch' && weights.push(bitsOf(model))),
    });
    expect(stoppedBy).toBe('accuracy');
    expect(best).toEqual({ sparsity: 90 / 176, accuracy: 0.86, loss: undefined });
    expect(bitsOf(model)).toEqual(weights[1]);
    expect(prune.sparsity(model).zeros).toBe(90);
  });

  test('keeps the most accurate epoch of equally sparse ones', async () => {
    const model = smallModel();
    const weights: number[][][] = [];
    const { best } = await run(model, {
      targetSparsity: 0.3,
      epochs: 3,
      evaluate: accuracies(0.9, 0.5, 0.7, 0.6),
      onProgress: ({ phase }) => void (phase === 'epoch' && weights.push(bitsOf(model))),
    });
    expect(best.accuracy).toBe(0.7);
    expect(bitsOf(model)).toEqual(weights[1]);
  });

  test('gives the unpruned model back where the first round is too much', async () => {
    const model = smallModel();
    const before = bitsOf(model);
    const { best } = await run(model, { maxAccuracyDrop: 0.01, evaluate: accuracies(0.9, 0.5) });
    expect(best.sparsity).toBe(0);
    expect(bitsOf(model)).toEqual(before);
    expect(prune.isPruned(model)).toBe(false);
  });

  test('trains on pipelines, and asks for one of each epoch where that is a function', async () => {
    const { xs, ys } = smallData();
    const rows = await Promise.all([xs.array(), ys.array()]);
    const pipeline = (): tf.data.Dataset<tf.TensorContainer> =>
      tf.data.zip({ xs: tf.data.array(rows[0]), ys: tf.data.array(rows[1]) }).batch(8);
    const [one, other] = [smallModel(), smallModel()];
    const asked: number[] = [];
    const options = { targetSparsity: 0.5, amountPerRound: 0.3 };
    await pruneAndFineTune(one, { train: pipeline(), validation: pipeline() }, options);
    const train = (epoch: number): tf.data.Dataset<tf.TensorContainer> => {
      asked.push(epoch);
      return pipeline();
    };
    await pruneAndFineTune(other, { train, validation: { xs, ys } }, options);
    expect(asked).toEqual([0, 1]);
    expect(bitsOf(other)).toEqual(bitsOf(one));
  });

  test('stops where the loss is no number, with the last good weights', async () => {
    const model = smallModel();
    const { xs, ys } = smallData(8);
    const poisoned = tf.tensor2d(new Float32Array(64).fill(Number.NaN), [8, 8]);
    const weights: number[][][] = [bitsOf(model)];
    const train = tf.data
      .array([0, 1, 2])
      .map((i) => ({ xs: tf.clone(i === 2 ? poisoned : xs), ys: tf.clone(ys) }));
    const stopped = pruneAndFineTune(
      model,
      { train, validation: { xs, ys } },
      {
        targetSparsity: 0.2,
        onProgress: () => void weights.push(bitsOf(model)),
      },
    );
    await expect(stopped).rejects.toThrowError(
      /diverged: the loss is NaN at round 0, epoch 0, batch 2 \(step 2\).*learning rate/,
    );
    // Pruned, after step 1, after step 2: the last step whose loss was a number began with those after step 1.
    expect(bitsOf(model)).toEqual(weights[2]);
    expect(prune.sparsity(model).zeros).toBe(35);
  });

  test('leaves no tensor behind', async () => {
    const model = smallModel();
    const { xs, ys } = smallData();
    await model.trainOnBatch(xs, ys);
    const options = { targetSparsity: 0.5, amountPerRound: 0.3, batchSize: 8, checkpoint: memory().place };
    const data = { train: { xs, ys }, validation: { xs, ys } };
    await expectNoLeak(async () => void (await pruneAndFineTune(model, data, options)));
  });

  test.each<[string, string, Partial<PruneAndFineTuneOptions>]>([
    ['argument', 'how far', { targetSparsity: undefined }],
    ['argument', 'targetSparsity', { targetSparsity: 1 }],
    ['argument', 'maxAccuracyDrop', { maxAccuracyDrop: -0.1 }],
    ['argument', 'amountPerRound', { amountPerRound: 0 }],
    ['argument', 'epochs', { epochs: 0 }],
    ['argument', 'saveEvery', { saveEvery: 1.5 }],
    ['argument', 'checkpoint', { checkpoint: 3 as never }],
    ['argument', 'accuracy', { evaluate: () => ({ loss: 1 }) }],
    ['argument', 'no option', { epoch: 3 } as never],
    ['unsupported', 'cannot load', { checkpoint: 'nowhere://x' }],
  ])('refuses with kind %s: %s', async (kind, message, options) => {
    const model = smallModel();
    const before = bitsOf(model);
    const caught: unknown = await run(model, options).catch((error: unknown) => error);
    expect(prune.isPruneError(caught) && caught.kind).toBe(kind);
    expect(String(caught)).toContain(message);
    expect(bitsOf(model)).toEqual(before);
  });

  test('refuses a model that is not compiled', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [8], units: 3 })] });
    await expect(run(model)).rejects.toThrowError(/not been compiled/);
  });
});
