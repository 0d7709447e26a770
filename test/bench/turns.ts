import { median } from './report';

/**
 * Times two things in turns, after some runs of each that are not counted: an engine compiles what it has seen.
 *
 * @param rounds How many times each is counted.
 * @param first The one; gives its milliseconds.
 * @param second The other.
 * @returns Their medians.
 */
export async function inTurns(
  rounds: number,
  first: () => Promise<number>,
  second: () => Promise<number>,
): Promise<[first: number, second: number]> {
  const times: [number[], number[]] = [[], []];
  for (let round = -5; round < rounds; round++) {
    const pair = [await first(), await second()] as const;
    if (round < 0) continue;
    times[0].push(pair[0]);
    times[1].push(pair[1]);
  }
  return [median(times[0]), median(times[1])];
}
