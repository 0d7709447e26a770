/** Chooses which channels go, for a share of them. */
import { pruneCount } from '../masks/amount';
import type { ChannelGraph, ChannelGroup, CountedGraph } from './graph';
import { macsOf } from './graph';
import type { KeptChannels } from './plan';

/** A group of channels, and what of it may go. */
export interface Candidates {
  readonly group: ChannelGroup;
  /** The channels that may go, the least important first. */
  readonly order: readonly number[];
  /** Their scores, to be compared with those of other groups. */
  readonly scores: readonly number[];
  /** How many of them may go. */
  readonly most: number;
  /** Which share goes, where the caller said so for this group; undefined for that of all. */
  readonly share: number | undefined;
  readonly kept: readonly KeptChannels[];
}

/** How channels are chosen. */
export interface Choice {
  /** Whether groups are ranked together. */
  readonly isGlobal: boolean;
  /** What stays of a group is a multiple of it. */
  readonly roundTo: number;
}

/**
 * @param all The groups.
 * @param share Which share of the channels goes, in [0, 1], rounded half to even.
 * @param choice How they are chosen.
 * @returns For each group the channels that go, in ascending order.
 */
export function chosen(all: readonly Candidates[], share: number, choice: Choice): number[][] {
  const counts = choice.isGlobal ? countsTogether(all, share) : all.map((each) => countOf(each, share));
  return all.map(({ group, order }, i) => {
    const count = rounded(counts[i]!, group.channels.length, choice.roundTo);
    return order.slice(0, count).sort((a, b) => a - b);
  });
}

function countOf({ group, most, share }: Candidates, ofAll: number): number {
  return Math.min(most, pruneCount({ fraction: share ?? ofAll }, group.channels.length));
}

function countsTogether(all: readonly Candidates[], share: number): number[] {
  const pool = all.flatMap(({ most, scores }, i) =>
    scores.slice(0, most).map((score, place) => ({ score, i, place })),
  );
  pool.sort((a, b) => a.score - b.score || a.i - b.i || a.place - b.place);
  const total = all.reduce((sum, { most, group }) => sum + (most > 0 ? group.channels.length : 0), 0);
  const counts = all.map(() => 0);
  for (const { i } of pool.slice(0, pruneCount({ fraction: share }, total))) counts[i]!++;
  return counts;
}

/**
 * @param count How many channels could go.
 * @param channels Of how many.
 * @param roundTo Of what a multiple is to stay.
 * @returns How many go: as many or fewer, and none where there are fewer than the multiple.
 */
export function rounded(count: number, channels: number, roundTo: number): number {
  const staying = Math.min(channels, Math.ceil((channels - count) / roundTo) * roundTo);
  return channels - staying;
}

/**
 * @param graph The channels.
 * @param removals For each of its groups the channels that go.
 * @returns For each channel's number 1 where it goes.
 */
export function removedIn({ size, groups }: ChannelGraph, removals: readonly number[][]): Uint8Array {
  const isRemoved = new Uint8Array(size);
  removals.forEach((channels, i) => {
    for (const channel of channels) isRemoved[groups[i]!.channels[channel]!] = 1;
  });
  return isRemoved;
}

/** How fine a share is searched: 2⁻²⁰ is less than a channel. */
const STEPS = 20;

/**
 * @param graph The channels.
 * @param removalsAt What goes for a share of the channels; more for a larger one.
 * @param target Which share of the MACs may be left.
 * @returns The least that has to go, and the share of the MACs that is left.
 */
export function leastFor(
  graph: CountedGraph,
  removalsAt: (share: number) => number[][],
  target: number,
): { removals: number[][]; left: number } {
  const before = macsOf(graph);
  const leftAt = (removals: number[][]): number => macsOf(graph, removedIn(graph, removals)) / before;
  let [low, high] = [0, 1];
  let removals = removalsAt(0);
  if (leftAt(removals) <= target) return { removals, left: leftAt(removals) };
  removals = removalsAt(1);
  if (leftAt(removals) > target) return { removals, left: leftAt(removals) };
  for (let step = 0; step < STEPS; step++) {
    const share = (low + high) / 2;
    const tried = removalsAt(share);
    if (leftAt(tried) <= target) [high, removals] = [share, tried];
    else low = share;
  }
  return { removals, left: leftAt(removals) };
}
