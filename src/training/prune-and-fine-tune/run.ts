import type * as tf from '@tensorflow/tfjs';
import { PruneError } from '../../errors';
import { Experiment } from '../experiment/experiment';
import { describeOptimizer, optimizerState, restoreOptimizer } from '../optimizer-state';
import { PruningSchedule } from '../pruning-schedule';
import { checkFits, rewind, snapshot, variablesOf, type WeightSnapshot } from '../snapshot';
import { type Batch, batchesOf } from './batches';
import { Checkpoint } from './checkpoint';
import { type Measured, measure } from './evaluate';
import { checkFingerprint, fingerprintOf } from './fingerprint';
import { LastGood } from './last-good';
import type { FineTuneData, FineTuned, FineTuneProgress, PruneAndFineTuneOptions, Settings } from './options';
import { newProgress, type Progress, targetOf } from './state';

/** What a run is made from. */
export interface Task {
  readonly model: tf.LayersModel;
  readonly data: FineTuneData;
  readonly options: PruneAndFineTuneOptions;
  readonly settings: Settings;
}

/** One run of rounds, which can be left and taken up between any two steps. */
export class Run {
  readonly #task: Task;
  readonly #checkpoint: Checkpoint | undefined;
  readonly #schedule: PruningSchedule;
  readonly #progress: Progress;
  readonly #experiment: Experiment;
  readonly #lastGood: LastGood;
  #best: WeightSnapshot;

  private constructor(task: Task, parts: Parts) {
    this.#task = task;
    this.#checkpoint = parts.checkpoint;
    this.#schedule = parts.schedule;
    this.#progress = parts.progress;
    this.#experiment = parts.experiment;
    this.#best = parts.best;
    this.#lastGood = new LastGood(variablesOf(task.model));
  }

  /**
   * Takes a run up where the checkpoint holds one, else begins it.
   *
   * @param task What it is made from.
   * @throws {@link PruneError} as `pruneAndFineTune` does.
   */
  static async begin(task: Task): Promise<Run> {
    const { model, options, settings } = task;
    const { parameters, method, scope } = settings;
    options.signal?.throwIfAborted();
    const checkpoint = options.checkpoint === undefined ? undefined : new Checkpoint(options.checkpoint);
    let initialSparsity = 0;
    const schedule = new PruningSchedule(parameters, {
      schedule: (round) => targetOf(settings, initialSparsity, round),
      method,
      scope,
    });
    const kept = await checkpoint?.load();
    if (kept !== undefined && settings.resume) {
      checkFingerprint(kept.progress.fingerprint, fingerprintOf(model, settings, schedule));
      initialSparsity = kept.progress.initialSparsity;
      const experiment = Experiment.fromJSON(kept.experiment);
      checkFits(model, kept.weights);
      restoreOptimizer(model.optimizer, kept.optimizer);
      schedule.restore(kept.schedule);
      rewind(model, kept.weights, { masks: 'snapshot' });
      return new Run(task, {
        checkpoint,
        schedule,
        progress: { ...kept.progress },
        experiment,
        best: kept.best,
      });
    }
    initialSparsity = schedule.sparsity().sparsity;
    const baseline = await measure(model, task.data, options);
    const progress = newProgress(fingerprintOf(model, settings, schedule), baseline, initialSparsity);
    const experiment = new Experiment({ name: model.name, accuracy: baseline.accuracy });
    const run = new Run(task, { checkpoint, schedule, progress, experiment, best: snapshot(model) });
    await run.#save();
    return run;
  }

  /** @returns What was found, once it is found. The model is that then. */
  async toEnd(): Promise<FineTuned> {
    const { model } = this.#task;
    const progress = this.#progress;
    while (progress.stoppedBy === null) await this.#round();
    rewind(model, this.#best, { masks: 'snapshot' });
    const { baseline, best, stoppedBy } = progress;
    return { experiment: this.#experiment, baseline, best, stoppedBy };
  }

  /** Frees what the run keeps; the model stays. */
  dispose(): void {
    this.#lastGood.dispose();
  }

  async #round(): Promise<void> {
    const progress = this.#progress;
    const { epochs } = this.#task.settings;
    if (!progress.isPruned) this.#prune();
    while (progress.epoch < epochs) await this.#epoch();
    this.#experiment.addFinetuning({
      epochs,
      steps: progress.steps - progress.stepsBefore,
      optimiser: describeOptimizer(this.#task.model.optimizer),
      before: progress.before,
      after: progress.last,
    });
    this.#endRound();
    await this.#save();
  }

  #prune(): void {
    const progress = this.#progress;
    const { sparsity: before } = this.#schedule.sparsity();
    const { sparsity } = this.#schedule.step(progress.round);
    progress.isPruned = true;
    progress.before = progress.last;
    const fraction = before === 1 ? 0 : (sparsity - before) / (1 - before);
    this.#experiment.addPruning({
      method: this.#schedule.methodName(),
      parameters: this.#schedule.names(),
      amount: { fraction },
      sparsity,
    });
    this.#report('pruned', {});
  }

  async #epoch(): Promise<void> {
    const { data, options, settings } = this.#task;
    const progress = this.#progress;
    const number = progress.round * settings.epochs + progress.epoch;
    for await (const batch of batchesOf(data.train, number, progress.batch, settings)) {
      await this.#step(batch);
    }
    if (progress.batch === 0) throw new PruneError('argument', 'The training data have no batches.');
    const measured = await measure(this.#task.model, data, options);
    progress.last = measured;
    progress.roundBest = Math.max(progress.roundBest, measured.accuracy);
    progress.epoch++;
    progress.batch = 0;
    this.#keepBest(measured);
    await this.#save();
    this.#report('epoch', measured);
  }

  async #step(batch: Batch): Promise<void> {
    const { model, options, settings } = this.#task;
    const progress = this.#progress;
    try {
      await this.#stopIfAborted(options.signal);
      this.#lastGood.begin();
      const made = await model.trainOnBatch(batch.xs, batch.ys);
      const loss = Array.isArray(made) ? made[0]! : made;
      if (!Number.isFinite(loss)) throw this.#diverged(`the loss is ${loss}`);
      this.#lastGood.accept();
      progress.batch++;
      progress.steps++;
      if (progress.steps % settings.saveEvery === 0) await this.#save();
      this.#report('step', { loss });
    } finally {
      batch.xs.dispose();
      batch.ys.dispose();
    }
  }

  async #stopIfAborted(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted !== true) return;
    await this.#save();
    signal.throwIfAborted();
  }

  #diverged(what: string): PruneError {
    this.#lastGood.restore();
    const { round, epoch, batch, steps } = this.#progress;
    const where = `round ${round}, epoch ${epoch}, batch ${batch} (step ${steps})`;
    const message = `Training has diverged: ${what} at ${where}. The model has the weights of the last step whose loss was a number. Lower the learning rate, or look for NaN in the data.`;
    return new PruneError('state', message, { given: what });
  }

  #keepBest({ accuracy, loss }: Measured): void {
    const progress = this.#progress;
    const { sparsity } = this.#schedule.sparsity();
    if (!this.#isGoodEnough(accuracy)) return;
    const { best } = progress;
    if (sparsity < best.sparsity || (sparsity === best.sparsity && accuracy <= best.accuracy)) return;
    this.#best = snapshot(this.#task.model);
    progress.best = { sparsity, accuracy, loss };
  }

  #isGoodEnough(accuracy: number): boolean {
    const { maxAccuracyDrop } = this.#task.settings;
    return maxAccuracyDrop === undefined || accuracy >= this.#progress.baseline.accuracy - maxAccuracyDrop;
  }

  #endRound(): void {
    const progress = this.#progress;
    const { settings } = this.#task;
    const target = targetOf(settings, progress.initialSparsity, progress.round);
    if (!this.#isGoodEnough(progress.roundBest)) progress.stoppedBy = 'accuracy';
    else if (target >= settings.targetSparsity) progress.stoppedBy = 'sparsity';
    progress.round++;
    progress.isPruned = false;
    progress.epoch = 0;
    progress.roundBest = -1;
    progress.stepsBefore = progress.steps;
  }

  async #save(): Promise<void> {
    if (this.#checkpoint === undefined) return;
    const { model } = this.#task;
    const weights = snapshot(model);
    if (!hasOnlyNumbers(weights)) throw this.#diverged('a weight is no number');
    await this.#checkpoint.save({
      progress: this.#progress,
      schedule: this.#schedule.state(),
      experiment: this.#experiment.toJSON(),
      weights,
      best: this.#best,
      optimizer: optimizerState(model.optimizer),
    });
  }

  #report(phase: FineTuneProgress['phase'], { loss, accuracy }: Partial<Measured>): void {
    const { round, epoch, batch, steps } = this.#progress;
    const { sparsity } = this.#schedule.sparsity();
    this.#task.options.onProgress?.({ phase, round, epoch, batch, steps, sparsity, loss, accuracy });
  }
}

interface Parts {
  readonly checkpoint: Checkpoint | undefined;
  readonly schedule: PruningSchedule;
  readonly progress: Progress;
  readonly experiment: Experiment;
  readonly best: WeightSnapshot;
}

/** Whether all weights are numbers: a sum of zeros, unless something times zero is none. */
function hasOnlyNumbers({ weights }: WeightSnapshot): boolean {
  return weights.every(({ values }) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
    return sum === 0;
  });
}
