/**
 * Weights from PyTorch: `.pth` files and state dicts.
 *
 * @module tfjs-prune/weights
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export type { LoadStateDictResult } from './check-state-dict';
export { type LoadStateDictOptions, loadStateDict } from './load-state-dict';
export { readPth } from './read-pth';
export { stateDict } from './state-dict';
export type { DType, StateDict, TensorData, TensorElements } from './tensor-data';
