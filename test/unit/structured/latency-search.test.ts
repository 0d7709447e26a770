import { describe, expect, it } from 'vitest';
import { type Family, type Found, type Probe, searchLatency } from '../../../src/structured/latency/search';

/** A device on which layers take what a function of the share says, and whole models a multiple of it. */
function device(layers: (share: number) => number, together: (share: number) => number): Probe<number> {
  const time = (share: number): number => layers(share) * together(share);
  return {
    nothing: 0,
    predicted: async (share) => layers(share),
    whole: async () => time(0),
    measured: async (share) => [time(0), time(share)],
    worth: (share) => 1 - share,
  };
}

/** What goes is the share itself. */
const shares: () => Promise<Array<Family<number>>> = async () => [(share) => share];
const alike = (): number => 1;
const falling = (x: number): number => 10 - 8 * x;

describe('the search for a latency', () => {
  it('removes as little as is enough, to a 64th, at the scale of the whole model', async () => {
    const half = device(falling, () => 0.5);
    // (10 − 8x) / 2 ≤ 3 from x = 0.5.
    expect(await searchLatency(shares, half, 3)).toEqual({
      ...{ removals: 0.5, predictedBefore: 10, predicted: 6, before: 5, measured: 3 },
    });
    const steps = device((x) => 10 - Math.floor(8 * x), alike);
    expect(await searchLatency(shares, steps, 7)).toMatchObject({ removals: 3 / 8 });
  });

  it('removes nothing from a model that is quick enough', async () => {
    const found = await searchLatency(
      shares,
      device(() => 10, alike),
      10,
    );
    expect(found).toEqual({ removals: 0, predictedBefore: 10, predicted: 10, before: 10, measured: 10 });
  });

  it('removes more where a smaller model is slower than its layers promise', async () => {
    // What does not shrink with the layers: a quarter more than the promise when something is gone.
    const found = await searchLatency(
      shares,
      device(falling, (x) => (x === 0 ? 1 : 1.25)),
      5,
    );
    expect(found).toMatchObject({ removals: 0.75, measured: 5, predicted: 4 });
  });

  it('removes less where a smaller model is quicker than its layers promise', async () => {
    // By the layers alone 0.625; (10 − 8x) × 0.8 ≤ 5 from x = 0.46875, 30 of 64.
    const found = await searchLatency(
      shares,
      device(falling, (x) => (x === 0 ? 1 : 0.8)),
      5,
    );
    expect(found).toMatchObject({ removals: 30 / 64, measured: 5, predicted: 6.25 });
  });

  it('goes on until the target is met, however wrong the predictions are', async () => {
    const time = (x: number): number => 100 * (1 - x ** 3);
    const wrong: Probe<number> = {
      ...device(time, alike),
      predicted: async (x) => 100 * (1 - x) ** 3,
    };
    for (const target of [90, 50, 10, 1e-3]) {
      const found = await searchLatency(shares, wrong, target);
      expect(found.measured).toBeLessThanOrEqual(target);
      // A 64th less would not do, or it is within 3 % of the target.
      const less = time(found.removals - 1 / 64);
      expect(less > target || found.measured >= 0.97 * target).toBe(true);
    }
    const steps: Probe<number> = { ...wrong, measured: async (x) => [100, x < 1 ? 100 : 60] };
    expect(await searchLatency(shares, steps, 60)).toMatchObject({ removals: 1, measured: 60 });
    expect(await searchLatency(shares, steps, 50)).toMatchObject({ removals: 1, measured: 60 });
  });

  it('tells the times of the run in which both models took turns', async () => {
    // The device has become twice as quick since the whole model was run alone.
    const probe: Probe<number> = { ...device(falling, alike), whole: async () => 20 };
    expect(await searchLatency(shares, probe, 5)).toMatchObject({ before: 10, measured: 5, predicted: 5 });
    const quick = { removals: 0, predictedBefore: 10, predicted: 10, before: 10, measured: 10 };
    expect(await searchLatency(shares, probe, 12)).toEqual(quick);
  });

  it('says so where all that may go is not enough', async () => {
    const found = await searchLatency(shares, device(falling, alike), 1);
    expect(found).toMatchObject({ removals: 1, predicted: 2, measured: 2 });
  });

  it('takes of several ways the one that keeps the most importance at the predicted target', async () => {
    interface Way {
      readonly time: number;
      readonly worth: number;
    }
    const probe: Probe<Way> = {
      nothing: { time: 10, worth: 1 },
      predicted: async ({ time }) => time,
      whole: async () => 10,
      measured: async ({ time }) => [10, time],
      worth: ({ worth }) => worth,
    };
    const dear: Family<Way> = (x) => ({ time: 10 - 8 * x, worth: 1 - x });
    const cheap: Family<Way> = (x) => ({ time: 10 - 8 * x, worth: 1 - x / 2 });
    // It keeps all, but never comes to 5.
    const slow: Family<Way> = (x) => ({ time: 10 - 4 * x, worth: 1 });
    for (const ways of [
      [dear, cheap, slow],
      [slow, cheap, dear],
    ]) {
      const found = await searchLatency(async () => ways, probe, 5);
      expect(found.removals).toEqual({ time: 5, worth: 1 - 0.625 / 2 });
    }
  });
});

/** Searches for a target, and expects no model to be run of which it is known whether it is quick enough. */
async function watched(
  probe: Probe<number>,
  target: number,
): Promise<{ found: Found<number>; runs: number[] }> {
  const runs: number[] = [];
  let [slow, quick] = [0, Infinity];
  const measured: Probe<number>['measured'] = async (share) => {
    expect(share).toBeGreaterThan(slow);
    expect(share).toBeLessThan(quick);
    runs.push(share);
    const times = await probe.measured(share);
    if (times[1] > target) slow = share;
    else quick = share;
    return times;
  };
  return { found: await searchLatency(shares, { ...probe, measured }, target), runs };
}

describe('the search for a latency runs', () => {
  it('no smaller model where the whole one is quick enough', async () => {
    const families = (): never => {
      throw new Error('Nothing has to go.');
    };
    expect(await searchLatency(families, device(falling, alike), 10)).toMatchObject({ removals: 0 });
  });

  it('one where predictions are right, at the scale of the whole model', async () => {
    for (const scale of [0.5, 1, 3]) {
      const { found, runs } = await watched(
        device(falling, () => scale),
        5 * scale,
      );
      expect(runs).toEqual([0.625]);
      expect(found.removals).toBe(0.625);
    }
  });

  it('none for less than a 64th', async () => {
    // From x = 0.50625; 33 of 64 are 0.515625.
    expect((await watched(device(falling, alike), 5.95)).runs).toEqual([33 / 64]);
  });

  it('none for less where one is within 3 % of the target', async () => {
    const near = device(falling, (x) => (x === 0 ? 1 : 0.972));
    expect((await watched(near, 5)).runs).toEqual([0.625]);
    // Within 4 %: 39 of 64 will do, which takes 5.125 × 0.96.
    const quick = device(falling, (x) => (x === 0 ? 1 : 0.96));
    expect((await watched(quick, 5)).runs).toEqual([0.625, 39 / 64]);
  });

  it('none for less where what is predicted to do says the same again', async () => {
    // 7 ms where 7.5 would do, and no less can go.
    const steps = device((x) => 10 - Math.floor(8 * x), alike);
    expect((await watched(steps, 7.5)).runs).toEqual([3 / 8]);
  });

  it('no more once the whole one has become quick enough', async () => {
    const probe: Probe<number> = { ...device(falling, alike), whole: async () => 20 };
    const { found, runs } = await watched(probe, 12);
    expect(runs).toHaveLength(1);
    expect(found).toMatchObject({ removals: 0, before: 10, measured: 10 });
  });

  it('no more once all that may go is not enough', async () => {
    const { found, runs } = await watched(device(falling, alike), 1);
    expect(runs).toEqual([1]);
    expect(found.removals).toBe(1);
    const last: Probe<number> = { ...device(falling, alike), measured: async () => [10, 9] };
    expect((await watched(last, 5)).runs.at(-1)).toBe(1);
  });

  it('ten at the most, where each prediction is wrong by a little', async () => {
    // By what was measured a 64th more would do each time.
    const slow: Probe<number> = {
      ...device(falling, alike),
      measured: async (x) => [10, x < 0.9 ? 5.02 : 4],
    };
    const { found, runs } = await watched(slow, 5);
    expect(runs.length).toBeLessThanOrEqual(10);
    expect(found.removals).toBe(58 / 64);
  });

  it('what halves the rest where a prediction is for what is known to be too slow, or more than enough', async () => {
    const time = (x: number): number => (x < 0.7 ? 6 : 2);
    const { found, runs } = await watched(
      { ...device(falling, alike), measured: async (x) => [10, time(x)] },
      5,
    );
    expect(found.removals).toBe(45 / 64);
    expect(runs.length).toBeLessThanOrEqual(10);
    for (const [least, target] of [
      [0.1, 9],
      [0.35, 5],
      [0.95, 3],
    ] as const) {
      const jump: Probe<number> = {
        ...device((x) => 10 - 8 * x ** 4, alike),
        measured: async (x) => [10, x < least ? target * 1.5 : target / 2],
      };
      const { found: other } = await watched(jump, target);
      expect(other.removals).toBe(Math.ceil(64 * least) / 64);
    }
  });
});

describe('of several ways the search takes', () => {
  interface Way {
    readonly time: number;
    readonly worth: number;
    readonly name: string;
  }
  const probe = (scale: number): Probe<Way> => ({
    nothing: { time: 10, worth: 1, name: '' },
    predicted: async ({ time }) => time,
    whole: async () => 10 * scale,
    measured: async ({ time }) => [10 * scale, time * scale],
    worth: ({ worth }) => worth,
  });

  it('the best at the target in milliseconds of layers, not of models', async () => {
    // It comes to 5 ms of layers, which are 2.5 in a model.
    const gentle: Family<Way> = (x) => ({ time: 10 - 5 * x, worth: 1 - 0.1 * x, name: 'gentle' });
    const steep: Family<Way> = (x) => ({ time: 10 - 8 * x, worth: 1 - 0.8 * x, name: 'steep' });
    for (const ways of [
      [gentle, steep],
      [steep, gentle],
    ]) {
      expect((await searchLatency(async () => ways, probe(0.5), 2.5)).removals.name).toBe('gentle');
      expect((await searchLatency(async () => ways, probe(1), 2.5)).removals.name).toBe('steep');
    }
  });

  it('the best at the target, whatever they are worth where all is gone', async () => {
    const falling: Family<Way> = (x) => ({ time: 10 - 8 * x, worth: 1 - x, name: 'falling' });
    const even: Family<Way> = (x) => ({ time: 10 - 8 * x, worth: 0.3, name: 'even' });
    expect((await searchLatency(async () => [even, falling], probe(1), 5)).removals.name).toBe('falling');
  });

  it('the first of those that are worth the same', async () => {
    const ways = ['one', 'other'].map(
      (name): Family<Way> =>
        (x) => ({ time: 10 - 8 * x, worth: 1 - x, name }),
    );
    expect((await searchLatency(async () => ways, probe(1), 5)).removals.name).toBe('one');
  });
});
