import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import {
  cosineSchedule,
  Experiment,
  optimizerState,
  PruningCallback,
  PruningSchedule,
  polynomialSchedule,
  restoreOptimizer,
  rewind,
  snapshot,
} from 'tfjs-prune/training';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { bitsOf, optimizers, smallData, smallModel } from './small-model';

beforeAll(() => useBackend('cpu'));
afterEach(() => void prune.manualSeed(67280421310721));

const FIT = { batchSize: 8, shuffle: false, verbose: 0 } as const; // three batches an epoch

function scheduleFor(
  model: tf.LayersModel,
  method: typeof prune.L1Unstructured = prune.L1Unstructured,
): PruningSchedule {
  return new PruningSchedule(prune.parameters(model), {
    schedule: polynomialSchedule({ finalSparsity: 0.75, end: 8, frequency: 1 }),
    scope: 'global',
    method,
  });
}

describe('PruningCallback', () => {
  test('prunes before each batch to what the schedule says, and logs it', async () => {
    const model = smallModel();
    const { xs, ys } = smallData();
    const schedule = polynomialSchedule({ finalSparsity: 0.75, end: 8, frequency: 1 });
    const expected = Array.from({ length: 9 }, (_, step) => Math.round(schedule(step) * 176));
    const seen: number[] = [];
    const watcher = new tf.CustomCallback({
      onBatchEnd: async (_batch, logs) => {
        expect(prune.sparsity(model).zeros).toBe(Math.round(logs!.sparsity! * 176));
        seen.push(prune.sparsity(model).zeros);
      },
    });
    const history = await model.fit(xs, ys, {
      ...FIT,
      epochs: 3,
      callbacks: [new PruningCallback(scheduleFor(model)), watcher],
    });
    expect(seen).toEqual(expected);
    expect(history.history.sparsity).toEqual([expected[2]! / 176, expected[5]! / 176, expected[8]! / 176]);
  });

  test('works in fitDataset, and comes to the end of the schedule when training ends', async () => {
    const model = smallModel();
    const { xs, ys } = smallData(16);
    const data = tf.data
      .zip({ xs: tf.data.array(await xs.array()), ys: tf.data.array(await ys.array()) })
      .batch(4);
    await model.fitDataset(data as tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>, {
      epochs: 2, // eight steps
      verbose: 0,
      callbacks: new PruningCallback(scheduleFor(model)),
    });
    expect(prune.sparsity(model).zeros).toBe(132);
  });

  test('works where another copy of tfjs wraps it as an object of functions', async () => {
    const model = smallModel();
    const { xs, ys } = smallData();
    const callback = new PruningCallback(scheduleFor(model));
    const foreign = Object.fromEntries(
      (
        ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd'] as const
      ).map((name) => [name, callback[name]]),
    );
    const history = await model.fit(xs, ys, { ...FIT, epochs: 3, callbacks: foreign });
    expect(prune.sparsity(model).zeros).toBe(132);
    expect(history.history.sparsity?.at(-1)).toBe(0.75);
  });

  test.each(Object.entries(optimizers))('masks hold under %s', async (_name, optimizer) => {
    const model = smallModel(optimizer());
    const { xs, ys } = smallData();
    const callback = new PruningCallback(scheduleFor(model));
    await model.fit(xs, ys, { ...FIT, epochs: 3, callbacks: callback });
    await model.fit(xs, ys, { ...FIT, epochs: 2 });
    expect(prune.sparsity(model).zeros).toBe(132);
  });

  test.each(Object.entries(optimizers))(
    'resumed under %s equals unbroken to the bit',
    async (name, optimizer) => {
      const { xs, ys } = smallData();
      prune.manualSeed(5);
      const unbroken = smallModel(optimizer());
      const whole = new PruningCallback(scheduleFor(unbroken, prune.RandomUnstructured));
      await unbroken.fit(xs, ys, { ...FIT, epochs: 3, callbacks: whole });

      prune.manualSeed(5);
      const first = smallModel(optimizer());
      const before = new PruningCallback(scheduleFor(first, prune.RandomUnstructured));
      await first.fit(xs, ys, { ...FIT, epochs: 1, callbacks: before });
      const saved = {
        weights: snapshot(first),
        optimizer: optimizerState(first.optimizer),
        callback: JSON.stringify(before.state()),
      };
      prune.manualSeed(99);

      const second = smallModel(optimizer());
      rewind(second, saved.weights, { masks: 'snapshot' });
      restoreOptimizer(second.optimizer, saved.optimizer);
      const after = new PruningCallback(scheduleFor(second, prune.RandomUnstructured));
      after.restore(JSON.parse(saved.callback));
      await second.fit(xs, ys, { ...FIT, epochs: 3, initialEpoch: 1, callbacks: after });
      expect(bitsOf(second)).toEqual(bitsOf(unbroken));
      // tfjs's centred RMSProp takes roots of what rounding makes negative.
      if (name !== 'centred rmsprop')
        expect(second.getWeights().every((weight) => weight.isFinite().all().dataSync()[0] === 1)).toBe(true);
      expect(after.state()).toEqual(whole.state());
    },
  );

  test('notes down a pruning and a fine-tuning', async () => {
    const model = smallModel(tf.train.momentum(0.05, 0.9));
    const { xs, ys } = smallData();
    const experiment = new Experiment({ name: 'small' });
    const callback = new PruningCallback(scheduleFor(model), { experiment, model });
    await model.fit(xs, ys, { ...FIT, epochs: 3, callbacks: callback });
    expect(experiment.prunings).toEqual([
      {
        method: 'L1Unstructured',
        parameters: ['hidden.weight', 'head.weight'],
        amount: { fraction: 0.75 },
        sparsity: 0.75,
      },
    ]);
    const [finetuning] = experiment.finetunings;
    expect(finetuning).toMatchObject({ epochs: 3, steps: 9, before: {}, after: {} });
    expect(finetuning?.optimiser).toContain('Momentum (learningRate 0.05');
    expect(finetuning?.after.loss).toBeTypeOf('number');
    expect(finetuning?.after.accuracy).toBeTypeOf('number');
  });

  test('refuses an experiment without a model, and what is no schedule', () => {
    const experiment = new Experiment({ name: 'small' });
    expect(() => new PruningCallback(scheduleFor(smallModel()), { experiment })).toThrowError(
      /needs the model/,
    );
    // @ts-expect-error A function of the step is not a PruningSchedule.
    expect(() => new PruningCallback(cosineSchedule({ finalSparsity: 0.5, end: 5 }))).toThrowError(
      /PruningSchedule/,
    );
  });

  test('leaves no tensor behind', async () => {
    const model = smallModel();
    const { xs, ys } = smallData();
    await model.fit(xs, ys, { ...FIT, epochs: 1 });
    const callback = new PruningCallback(scheduleFor(model));
    await expectNoLeak(
      async () => void (await model.fit(xs, ys, { ...FIT, epochs: 2, callbacks: callback })),
    );
  });
});
