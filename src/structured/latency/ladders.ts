/** How many channels of a group may go at once, and how much importance they take with them. */
import { type Candidates, type Choice, rounded } from '../choose-channels';
import type { Ladder } from './prices';

/** How many rungs a group has at most: each has to be timed. */
const RUNGS = 8;

/**
 * @param candidates A group of channels.
 * @param choice How they are chosen.
 * @returns Its rungs, up to all that may go.
 */
export function ladderOf(candidates: Candidates, { roundTo }: Choice): Ladder {
  const { group, most } = candidates;
  const size = group.channels.length;
  const all = Array.from({ length: RUNGS + 1 }, (_, rung) =>
    Math.min(most, Math.ceil((rung * size) / RUNGS)),
  );
  const counts = [...new Set(all.map((count) => rounded(count, size, roundTo)))];
  return { counts, lost: counts.map((count) => lossOf(candidates, count)) };
}

/**
 * What is lost in a row: the shares of importance that are left multiply, as signals pass through one layer after the other.
 *
 * @param all The groups.
 * @param removals For each of them the channels that go.
 * @returns The geometric mean, over all layers that make channels, of the share of importance that is left; 1 where nothing
 * goes.
 */
export function worthOf(all: readonly Candidates[], removals: readonly number[][]): number {
  const layers = all.reduce((sum, { most, group }) => sum + (most > 0 ? group.layers.length : 0), 0);
  const lost = all.reduce((sum, each, i) => sum + lossOf(each, removals[i]!.length), 0);
  return layers === 0 ? 1 : Math.exp(-lost / layers);
}

/** For each layer that makes them, minus the logarithm of the share of importance that is left of what could go. */
function lossOf({ group, order, scores }: Candidates, count: number): number {
  if (count === 0) return 0;
  // Only how far scores lie apart has a meaning where some are negative.
  const floor = Math.min(0, scores[0]!);
  const left = (from: number): number => scores.slice(from).reduce((sum, score) => sum + score - floor, 0);
  const [kept, all] = [left(count), left(0)];
  // What has no importance at all loses by its number.
  const share = all > 0 ? kept / all : (order.length - count) / order.length;
  // Where others are pinned, all of these may go.
  return -group.layers.length * Math.log(Math.max(share, 0.5 / order.length));
}
