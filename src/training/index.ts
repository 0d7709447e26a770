/**
 * Training pruned models: the gradient kernels that tfjs's wasm backend lacks, schedules, and a record of what was done.
 *
 * @module tfjs-prune/training
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { type Comparison, compareExperiments, type Outcome } from './experiment/compare';
export { Experiment } from './experiment/experiment';
export type {
  ExperimentData,
  FinetuningRecord,
  Metrics,
  ModelRecord,
  PruningRecord,
} from './experiment/records';
export { type FreezeBatchNormOptions, type Frozen, freezeBatchNorm, freezeLayers } from './freeze';
export {
  type OptimizerState,
  type OptimizerVariable,
  optimizerState,
  restoreOptimizer,
} from './optimizer-state';
export type {
  BatchedDataset,
  BestFound,
  CheckpointPlace,
  Examples,
  FineTuneData,
  FineTuned,
  FineTuneProgress,
  PruneAndFineTuneOptions,
} from './prune-and-fine-tune/options';
export { pruneAndFineTune } from './prune-and-fine-tune/prune-and-fine-tune';
export { PruningCallback, type PruningCallbackOptions } from './pruning-callback';
export { PruningSchedule, type PruningScheduleOptions, type PruningScheduleState } from './pruning-schedule';
export { registerTrainingKernels } from './register';
export type { ScheduledMethod, ScheduledSemiStructured } from './scheduled-method';
export {
  type ConstantScheduleOptions,
  constantSchedule,
  cosineSchedule,
  type IterativeScheduleOptions,
  iterativeSchedule,
  oneShotSchedule,
  type PolynomialScheduleOptions,
  polynomialSchedule,
  type RampOptions,
  type SparsitySchedule,
} from './schedules';
export { type RewindOptions, rewind, snapshot, type WeightSnapshot, type WeightValues } from './snapshot';
