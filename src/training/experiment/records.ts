import type { ResolvedAmount } from '../../masks/amount';

/** What a model has come to, by a measure of yours on data of yours. */
export interface Metrics {
  /** The loss. */
  readonly loss?: number | undefined;
  /** The share of right answers, in [0, 1]. */
  readonly accuracy?: number | undefined;
}

/** The model that an experiment is about. */
export interface ModelRecord {
  /** Its name. */
  readonly name: string;
  /** Its accuracy before anything was pruned, in [0, 1], where it is known. */
  readonly accuracy?: number | undefined;
}

/** One pruning. */
export interface PruningRecord {
  /** The method, such as `L1Unstructured`. */
  readonly method: string;
  /** What was pruned, such as `conv1.weight`. */
  readonly parameters: readonly string[];
  /** How much of what was left. */
  readonly amount: ResolvedAmount;
  /** What share of these parameters is zero afterwards, in [0, 1]. */
  readonly sparsity: number;
}

/** One fine-tuning. */
export interface FinetuningRecord {
  /** How many times it went through the data. */
  readonly epochs: number;
  /** How many steps it took in all. */
  readonly steps: number;
  /** The optimizer and its settings, in words. */
  readonly optimiser: string;
  /** Before it. */
  readonly before: Metrics;
  /** After it. */
  readonly after: Metrics;
}

/** An experiment as plain data that JSON keeps. */
export interface ExperimentData {
  /** The version of this format. */
  readonly version: 1;
  /** The model. */
  readonly model: ModelRecord;
  /** All prunings, in order. */
  readonly prunings: readonly PruningRecord[];
  /** All fine-tunings, in order. */
  readonly finetunings: readonly FinetuningRecord[];
}
