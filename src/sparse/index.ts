/**
 * Pruned models that run fast: sparse kernels on tfjs's wasm backend.
 *
 * @module tfjs-prune/sparse
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export type { RemovedLayer } from '../topology/draft';
export { type AccelerateOptions, type Acceleration, accelerate } from './accelerate';
export type { Decision } from './decision';
export { foldBatchNorm } from './fold-batch-norm';
export { type OptimizedModel, optimizeForInference } from './optimize-for-inference';
export type { LayerReport } from './prepare';
