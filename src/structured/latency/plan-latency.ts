import type * as tf from '@tensorflow/tfjs';
import { getBackend } from '@tensorflow/tfjs';
import { PruneError } from '../../errors';
import { disposeWeights } from '../../topology/rebuild';
import { applyChannelPlan } from '../apply-channels';
import type { ChannelPlan, PlannedLatency } from '../plan';
import { type LatencyTable, layersLatency, modelLatency } from './measure';
import { searchLatency } from './search';

/** What a search needs. */
interface LatencySearch {
  readonly model: tf.LayersModel;
  /** Milliseconds. */
  readonly target: number;
  /** The plan of what goes for a share of the channels. */
  readonly planAt: (share: number) => ChannelPlan;
  readonly table: LatencyTable;
  readonly inputShapes: ReadonlyArray<readonly number[]> | undefined;
}

/**
 * @param search The model and the target.
 * @returns The plan, with what was measured.
 * @throws {@link PruneError} `amount` where the target cannot be reached; `shape` and `unsupported` as measuring does.
 */
export async function planLatency(search: LatencySearch): Promise<ChannelPlan> {
  const { model, target, planAt, table, inputShapes } = search;
  const on = async (plan: ChannelPlan, time: (slim: tf.LayersModel) => Promise<number>): Promise<number> => {
    const { model: slim } = applyChannelPlan(model, plan);
    try {
      return await time(slim);
    } finally {
      disposeWeights(slim);
    }
  };
  const found = await searchLatency(
    planAt,
    {
      predicted: (plan) => on(plan, (slim) => layersLatency(slim, inputShapes, table)),
      measured: (plan) => on(plan, (slim) => modelLatency(slim, inputShapes)),
    },
    target,
  );
  const { before, predicted, measured } = found;
  if (measured > target) {
    const allowed = `milliseconds ≥ ${measured.toFixed(1)}`;
    const message = `targetLatencyMs is ${target}, but a prediction of '${model.name}' takes ${measured.toFixed(1)} ms on ${getBackend()} when all channels are gone that may go; with all, ${before.toFixed(1)} ms. Ask for ${allowed}.`;
    throw new PruneError('amount', message, { given: target, allowed });
  }
  const latency: PlannedLatency = { backend: getBackend(), target, before, predicted, measured };
  return { ...found.removals, latency };
}
