import type * as tf from '@tensorflow/tfjs';
import { getBackend } from '@tensorflow/tfjs';
import { PruneError } from '../../errors';
import { disposeWeights } from '../../topology/rebuild';
import { applyChannelPlan } from '../apply-channels';
import { type Candidates, type Choice, chosen, removedIn } from '../choose-channels';
import type { ChannelGraph } from '../graph';
import type { ChannelPlan, PlannedLatency } from '../plan';
import type { Unsealed } from '../plan-digest';
import { disposeStates, keepingStatesMeanwhile } from '../states';
import { worthOf } from './ladders';
import { type LatencyTable, layersLatency, timedCalls } from './layer-times';
import { modelLatencies } from './measure';
import { pricedFamily } from './priced-family';
import { type Family, type Found, type Probe, searchLatency } from './search';

/** What a search needs. */
interface LatencySearch {
  readonly model: tf.LayersModel;
  readonly graph: ChannelGraph;
  /** The groups of the graph, and what of them may go. */
  readonly all: readonly Candidates[];
  readonly choice: Choice;
  /** Milliseconds. */
  readonly target: number;
  /** The plan to remove these channels, by group. */
  readonly planOf: (removals: number[][]) => Unsealed<ChannelPlan>;
  readonly table: LatencyTable;
  readonly inputShapes: ReadonlyArray<readonly number[]> | undefined;
}

/**
 * Channels go in the same share from all groups, or where they save the most milliseconds for their importance, whichever
 * keeps more importance at the target. A `global` ranking already says which ones go.
 *
 * @param search The model and the target.
 * @returns The plan, with what was measured.
 * @throws {@link PruneError} `amount` where the target cannot be reached; `shape` and `unsupported` as measuring does.
 */
export async function planLatency(search: LatencySearch): Promise<Unsealed<ChannelPlan>> {
  const { model, graph, all, choice, target, planOf, table, inputShapes } = search;
  const calls = timedCalls(model, graph, inputShapes);
  const probe: Probe<number[][]> = {
    nothing: all.map(() => []),
    predicted: (removals) => layersLatency(calls, removedIn(graph, removals), table),
    whole: async () => (await modelLatencies([model], inputShapes))[0]!,
    measured: (removals) => inTurnsWith(model, planOf(removals), inputShapes),
    worth: (removals) => worthOf(all, removals),
  };
  const evenly: Family<number[][]> = (share) => chosen(all, share, choice);
  const families = async (): Promise<Array<Family<number[][]>>> => {
    if ((await probe.predicted(probe.nothing)) === 0) throw untimed(search);
    return choice.isGlobal ? [evenly] : [evenly, await pricedFamily({ graph, all, calls, table, choice })];
  };
  // What is timed must leave nothing behind in layers that remember it.
  const found = await keepingStatesMeanwhile(model, () => searchLatency(families, probe, target));
  const { before, predictedBefore, measured } = found;
  if (measured > target) throw unreachable(search, found);
  // Layers that are timed one by one wait for each other, which they do not in a model.
  const predicted = predictedBefore > 0 ? (found.predicted * before) / predictedBefore : before;
  const times = { before, predictedBefore, predicted, measured };
  const latency: PlannedLatency = { backend: getBackend(), target, ...times };
  return { ...planOf(found.removals), latency };
}

async function inTurnsWith(
  model: tf.LayersModel,
  plan: Unsealed<ChannelPlan>,
  inputShapes: LatencySearch['inputShapes'],
): Promise<readonly [before: number, after: number]> {
  const { model: slim } = applyChannelPlan(model, plan);
  try {
    const [before, after] = await modelLatencies([model, slim], inputShapes);
    return [before!, after!];
  } finally {
    disposeStates(slim);
    disposeWeights(slim);
  }
}

function untimed({ model, target }: LatencySearch): PruneError {
  const message = `All layers of '${model.name}' take 0 ms, by latencies or by this device's clock, so nothing says how to bring it to ${target} ms. Give an empty Map for latencies, or use targetMacs.`;
  return new PruneError('unsupported', message, { given: target, allowed: 'layers that take time' });
}

function unreachable({ model, target }: LatencySearch, { before, measured }: Found<number[][]>): PruneError {
  const allowed = `milliseconds ≥ ${measured.toFixed(1)}`;
  const message = `targetLatencyMs is ${target}, but a prediction of '${model.name}' takes ${measured.toFixed(1)} ms on ${getBackend()} when all channels are gone that may go; with all, ${before.toFixed(1)} ms. Ask for ${allowed}.`;
  return new PruneError('amount', message, { given: target, allowed });
}
