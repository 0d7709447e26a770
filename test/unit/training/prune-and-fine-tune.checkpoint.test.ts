import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as prune from 'tfjs-prune';
import { type FineTuneProgress, pruneAndFineTune } from 'tfjs-prune/training';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { bitsOf, optimizers, smallData, smallModel } from './small-model';
import { memory, run, saveOf } from './small-runs';

beforeAll(() => useBackend('cpu'));
afterEach(() => void prune.manualSeed(67280421310721));

describe('the checkpoint of pruneAndFineTune', () => {
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

  test('a checkpoint that holds anything else is read or refused, with nothing changed', async () => {
    const { place, slots } = memory();
    const controller = new AbortController();
    const onProgress = ({ steps }: FineTuneProgress): void => void (steps === 4 && controller.abort());
    await run(smallModel(), { checkpoint: place, signal: controller.signal, onProgress }).catch(() => {});
    const whole = [...slots.values()].sort((a, b) => saveOf(b) - saveOf(a))[0]!;
    const text = JSON.stringify({
      userDefinedMetadata: whole.userDefinedMetadata,
      weightSpecs: whole.weightSpecs,
    });
    // The words, numbers and literals of the JSON, each of which is replaced in turn.
    const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null/g)];
    const generator = text.indexOf('"words"');
    const targets = tokens.filter(({ index }) => index < generator || index > text.indexOf(']', generator));
    const values = fc.constantFrom('null', '-1', '1.5', '1e99', '"x"', '[]', '{}', 'true');
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...targets), values, async ({ 0: token, index }, value) => {
        let parsed: tf.io.ModelArtifacts;
        try {
          parsed = JSON.parse(text.slice(0, index) + value + text.slice(index + token.length));
        } catch {
          return; // a name of a field became a number
        }
        const artifacts = { modelTopology: {}, weightData: whole.weightData!, ...parsed };
        const model = smallModel();
        const before = bitsOf(model);
        const loading = (): tf.io.IOHandler => ({
          load: async () => artifacts,
          save: async () => Promise.reject('no'),
        });
        const error: unknown = await run(model, { checkpoint: loading, saveEvery: 99 }).catch(
          (caught) => caught,
        );
        if (prune.isPruneError(error)) expect(bitsOf(model)).toEqual(before);
        else expect(error === 'no' || typeof error === 'object').toBe(true);
        expect(error instanceof TypeError || error instanceof RangeError).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  test.each<[string, object]>([
    ['no fingerprint', { fingerprint: undefined }],
    ['−1 steps', { steps: -1 }],
    ['half a round', { round: 0.5 }],
    ['an accuracy of 2', { baseline: { accuracy: 2 } }],
    ['a best model of no sparsity', { best: { accuracy: 0.5 } }],
    ['another end', { stoppedBy: 'boredom' }],
  ])('of %s is damaged', async (_what, change) => {
    const { place, slots } = memory();
    await run(smallModel(), { checkpoint: place });
    for (const { userDefinedMetadata } of slots.values()) {
      Object.assign(Reflect.get(Reflect.get(userDefinedMetadata!, 'tfjs-prune-run'), 'run').progress, change);
    }
    const refused = run(smallModel(), { checkpoint: place });
    await expect(refused).rejects.toSatisfy((error) => prune.isPruneError(error, 'file'));
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
});
