import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { type FineTuneProgress, type PruneAndFineTuneOptions, pruneAndFineTune } from 'tfjs-prune/training';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { bitsOf, optimizers, smallData, smallModel } from './small-model';

beforeAll(() => useBackend('cpu'));
afterEach(() => void prune.manualSeed(67280421310721));

/** Two places in memory. */
function memory(): { place: (slot: string) => tf.io.IOHandler; slots: Map<string, tf.io.ModelArtifacts> } {
  const slots = new Map<string, tf.io.ModelArtifacts>();
  const place = (slot: string): tf.io.IOHandler => ({
    save: async (artifacts) => {
      slots.set(slot, {
        ...artifacts,
        userDefinedMetadata: JSON.parse(JSON.stringify(artifacts.userDefinedMetadata)),
      });
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
    load: async () => {
      const kept = slots.get(slot);
      if (kept === undefined) throw new Error('nothing there');
      return kept;
    },
  });
  return { place, slots };
}

function run(
  model: tf.LayersModel,
  options: Partial<PruneAndFineTuneOptions> = {},
): ReturnType<typeof pruneAndFineTune> {
  const examples = smallData();
  const settings = { targetSparsity: 0.5, amountPerRound: 0.3, batchSize: 8, ...options };
  return pruneAndFineTune(model, { train: examples, validation: examples }, settings);
}

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

  // tfjs's centred RMSProp takes roots of what rounding makes negative, which a run refuses to go on with.
  const steady = Object.entries(optimizers).filter(([name]) => name !== 'centred rmsprop');
  test.each(steady)('stopped and resumed under %s equals unbroken to the bit', async (_name, optimizer) => {
    const random = { method: prune.RandomUnstructured, epochs: 2 };
    prune.manualSeed(4);
    const unbroken = smallModel(optimizer());
    const whole = await run(unbroken, random);

    prune.manualSeed(4);
    const { place } = memory();
    const first = smallModel(optimizer());
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopped = run(first, {
      ...random,
      checkpoint: place,
      saveEvery: 100, // an abort saves too
      signal: controller.signal,
      onProgress: ({ steps }) => void (steps === 8 && controller.abort(reason)), // mid-epoch of the second round
    });
    await expect(stopped).rejects.toBe(reason);
    prune.manualSeed(99);
    const second = smallModel(optimizer());
    const steps: number[] = [];
    const resumed = await run(second, {
      ...random,
      checkpoint: place,
      onProgress: (progress) => void (progress.phase === 'step' && steps.push(progress.steps)),
    });
    expect(steps[0]).toBe(9);
    expect(bitsOf(second)).toEqual(bitsOf(unbroken));
    expect(resumed.best).toEqual(whole.best);
    expect(resumed.experiment.toJSON()).toEqual(whole.experiment.toJSON());
    const again = smallModel(optimizer());
    await run(again, { ...random, checkpoint: place, onProgress: () => expect.unreachable('it is done') });
    expect(bitsOf(again)).toEqual(bitsOf(unbroken));
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

  test('takes the whole one of two saves, and refuses where neither is', async () => {
    const { place, slots } = memory();
    await run(smallModel(), { checkpoint: place });
    const [newest, older] = [...slots].sort(([, a], [, b]) => saveOf(b) - saveOf(a));
    newest![1].weightData = tf.io.CompositeArrayBuffer.join(newest![1].weightData).slice(0, 100);
    const steps: number[] = [];
    await run(smallModel(), { checkpoint: place, onProgress: ({ phase }) => void steps.push(phase.length) });
    expect(steps.length).toBeLessThan(3);
    for (const [slot, artifacts] of slots) slots.set(slot, { ...artifacts, weightData: new ArrayBuffer(8) });
    const refused = run(smallModel(), { checkpoint: place });
    await expect(refused).rejects.toSatisfy((error) => prune.isPruneError(error, 'file'));
    expect(older).toBeDefined();
  });

  test('goes on in the middle of a pipeline', async () => {
    const { xs, ys } = smallData();
    const [inputs, targets] = await Promise.all([xs.array(), ys.array()]);
    const train = (): tf.data.Dataset<tf.TensorContainer> =>
      tf.data.zip({ xs: tf.data.array(inputs), ys: tf.data.array(targets) }).batch(4);
    const data = { train, validation: { xs, ys } };
    const unbroken = smallModel();
    await pruneAndFineTune(unbroken, data, { targetSparsity: 0.2 });
    const { place } = memory();
    const controller = new AbortController();
    const stopped = pruneAndFineTune(smallModel(), data, {
      targetSparsity: 0.2,
      checkpoint: place,
      signal: controller.signal,
      onProgress: ({ steps }) => void (steps === 4 && controller.abort()),
    });
    await expect(stopped).rejects.toThrowError();
    const model = smallModel();
    await pruneAndFineTune(model, data, { targetSparsity: 0.2, checkpoint: place });
    expect(bitsOf(model)).toEqual(bitsOf(unbroken));
  });

  test('stops before it keeps weights that are no numbers, though the loss is one', async () => {
    const model = smallModel();
    model.compile({
      optimizer: tf.train.sgd(0.05),
      // √0 is 0, and its gradient infinite.
      loss: (labels, logits) =>
        tf.losses.softmaxCrossEntropy(labels, logits).add(logits.sub(logits).sqrt().sum()),
      metrics: ['accuracy'],
    });
    const { place, slots } = memory();
    let pruned: number[][] = [];
    const stopped = run(model, {
      checkpoint: place,
      onProgress: ({ phase }) => {
        if (phase === 'pruned') pruned = bitsOf(model);
      },
    });
    await expect(stopped).rejects.toThrowError(/diverged: a weight is no number/);
    expect(bitsOf(model).slice(0, 6)).toEqual(pruned.slice(0, 6));
    expect([...slots.keys()]).toHaveLength(1); // what was kept before the first step
  });

  test('notices two saves of which each has left a part', async () => {
    const { place, slots } = memory();
    await run(smallModel(), { checkpoint: place });
    const [[first, a], [second, b]] = [...slots] as [
      [string, tf.io.ModelArtifacts],
      [string, tf.io.ModelArtifacts],
    ];
    slots.set(first, { ...a, weightData: b.weightData! });
    slots.set(second, { ...b, weightData: a.weightData! });
    await expect(run(smallModel(), { checkpoint: place })).rejects.toThrowError(
      /parts are of different saves/,
    );
  });

  test('comes to the same on wasm, resumed or not', async () => {
    await useBackend('wasm');
    try {
      const unbroken = smallModel(tf.train.adam(0.01));
      await run(unbroken);
      const { place } = memory();
      const controller = new AbortController();
      const options = { checkpoint: place, signal: controller.signal };
      const onProgress = ({ steps }: FineTuneProgress): void => void (steps === 4 && controller.abort());
      await expect(run(smallModel(tf.train.adam(0.01)), { ...options, onProgress })).rejects.toThrowError();
      const model = smallModel(tf.train.adam(0.01));
      await run(model, { checkpoint: place });
      expect(bitsOf(model)).toEqual(bitsOf(unbroken));
    } finally {
      await useBackend('cpu');
    }
  });

  test('refuses the checkpoint of another run, and begins anew where it is told to', async () => {
    const { place } = memory();
    await run(smallModel(), { checkpoint: place });
    const model = smallModel();
    const before = bitsOf(model);
    const other = run(model, { checkpoint: place, targetSparsity: 0.4 });
    await expect(other).rejects.toThrowError(/checkpoint is of another run/);
    expect(bitsOf(model)).toEqual(before);
    const { best } = await run(model, { checkpoint: place, targetSparsity: 0.4, resume: false });
    expect(best.sparsity).toBe(70 / 176);
  });

  test('knows the model again whose layers have other numbers in their names', async () => {
    const unnamed = (): tf.LayersModel => {
      const model = tf.sequential({
        layers: [tf.layers.dense({ inputShape: [8], units: 3, activation: 'softmax' })],
      });
      model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
      return model;
    };
    const { place } = memory();
    await run(unnamed(), { checkpoint: place });
    const { best } = await run(unnamed(), { checkpoint: place });
    expect(best.sparsity).toBe(12 / 24);
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

function saveOf({ userDefinedMetadata }: tf.io.ModelArtifacts): number {
  return Reflect.get(Reflect.get(userDefinedMetadata!, 'tfjs-prune-run'), 'save');
}
