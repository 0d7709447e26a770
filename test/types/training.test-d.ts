// Checked by `npm run check`, as prune.test-d.ts.
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import {
  constantSchedule,
  Experiment,
  type ExperimentData,
  type FineTuned,
  optimizerState,
  type PruningCallback,
  PruningSchedule,
  type PruningScheduleState,
  polynomialSchedule,
  pruneAndFineTune,
  type SparsitySchedule,
  snapshot,
  type WeightSnapshot,
} from 'tfjs-prune/training';
import { describe, expectTypeOf, it } from 'vitest';

declare const model: tf.LayersModel;
declare const examples: { xs: tf.Tensor; ys: tf.Tensor };
declare const images: tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>;

describe('tfjs-prune/training', () => {
  it('has schedules that are functions of the step', () => {
    expectTypeOf(constantSchedule({ finalSparsity: 0.5 })).toEqualTypeOf<SparsitySchedule>();
    expectTypeOf<SparsitySchedule>().toEqualTypeOf<(step: number) => number>();
    // @ts-expect-error A ramp must end.
    polynomialSchedule({ finalSparsity: 0.5 });
  });

  it('takes methods as classes, as functions of the amount, and as N:M', () => {
    const make = (method: prune.BasePruningMethod): PruningSchedule =>
      new PruningSchedule([], { schedule: () => 0.5, method: () => method });
    expectTypeOf(make).returns.toEqualTypeOf<PruningSchedule>();
    const options = { schedule: () => 0.5 };
    new PruningSchedule([], { ...options, method: prune.RandomStructured });
    new PruningSchedule([], { ...options, method: (amount) => new prune.LnStructured(amount, 2, 'out') });
    new PruningSchedule([], { ...options, method: { m: 4 } });
    // @ts-expect-error Needs more than the amount.
    new PruningSchedule([], { ...options, method: prune.LnStructured });
    // @ts-expect-error There is no such scope.
    new PruningSchedule([], { ...options, scope: 'everything' });
  });

  it('has a callback for fit and fitDataset', () => {
    const fit = async (callbacks: PruningCallback): Promise<void> => {
      await model.fit(examples.xs, examples.ys, { callbacks });
      await model.fitDataset(images, { epochs: 1, callbacks: [callbacks, tf.callbacks.earlyStopping()] });
    };
    expectTypeOf(fit).parameter(0).toExtend<tf.CustomCallback>();
    expectTypeOf<PruningCallback['state']>().returns.toEqualTypeOf<PruningScheduleState>();
  });

  it('prunes and fine-tunes on tensors and pipelines', () => {
    const both = (): Promise<FineTuned> =>
      pruneAndFineTune(model, { train: images, validation: examples }, { targetSparsity: 0.5 });
    expectTypeOf(both).returns.resolves.toEqualTypeOf<FineTuned>();
    pruneAndFineTune(
      model,
      { train: (epoch) => images.take(epoch) },
      { maxAccuracyDrop: 0.1, checkpoint: 'x://y' },
    );
    // @ts-expect-error Targets are missing.
    pruneAndFineTune(model, { train: { xs: examples.xs } }, { targetSparsity: 0.5 });
  });

  it('has records and copies', () => {
    expectTypeOf<Experiment['toJSON']>().returns.toEqualTypeOf<ExperimentData>();
    expectTypeOf(Experiment.of).returns.toEqualTypeOf<Experiment | undefined>();
    expectTypeOf(snapshot).returns.toEqualTypeOf<WeightSnapshot>();
    expectTypeOf(optimizerState).parameter(0).toEqualTypeOf<tf.Optimizer>();
    // @ts-expect-error An amount of a record is checked: a fraction or a count by name.
    new Experiment({ name: 'x' }).addPruning({ method: 'x', parameters: [], amount: 0.5, sparsity: 0.5 });
  });
});
