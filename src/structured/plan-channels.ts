import type * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { pruneCount } from '../masks/amount';
import { draftOf } from '../topology/draft';
import { type ChannelPlanOptions, checkChannelOptions, checkNames, ratioOf } from './channel-options';
import { type Candidates, type Choice, chosen, leastFor, removedIn, rounded } from './choose-channels';
import { dependencyGraph } from './dependency-graph';
import { checkAnyFree, freeOf } from './free-channels';
import { type ChannelGroup, type CountedGraph, macsOf } from './graph';
import { scoresOf } from './importance/importance';
import { planLatency } from './latency/plan-latency';
import type { ChannelPlan, GroupPlan, KeptChannels } from './plan';
import { sealedChannels, type Unsealed } from './plan-digest';
import { plannedMacs, weightUsesIfSized, weightUsesOf } from './weight-uses';

/**
 * Plans to remove channels: output channels of convolutions and units of other layers, together with all that depends on
 * them, such as those that a sum joins. The least important ones go; at least one of each group stays, and so does what
 * comes out of the model, and what meets a layer that is not known.
 *
 * Source: Fang et al. 2023, "DepGraph: Towards Any Structural Pruning", for groups that go together.
 *
 * @param model A built model; it stays as it is.
 * @param options How many go (`ratio` and `ratios`, `targetMacs` or `targetLatencyMs`), and what ranks them.
 * @returns The plan, plain data that survives JSON, for {@link applyPlan} and {@link explain}.
 * @throws {@link PruneError} `argument` for what is no model, for options that are not allowed, for an unknown layer, and
 * where no channels can go; `amount` for numbers out of range and a target that cannot be reached; `state` for a model that
 * is not built or disposed, or that no longer fits a model within; `shape` for a target where sizes are open, and for
 * `inputShapes` that do not fit; `unsupported` where tfjs cannot build a Sequential of its layers, where a layer has the name
 * that plans give one of a model within, and for a latency, for a layer that cannot be timed or where all take no time.
 * @example
 * ```ts
 * const plan = await planChannels(model, { targetMacs: 0.5, importance: 'l2', global: true, roundTo: 8 });
 * console.log(explain(plan));
 * const { model: slim } = applyPlan(model, plan);
 * ```
 */
export async function planChannels(model: tf.LayersModel, options: ChannelPlanOptions): Promise<ChannelPlan> {
  draftOf(model, 'planChannels');
  checkChannelOptions(options, model.inputs.length);
  const { targetLatencyMs: target, targetMacs, latencies: table = new Map(), inputShapes } = options;
  const hasTarget = (target ?? targetMacs) !== undefined;
  const sized = hasTarget ? weightUsesOf(model, inputShapes) : weightUsesIfSized(model, inputShapes);
  const graph = { ...dependencyGraph(model), uses: sized?.uses ?? [] };
  checkNames(graph, options);
  checkAnyFree(
    model,
    graph,
    options,
    ' With inexact: true those can go that a normalisation or a softmax mixes.',
  );
  const scores = await scoresOf(model, graph, options);
  const all = graph.groups.map((group, i) => candidatesIn(group, scores[i], options));
  checkAnyRanked(model, all, options);
  checkAnyAsked(all, options);
  const planOf = (removals: number[][]): Unsealed<ChannelPlan> => ({
    kind: 'channels',
    version: 1,
    topology: graph.topology,
    macs: sized === undefined ? null : plannedMacs(graph, removedIn(graph, removals), sized),
    groups: all.map((each, i) => planned(each, removals[i]!, options)),
    shifts: [],
    latency: null,
  });
  if (target === undefined) return sealedChannels(planOf(removalsOf(graph, all, options)));
  const search = { model, graph, all, target, planOf, table, inputShapes, choice: choiceOf(options) };
  return sealedChannels(await planLatency(search));
}

type Inexact = Pick<ChannelPlanOptions, 'inexact'>;

function pinsOf({ pinned, mixed }: ChannelGroup, { inexact = false }: Inexact): KeptChannels[] {
  const kept = [...pinned].map(([reason, channels]): KeptChannels => ({ channels, reason }));
  if (inexact) return kept;
  const hint = '; give inexact: true to remove them all the same';
  const staying = new Set([...pinned.values()].flat());
  const others = [...mixed].map(([reason, channels]): KeptChannels => {
    // Those that stay for another reason would stay all the same.
    return { channels: channels.filter((channel) => !staying.has(channel)), reason: reason + hint };
  });
  return [...kept, ...others.filter(({ channels }) => channels.length > 0)];
}

function candidatesIn(
  group: ChannelGroup,
  scores: Float64Array | undefined,
  options: ChannelPlanOptions,
): Candidates {
  const { ignore = [], maxRatio = 1, ratios = {} } = options;
  const { layers, channels } = group;
  const kept = pinsOf(group, options);
  const ignored = layers.find((layer) => ignore.includes(layer));
  if (ignored !== undefined) kept.push({ channels: [...channels.keys()], reason: `'${ignored}' is ignored` });
  const free = ignored === undefined ? freeOf(group, options) : [];
  if (scores === undefined && free.length > 0) {
    const reason = `'${nameOf(options)}' has nothing to rank them by`;
    kept.push({ channels: [...free], reason });
  }
  const order = scores === undefined ? [] : free.sort((a, b) => scores[a]! - scores[b]! || a - b);
  const scale = scores === undefined ? 1 : scaleOf(scores, options);
  const most = Math.min(order.length, channels.length - 1, mostOf(maxRatio, channels.length));
  const share = layers.map((layer) => ratioOf(ratios, layer)).find((each) => each !== undefined);
  return { group, order, scores: order.map((channel) => scores![channel]! / scale), most, share, kept };
}

/** Says what keeps all channels that the model's structure would let go. */
function checkAnyRanked(model: tf.LayersModel, all: readonly Candidates[], options: Inexact): void {
  if (all.some(({ order }) => order.length > 0)) return;
  const reasons = all.flatMap(({ group, kept }) =>
    freeOf(group, options).length > 0 ? kept.slice(-1).map(({ reason }) => reason) : [],
  );
  const message = `Nothing in '${model.name}' has channels that can go: ${[...new Set(reasons)].join('; ')}.`;
  throw new PruneError('argument', message, { given: options });
}

/** Ratios of layers whose channels all stay would plan nothing, and not say so. */
function checkAnyAsked(all: readonly Candidates[], { ratio, ratios }: ChannelPlanOptions): void {
  const asked = all.filter(({ share = 0 }) => share > 0);
  const isAny = asked.length === 0 || asked.some(({ order }) => order.length > 0);
  if (ratios === undefined || ratio !== undefined || isAny) return;
  const reasons = asked.flatMap(({ group, kept }) =>
    kept.map(({ reason }) => `those of '${group.layers[0]}' stay, since ${reason}`),
  );
  const message = `ratios names no layer with channels that can go: ${reasons.join('; ')}. Name others.`;
  throw new PruneError('argument', message, { given: ratios });
}

/** The whole number that is no more than a share, but for what rounding takes: 0.29 × 100 is 28.999999999999996. */
function mostOf(share: number, channels: number): number {
  return Math.floor(share * channels * (1 + 4 * Number.EPSILON));
}

/** What the scores of a group are divided by in a ranking of all groups. */
function scaleOf(scores: Float64Array, { importance = 'l2', normalize }: ChannelPlanOptions): number {
  const isComparable = typeof importance === 'function' || ['bnScale', 'lamp', 'taylor'].includes(importance);
  const by = normalize ?? (isComparable ? 'none' : 'mean');
  if (by === 'none') return 1;
  const size = by === 'max' ? Math.max(...scores) : scores.reduce((sum, n) => sum + n, 0) / scores.length;
  // Scores that are all zero are as unimportant as can be, whatever they are divided by.
  return size > 0 ? size : 1;
}

function removalsOf(
  graph: CountedGraph,
  all: readonly Candidates[],
  options: ChannelPlanOptions,
): number[][] {
  const { ratio = 0, targetMacs } = options;
  const removalsAt = (share: number): number[][] => removalsFor(all, share, options);
  if (targetMacs === undefined) return removalsAt(ratio);
  if (macsOf(graph) === 0) {
    const message =
      'targetMacs is a share of multiply-accumulates, but no layer of the model has any that are known. Use ratio or targetLatencyMs.';
    throw new PruneError('argument', message, { given: targetMacs });
  }
  const { removals, left } = leastFor(graph, removalsAt, targetMacs);
  if (left <= targetMacs) return removals;
  const allowed = `a share ≥ ${(Math.ceil(1000 * left) / 1000).toFixed(3)}`;
  const message = `targetMacs is ${targetMacs}, but ${(100 * left).toFixed(1)} % of the multiply-accumulates are left when all channels are gone that may go. Ask for ${allowed}.`;
  throw new PruneError('amount', message, { given: targetMacs, allowed });
}

function removalsFor(all: readonly Candidates[], share: number, options: ChannelPlanOptions): number[][] {
  return chosen(all, share, choiceOf(options));
}

function choiceOf({ global: isGlobal = false, roundTo = 1 }: ChannelPlanOptions): Choice {
  return { isGlobal, roundTo };
}

function planned(candidates: Candidates, remove: number[], options: ChannelPlanOptions): GroupPlan {
  const { group, kept } = candidates;
  const { id, layers, channels, mixed } = group;
  const { global: isGlobal = false, roundTo = 1 } = options;
  const where = isGlobal ? ', ranked with all groups' : '';
  const multiple = roundTo > 1 ? `; a multiple of ${roundTo} stays` : '';
  const changed = [...mixed].filter(([, each]) => remove.some((channel) => each.includes(channel)));
  const limits = changed.map(([why]) => `; not exact: ${why}`).join('');
  const reason = `the ${remove.length} least important of ${channels.length} by ${nameOf(options)}${where}${multiple}${limits}`;
  const limited = limitsOf(candidates, remove.length, options);
  return { id, layers, channels: channels.length, remove, reason, kept: [...kept, ...limited] };
}

/** The channels that would go as well, but for limits; for a target, where no more could go. */
function limitsOf(
  { group: { channels }, order, most, share }: Candidates,
  gone: number,
  {
    ratio = 0,
    targetMacs,
    targetLatencyMs,
    global: isGlobal = false,
    maxRatio = 1,
    roundTo = 1,
  }: ChannelPlanOptions,
): KeptChannels[] {
  const size = channels.length;
  const isByRatio = !isGlobal && (targetMacs ?? targetLatencyMs) === undefined;
  if (!isByRatio && gone < rounded(most, size, roundTo)) return [];
  const asked = isByRatio ? pruneCount({ fraction: share ?? ratio }, size) : size;
  const limits: ReadonlyArray<readonly [number, string]> = [
    [size - 1, 'at least one channel of each group stays'],
    [mostOf(maxRatio, size), `maxRatio is ${maxRatio}`],
    [gone, `what stays is a multiple of ${roundTo}, or all`],
  ];
  let left = Math.min(asked, order.length);
  return limits.flatMap(([limit, reason]) => {
    const staying = order.slice(limit, left).sort((a, b) => a - b);
    left = Math.min(left, limit);
    return staying.length === 0 ? [] : [{ channels: staying, reason }];
  });
}

function nameOf({ importance = 'l2' }: ChannelPlanOptions): string {
  return typeof importance === 'function' ? "the caller's function" : importance;
}
