/**
 * PyTorch's pruning masks over typed arrays, with no tensor library behind them.
 *
 * @module tfjs-prune/masks
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { type Amount, pruneCount, type ResolvedAmount, resolveAmount } from './amount';
export {
  type BlockOptions,
  type BlockPart,
  type BlockRanking,
  blockStructured,
  globalBlockStructured,
} from './block-structured';
export { customFromMask, identity, zeros } from './custom';
export { gather, type Numbers, scatter } from './gather';
export { type DrawTurns, defaultGenerator, Generator, type GeneratorState, manualSeed } from './generator';
export { globalL1Unstructured, type Part } from './global-l1';
export { globalRandomUnstructured, type RandomOptions, type RandomPart } from './global-random';
export { expanded, type Layout, merged, permuted, rowMajor, taken } from './layout';
export { type NormOrder, type SumSquares, sliceNorms } from './norms';
export { type SemiStructuredOptions, semiStructured } from './semi-structured';
export { resolveDim } from './slices';
export { type LnOptions, lnStructured, randomStructured, type StructuredOptions } from './structured';
export { type L1Options, l1Unstructured, type MaskOption, randomUnstructured } from './unstructured';
