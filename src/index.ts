/**
 * PyTorch's pruning API, `torch.nn.utils.prune`, for TensorFlow.js.
 *
 * @module tfjs-prune
 */
export type { ApplyOptions } from './core/apply';
export { CustomFromMask } from './core/custom-from-mask';
export { BasePruningMethod, PruningContainer } from './core/method';
export type { Axes } from './core/names';
export type { Dim, MaskRequest, PruningMethod, PruningType } from './core/request';
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from './errors';
export type { Amount, ResolvedAmount } from './masks/amount';
export type { ChannelMask } from './masks/channel-mask';
export { type Generator, type GeneratorState, manualSeed } from './masks/generator';
export type { Layout } from './masks/layout';
export type { NormOrder } from './masks/norms';
export {
  type BlockOptions,
  BlockStructured,
  blockStructured,
  type GlobalBlockOptions,
  globalBlockStructured,
} from './methods/block-structured';
export { customFromMask } from './methods/custom-from-mask';
export {
  type GlobalOptions,
  globalUnstructured,
  type UnstructuredMethod,
} from './methods/global-unstructured';
export { Identity, identity } from './methods/identity';
export { L1Unstructured, l1Unstructured } from './methods/l1-unstructured';
export { LnStructured, lnStructured } from './methods/ln-structured';
export {
  methodOf,
  type ParameterFilter,
  parameter,
  parameters,
  type Sparsity,
  sparsity,
} from './methods/parameters';
export type { NamedParameter, ScoresByLayer } from './methods/prune-together';
export { RandomStructured, randomStructured } from './methods/random-structured';
export { RandomUnstructured, randomUnstructured } from './methods/random-unstructured';
export { isPruned, remove, revert } from './methods/remove';
export { restoreMasks } from './methods/restore-masks';
export { SemiStructured, type SemiStructuredOptions, semiStructured } from './methods/semi-structured';
