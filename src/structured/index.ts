/**
 * Models made smaller for real: channels and layers removed by plan, and what a model holds and multiplies.
 *
 * @module tfjs-prune/structured
 */
export { isPruneError, PruneError, type PruneErrorDetails, type PruneErrorKind } from '../errors';
export { type AppliedPlan, applyPlan } from './apply-plan';
export type { ChannelPlanOptions } from './channel-options';
export { explain } from './explain';
export type { Importance, ImportanceOptions, RankedGroup } from './importance/importance';
export type {
  BiasShift,
  ChannelPlan,
  GroupPlan,
  KeptChannels,
  LayerPlan,
  Plan,
  PlanHeader,
  PlannedBlock,
  PlannedLatency,
  PlannedMacs,
} from './plan';
export { planChannels } from './plan-channels';
export { type MaskPlanOptions, planFromMasks } from './plan-from-masks';
export { type BlockImportance, type LayerPlanOptions, planLayers } from './plan-layers';
export { type LayerSummary, type ModelSummary, type SummaryOptions, summary } from './summary';
export { summaryTable } from './summary-table';
