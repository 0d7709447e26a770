import * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { PruneError } from '../errors';
import type { Experiment } from './experiment/experiment';
import type { Metrics } from './experiment/records';
import { describeOptimizer } from './optimizer-state';
import { checkScheduleState, type PruningSchedule, type PruningScheduleState } from './pruning-schedule';
import { refused } from './refusal';

/** What a {@link PruningCallback} notes down. */
export interface PruningCallbackOptions {
  /** The record that a pruning and a fine-tuning are added to when training ends. It needs the `model`. */
  readonly experiment?: Experiment | undefined;
  /** The model that is trained, for the record. */
  readonly model?: tf.LayersModel | undefined;
}

type Logs = tf.Logs | undefined;

/**
 * Runs a {@link PruningSchedule} in `model.fit` and `model.fitDataset`: it prunes before each batch, and adds the sparsity
 * to the logs, so that it appears in the history and other callbacks see it.
 *
 * Steps are counted on from one `fit` to the next. At the end of training the schedule is asked for the number of steps
 * that are done, so an `end` that is the number of steps is reached, without a step to recover: let it end earlier.
 *
 * It works under another copy of tfjs too, and may stand in a list with other callbacks of tfjs.
 *
 * Source: `UpdatePruningStep` of TensorFlow's model optimization toolkit, which prunes at the same steps.
 *
 * @example
 * ```ts
 * const schedule = new PruningSchedule(prune.parameters(model), {
 *   schedule: polynomialSchedule({ finalSparsity: 0.8, end: 400 }),
 * });
 * await model.fitDataset(train, { epochs: 5, callbacks: new PruningCallback(schedule) });
 * ```
 */
export class PruningCallback extends tf.CustomCallback {
  readonly #schedule: PruningSchedule;
  readonly #options: PruningCallbackOptions;
  #done = 0;
  #run = new Run(0);

  /**
   * @param schedule What prunes.
   * @param options What to note down.
   * @throws {@link PruneError} `argument` for what is no schedule, and for an experiment without a model.
   */
  constructor(schedule: PruningSchedule, options: PruningCallbackOptions = {}) {
    checkOptions(options, ['experiment', 'model']);
    if (typeof Object(schedule).step !== 'function') throw refused('schedule', schedule, 'a PruningSchedule');
    if (options.experiment !== undefined && options.model === undefined) {
      throw new PruneError('argument', 'An experiment needs the model that is trained: give it as `model`.');
    }
    super({
      onTrainBegin: () => {
        this.#run = new Run(this.#schedule.sparsity().sparsity);
      },
      onBatchBegin: () => void this.#schedule.step(this.#done),
      onBatchEnd: (_batch, logs) => this.#batchEnd(logs),
      onEpochEnd: (_epoch, logs) => this.#epochEnd(logs),
      onTrainEnd: () => this.#trainEnd(),
    });
    this.#schedule = schedule;
    this.#options = options;
    // Another copy of tfjs takes what is no callback of its own for an object of functions, and calls them without `this`.
    this.onTrainBegin = this.onTrainBegin.bind(this);
    this.onTrainEnd = this.onTrainEnd.bind(this);
    this.onEpochBegin = this.onEpochBegin.bind(this);
    this.onEpochEnd = this.onEpochEnd.bind(this);
    this.onBatchBegin = this.onBatchBegin.bind(this);
    this.onBatchEnd = this.onBatchEnd.bind(this);
  }

  /** @returns How many steps are done, and the default random generator: plain data. */
  state(): PruningScheduleState {
    return { ...this.#schedule.state(), step: this.#done };
  }

  /**
   * Goes on where a callback stood, in this process or another. The weights and masks must be there already, and for a run
   * that equals an unbroken one to the bit the optimizer's state ({@link restoreOptimizer}).
   *
   * @param state What {@link PruningCallback.state} gave, also after JSON.
   * @throws {@link PruneError} `argument` for anything else, with nothing changed.
   */
  restore(state: PruningScheduleState): void {
    checkScheduleState(state);
    this.#schedule.restore(state);
    this.#done = state.step;
  }

  #batchEnd(logs: Logs): void {
    this.#done++;
    this.#run.steps++;
    const metrics = metricsOf(logs);
    this.#run.first ??= metrics;
    this.#run.last = metrics;
    if (logs !== undefined) logs.sparsity = this.#schedule.sparsity().sparsity;
  }

  #epochEnd(logs: Logs): void {
    this.#run.epochs++;
    if (logs !== undefined) logs.sparsity = this.#schedule.sparsity().sparsity;
  }

  #trainEnd(): void {
    const { sparsity } = this.#schedule.step(this.#done);
    const { experiment, model } = this.#options;
    const { epochs, steps, first, last, sparsityBefore } = this.#run;
    if (experiment === undefined || model === undefined) return;
    if (sparsity > sparsityBefore) {
      const method = this.#schedule.methodName();
      const amount = (sparsity - sparsityBefore) / (1 - sparsityBefore);
      experiment.addPruning({
        method,
        parameters: this.#schedule.names(),
        amount: { fraction: amount },
        sparsity,
      });
    }
    const optimiser = describeOptimizer(model.optimizer);
    experiment.addFinetuning({ epochs, steps, optimiser, before: first ?? {}, after: last ?? {} });
  }
}

/** What happened from the beginning of a training to its end. */
class Run {
  epochs = 0;
  steps = 0;
  first: Metrics | undefined;
  last: Metrics | undefined;
  constructor(readonly sparsityBefore: number) {}
}

function metricsOf(logs: Logs): Metrics {
  const { loss, acc, accuracy = acc } = logs ?? {};
  return { ...(loss === undefined ? {} : { loss }), ...(accuracy === undefined ? {} : { accuracy }) };
}
