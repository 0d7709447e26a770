import type * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../../core/options';
import { PruneError } from '../../errors';
import { L1Unstructured } from '../../methods/l1-unstructured';
import { parameters as parametersOf } from '../../methods/parameters';
import type { NamedParameter } from '../../methods/prune-together';
import type { Experiment } from '../experiment/experiment';
import type { Metrics } from '../experiment/records';
import { checkWhole, refused } from '../refusal';
import type { ScheduledMethod } from '../scheduled-method';

/** Examples and what the model is to say of them. */
export interface Examples {
  /** Inputs, the first axis counting examples. */
  readonly xs: tf.Tensor;
  /** Targets, the first axis counting examples. */
  readonly ys: tf.Tensor;
}

/** A tf.data pipeline whose elements are batches: `{ xs, ys }`. */
export type BatchedDataset = tf.data.Dataset<tf.TensorContainer>;

/** What a model is fine-tuned and judged on. */
export interface FineTuneData {
  /**
   * Tensors, which are shuffled by a seed; a pipeline of batches that gives the same ones each time; or a function that
   * makes the pipeline of an epoch, counted from 0 over all rounds, so that each may have its own order.
   */
  readonly train: Examples | BatchedDataset | ((epoch: number) => BatchedDataset | Promise<BatchedDataset>);
  /** What accuracy is measured on. Not needed where `evaluate` measures it. */
  readonly validation?: Examples | BatchedDataset | undefined;
}

/** Where a run is kept; see {@link PruneAndFineTuneOptions.checkpoint}. */
export type CheckpointPlace = string | ((slot: 'a' | 'b') => string | tf.io.IOHandler);

/** What has just happened. */
export interface FineTuneProgress {
  /** A pruning, a step of training, or an epoch that has been evaluated. */
  readonly phase: 'pruned' | 'step' | 'epoch';
  /** Counts from 0. */
  readonly round: number;
  /** In this round; counts from 0. */
  readonly epoch: number;
  /** How many batches of the epoch are done. */
  readonly batch: number;
  /** How many steps are done in all rounds. */
  readonly steps: number;
  /** What share of the parameters is pruned. */
  readonly sparsity: number;
  /** Of the step's batch; of an epoch, as evaluated. */
  readonly loss: number | undefined;
  /** Of an epoch, as evaluated. */
  readonly accuracy: number | undefined;
}

/** What to prune, how far, and how to train in between. At least one of `targetSparsity` and `maxAccuracyDrop`. */
export interface PruneAndFineTuneOptions {
  /** The sparsity to come to, in (0, 1); 0.99 where only the drop is given. */
  readonly targetSparsity?: number | undefined;
  /** By how much accuracy may fall below the unpruned model's, in [0, 1]; without it there is no limit. */
  readonly maxAccuracyDrop?: number | undefined;
  /** What share of what is left a round prunes, in (0, 1); 0.2 by default. */
  readonly amountPerRound?: number | undefined;
  /** How many epochs a round trains, a whole number ≥ 1; 1 by default. */
  readonly epochs?: number | undefined;
  /** What to prune; all that `parameters(model)` lists by default. */
  readonly parameters?: Iterable<NamedParameter> | undefined;
  /** What chooses the weights that go; {@link L1Unstructured} by default. */
  readonly method?: ScheduledMethod | undefined;
  /** As of {@link PruningScheduleOptions}; `'global'` by default. */
  readonly scope?: 'local' | 'global' | undefined;
  /** How many examples a batch has where the data are tensors; 32 by default. */
  readonly batchSize?: number | undefined;
  /** Of the shuffling of tensors, a whole number ≥ 0; 0 by default. */
  readonly seed?: number | undefined;
  /** Measures the model instead of `model.evaluate` on the validation data. It must give an accuracy. */
  readonly evaluate?: ((model: tf.LayersModel) => Metrics | Promise<Metrics>) | undefined;
  /** Called after each pruning, step and epoch. */
  readonly onProgress?: ((progress: FineTuneProgress) => void) | undefined;
  /** Stops the run before the next step. It can be resumed from the checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Where the run is kept: a URL of tfjs such as `'indexeddb://run'`, or a function from a slot, `'a'` or `'b'`, to a URL or a
   * handler. The two are written in turn, so that one is whole whenever the process is killed.
   */
  readonly checkpoint?: CheckpointPlace | undefined;
  /** Every how many steps to write the checkpoint, a whole number ≥ 1; 1 by default. */
  readonly saveEvery?: number | undefined;
  /** Whether to go on with what the checkpoint holds, if it holds something; true by default. */
  readonly resume?: boolean | undefined;
}

/** What has come out. */
export interface FineTuned {
  /** What was done, for the record. */
  readonly experiment: Experiment;
  /** Of the unpruned model. */
  readonly baseline: Metrics;
  /** Of the model as it is now: the best that was found. */
  readonly best: BestFound;
  /** What ended the run: the sparsity that was to come to, or the accuracy that fell too far. */
  readonly stoppedBy: 'sparsity' | 'accuracy';
}

/** The best model so far. */
export interface BestFound {
  /** What share of the parameters is pruned. */
  readonly sparsity: number;
  /** As evaluated. */
  readonly accuracy: number;
  /** As evaluated. */
  readonly loss: number | undefined;
}

/** The options, checked and with their defaults. */
export interface Settings {
  readonly targetSparsity: number;
  readonly maxAccuracyDrop: number | undefined;
  readonly amountPerRound: number;
  readonly epochs: number;
  readonly parameters: readonly NamedParameter[];
  readonly method: ScheduledMethod;
  readonly scope: 'local' | 'global';
  readonly batchSize: number;
  readonly seed: number;
  readonly saveEvery: number;
  readonly resume: boolean;
}

const KNOWN = [
  'targetSparsity',
  'maxAccuracyDrop',
  'amountPerRound',
  'epochs',
  'parameters',
  'method',
  'scope',
  'batchSize',
  'seed',
  'evaluate',
  'onProgress',
  'signal',
  'checkpoint',
  'saveEvery',
  'resume',
] as const;

function checkBetween(name: string, given: unknown): void {
  if (typeof given === 'number' && given > 0 && given < 1) return;
  throw refused(name, given, 'a number between 0 and 1');
}

/**
 * @param model The model, which must have been compiled.
 * @param data What it is trained and judged on.
 * @param options What the caller gave.
 * @throws {@link PruneError} `argument` or `state`.
 */
export function settingsOf(
  model: tf.LayersModel,
  data: FineTuneData,
  options: PruneAndFineTuneOptions,
): Settings {
  checkOptions(options, KNOWN);
  const { targetSparsity, maxAccuracyDrop, amountPerRound = 0.2, evaluate, checkpoint } = options;
  const { epochs = 1, batchSize = 32, seed = 0, saveEvery = 1, resume = true } = options;
  if (targetSparsity === undefined && maxAccuracyDrop === undefined) {
    throw new PruneError('argument', 'Say how far to prune: give targetSparsity, maxAccuracyDrop or both.');
  }
  checkBetween('targetSparsity', targetSparsity ?? 0.99);
  checkBetween('amountPerRound', amountPerRound);
  if (maxAccuracyDrop !== undefined && !(maxAccuracyDrop >= 0 && maxAccuracyDrop <= 1)) {
    throw refused('maxAccuracyDrop', maxAccuracyDrop, 'a number in [0, 1]');
  }
  for (const [name, value] of Object.entries({ epochs, batchSize, saveEvery })) checkWhole(name, value, 1);
  checkWhole('seed', seed, 0);
  if (typeof resume !== 'boolean') throw refused('resume', resume, 'true or false');
  if (!['undefined', 'string', 'function'].includes(typeof checkpoint)) {
    throw refused('checkpoint', checkpoint, 'a URL, or a function from a slot to a URL or a handler');
  }
  checkModel(model);
  if (evaluate === undefined && data.validation === undefined) {
    throw new PruneError('argument', 'Give validation data to measure accuracy on, or the option evaluate.');
  }
  return {
    targetSparsity: targetSparsity ?? 0.99,
    maxAccuracyDrop,
    amountPerRound,
    epochs,
    parameters: [...(options.parameters ?? parametersOf(model))],
    method: options.method ?? L1Unstructured,
    scope: options.scope ?? 'global',
    batchSize,
    seed,
    saveEvery,
    resume,
  };
}

function checkModel(model: tf.LayersModel): void {
  const optimizer: unknown = model.optimizer; // declared to be there always
  if (typeof optimizer === 'object' && optimizer !== null) return;
  throw new PruneError(
    'state',
    'The model has not been compiled, so it cannot be trained: call model.compile first.',
  );
}
