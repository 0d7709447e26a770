import type { ExperimentData, Metrics } from '../experiment/records';
import type { OptimizerState } from '../optimizer-state';
import type { PruningScheduleState } from '../pruning-schedule';
import type { WeightSnapshot } from '../snapshot';
import type { Measured } from './evaluate';
import type { BestFound, Settings } from './options';

/** How far a run has come: plain data. */
export interface Progress {
  /** What was asked for; a run is resumed only by the same. */
  readonly fingerprint: string;
  readonly baseline: Measured;
  /** Sparsity before the first round. */
  readonly initialSparsity: number;
  round: number;
  /** Whether this round has been pruned. */
  isPruned: boolean;
  /** How many epochs of this round have been trained and evaluated. */
  epoch: number;
  /** How many batches of the next one are done. */
  batch: number;
  /** Steps of all rounds, and those before this round. */
  steps: number;
  stepsBefore: number;
  /** Of the model before this round. */
  before: Metrics;
  /** As last evaluated. */
  last: Measured;
  /** The best accuracy of this round, −1 before the first evaluation. */
  roundBest: number;
  best: BestFound;
  stoppedBy: 'sparsity' | 'accuracy' | null;
}

/** All that a run needs to go on. */
export interface RunState {
  readonly progress: Progress;
  readonly schedule: PruningScheduleState;
  readonly experiment: ExperimentData;
  readonly weights: WeightSnapshot;
  readonly best: WeightSnapshot;
  readonly optimizer: OptimizerState;
}

/**
 * @param fingerprint What was asked for.
 * @param baseline The unpruned model, measured.
 * @param initialSparsity Before the first round.
 * @returns A run that has not begun.
 */
export function newProgress(fingerprint: string, baseline: Measured, initialSparsity: number): Progress {
  return {
    fingerprint,
    baseline,
    initialSparsity,
    round: 0,
    isPruned: false,
    epoch: 0,
    batch: 0,
    steps: 0,
    stepsBefore: 0,
    before: baseline,
    last: baseline,
    roundBest: -1,
    best: { sparsity: initialSparsity, accuracy: baseline.accuracy, loss: baseline.loss },
    stoppedBy: null,
  };
}

/** The sparsity of a round: each takes the same share of what the one before has left. */
export function targetOf(
  { targetSparsity, amountPerRound }: Settings,
  initialSparsity: number,
  round: number,
): number {
  return Math.min(targetSparsity, 1 - (1 - initialSparsity) * (1 - amountPerRound) ** (round + 1));
}

const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;

/**
 * @param progress What a file has for the progress of a run.
 * @returns Whether it is such.
 */
export function isProgress(progress: unknown): progress is Progress {
  const fields = Object(progress) as Partial<Record<keyof Progress, unknown>>; // each is checked
  const { baseline, last, best, before } = fields;
  const counts = [fields.round, fields.epoch, fields.batch, fields.steps, fields.stepsBefore];
  return (
    typeof fields.fingerprint === 'string' &&
    typeof fields.isPruned === 'boolean' &&
    [null, 'sparsity', 'accuracy'].includes(fields.stoppedBy as string | null) &&
    counts.every((count) => Number.isSafeInteger(count) && Number(count) >= 0) &&
    [baseline, last, best].every((metrics) => isShare(Object(metrics).accuracy)) &&
    isShare(Object(best).sparsity) &&
    isShare(fields.initialSparsity) &&
    (fields.roundBest === -1 || isShare(fields.roundBest)) &&
    typeof before === 'object' &&
    before !== null
  );
}
