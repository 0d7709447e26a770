/**
 * What tfjs lacks for training on its wasm backend.
 *
 * @module tfjs-prune/training
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { registerTrainingKernels } from './register';
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
