/**
 * Models made smaller for real: what a model holds and multiplies, layer by layer.
 *
 * @module tfjs-prune/structured
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { type LayerSummary, type ModelSummary, type SummaryOptions, summary } from './summary';
export { summaryTable } from './summary-table';
