/** Removes channels where the most milliseconds are saved for the importance that is lost. */

/** How many of a group's channels may go at once, and what that means. */
export interface Ladder {
  /** How many channels have gone at each rung, ascending from 0. */
  readonly counts: readonly number[];
  /** For each of them how much importance is lost; finite. */
  readonly lost: readonly number[];
}

/** What a call of a layer takes, and what of that is left when channels of one group go. */
export interface CallTime {
  /** Milliseconds with all channels. */
  readonly whole: number;
  /** By the index of each group that it depends on, for each rung the share of its time that is left. */
  readonly left: ReadonlyMap<number, readonly number[]>;
}

/** A point on the way from all channels to none that can be spared. */
export interface Stage {
  /** For each group its rung. */
  readonly rungs: readonly number[];
  /** Estimated milliseconds. */
  readonly time: number;
}

/**
 * From stage to stage one group climbs, by one rung or several, whichever loses the least importance for each millisecond
 * that it saves: so a group stops where its measured times step down, and passes over rungs that save nothing. A call that
 * depends on several groups is taken to keep the product of what it keeps for each.
 *
 * Source: Yang et al. 2018, "NetAdapt", for tables of measured latencies, which here price the channels.
 *
 * @param ladders For each group its rungs.
 * @param calls What takes time.
 * @returns The stages, each quicker than the one before; the first has all channels.
 */
export function stagesOf(ladders: readonly Ladder[], calls: readonly CallTime[]): Stage[] {
  const rungs = ladders.map(() => 0);
  const times = calls.map(({ whole }) => whole);
  const dependents = ladders.map((_, group) =>
    calls.flatMap(({ left }, call) => (left.has(group) ? [{ call, left: left.get(group)! }] : [])),
  );
  const stages: Stage[] = [{ rungs: [...rungs], time: sum(times) }];
  for (;;) {
    const step = cheapest(ladders, rungs, times, dependents);
    if (step === undefined) return stages;
    for (const { call, left } of dependents[step.group]!)
      times[call]! *= left[step.rung]! / left[rungs[step.group]!]!;
    rungs[step.group] = step.rung;
    stages.push({ rungs: [...rungs], time: sum(times) });
  }
}

type Dependents = ReadonlyArray<ReadonlyArray<{ readonly call: number; readonly left: readonly number[] }>>;

/** The climb with the least importance lost for each millisecond; undefined where none saves any. */
function cheapest(
  ladders: readonly Ladder[],
  rungs: readonly number[],
  times: readonly number[],
  dependents: Dependents,
): { group: number; rung: number } | undefined {
  let best: { group: number; rung: number } | undefined;
  let least = Infinity;
  for (const [group, { lost }] of ladders.entries()) {
    const from = rungs[group]!;
    for (let rung = from + 1; rung < lost.length; rung++) {
      let saved = 0;
      for (const { call, left } of dependents[group]!)
        saved += times[call]! * (1 - left[rung]! / left[from]!);
      const price = (lost[rung]! - lost[from]!) / saved;
      if (saved > 0 && price < least) [best, least] = [{ group, rung }, price];
    }
  }
  return best;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

/**
 * @param stages The stages.
 * @param share In [0, 1].
 * @returns The first stage that has saved that share of what the last one saves.
 */
export function stageAt(stages: readonly Stage[], share: number): Stage {
  const [first, last] = [stages[0]!, stages.at(-1)!];
  const time = first.time - share * (first.time - last.time);
  return stages.find((stage) => stage.time <= time) ?? last;
}
