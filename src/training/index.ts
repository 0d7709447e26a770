/**
 * What tfjs lacks for training on its wasm backend.
 *
 * @module tfjs-prune/training
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { registerTrainingKernels } from './register';
