import { type Candidates, type Choice, removedIn } from '../choose-channels';
import type { ChannelGraph } from '../graph';
import { ladderOf } from './ladders';
import { type LatencyTable, latencyOf, type TimedCall } from './layer-times';
import { type CallTime, type Ladder, stageAt, stagesOf } from './prices';
import type { Family } from './search';

/** What is priced. */
interface Priced {
  readonly graph: ChannelGraph;
  readonly all: readonly Candidates[];
  readonly calls: readonly TimedCall[];
  readonly table: LatencyTable;
  readonly choice: Choice;
}

/**
 * Times each layer without some channels of each group that it depends on, and orders the channels by what they cost.
 *
 * @param priced The model's channels and calls, and what has been measured; what is missing is measured and added.
 * @returns What goes for a share of the milliseconds that can be saved.
 * @throws {@link PruneError} `unsupported` for a layer that cannot run by itself.
 */
export async function pricedFamily(priced: Priced): Promise<Family<number[][]>> {
  const { graph, all, choice, calls } = priced;
  const ladders = all.map((each) => ladderOf(each, choice));
  const groupOf = new Int32Array(graph.size).fill(-1);
  graph.groups.forEach(({ channels }, group) => {
    for (const channel of channels) groupOf[channel] = group;
  });
  const times: CallTime[] = [];
  for (const call of calls) times.push(await timeOf(call, priced, ladders, groupOf));
  const stages = stagesOf(ladders, times);
  return (share) => {
    const { rungs } = stageAt(stages, share);
    // Also what saves no time.
    const isAll = share === 1;
    return all.map((each, i) => removalOf(each, ladders[i]!.counts.at(isAll ? -1 : rungs[i]!)!));
  };
}

function removalOf({ order }: Candidates, count: number): number[] {
  return order.slice(0, count).sort((a, b) => a - b);
}

async function timeOf(
  call: TimedCall,
  { graph, all, table }: Priced,
  ladders: readonly Ladder[],
  groupOf: Int32Array,
): Promise<CallTime> {
  const without = (group: number, count: number): Promise<number> => {
    const removals = all.map((each, i) => (i === group ? removalOf(each, count) : []));
    return latencyOf(call, removedIn(graph, removals), table);
  };
  const whole = await without(-1, 0);
  const left = new Map<number, number[]>();
  for (const group of groupsIn(call, groupOf)) {
    const shares: number[] = [];
    // What is too quick to be measured saves nothing any more.
    for (const count of ladders[group]!.counts) shares.push(shareOf(await without(group, count), whole));
    left.set(group, shares);
  }
  return { whole: call.times * whole, left };
}

const LEAST = 1e-6;

function shareOf(time: number, whole: number): number {
  return whole > 0 ? Math.max(LEAST, time / whole) : 1;
}

/** The groups that the sizes of a call depend on. */
function groupsIn({ inputs, options }: TimedCall, groupOf: Int32Array): Set<number> {
  const groups = new Set<number>();
  const note = (channels: Int32Array | undefined): void => {
    for (const channel of channels ?? []) groups.add(groupOf[channel]!);
  };
  for (const { axes } of inputs) axes.forEach(note);
  for (const { channels } of options) note(channels);
  groups.delete(-1);
  return groups;
}
