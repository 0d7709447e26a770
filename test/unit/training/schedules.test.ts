import fc from 'fast-check';
import { isPruneError } from 'tfjs-prune';
import {
  constantSchedule,
  cosineSchedule,
  iterativeSchedule,
  oneShotSchedule,
  polynomialSchedule,
  type SparsitySchedule,
} from 'tfjs-prune/training';
import { describe, expect, test } from 'vitest';

const at = (schedule: SparsitySchedule, steps: readonly number[]): number[] => steps.map(schedule);

describe('schedules', () => {
  test('constant: nothing before its step, all from it on', () => {
    const schedule = constantSchedule({ finalSparsity: 0.8, begin: 3 });
    expect(at(schedule, [0, 2, 3, 4, 1e9])).toEqual([0, 0, 0.8, 0.8, 0.8]);
    expect(constantSchedule({ finalSparsity: 0.8 })(0)).toBe(0.8);
  });

  test('one shot: all at the first step', () => {
    expect(at(oneShotSchedule(0.7), [0, 1, 99])).toEqual([0.7, 0.7, 0.7]);
  });

  test("polynomial: tfmot's formula worked by hand", () => {
    const schedule = polynomialSchedule({
      initialSparsity: 0.5,
      finalSparsity: 0.9,
      begin: 10,
      end: 20,
      frequency: 5,
    });
    // (0.5 − 0.9) · (1 − 5/10)³ + 0.9 = 0.85
    const expected = [0, 0.5, 0.5, 0.85, 0.85, 0.9, 0.9];
    expect(at(schedule, [9, 10, 14, 15, 19, 20, 21])).toBeAllClose(expected, { rtol: 0, atol: 1e-15 });
  });

  test('polynomial: power 1 is a straight line; tfmot prunes every 100 steps', () => {
    const line = polynomialSchedule({ finalSparsity: 0.8, end: 4, frequency: 1, power: 1 });
    expect(at(line, [0, 1, 2, 3, 4])).toBeAllClose([0, 0.2, 0.4, 0.6, 0.8], { rtol: 0, atol: 1e-15 });
    const held = polynomialSchedule({ finalSparsity: 0.8, end: 400, power: 1 });
    expect(at(held, [99, 100, 199, 200])).toBeAllClose([0, 0.2, 0.2, 0.4], { rtol: 0, atol: 1e-15 });
  });

  test('polynomial: comes to its end even where the frequency does not lead there', () => {
    const schedule = polynomialSchedule({ finalSparsity: 0.8, end: 10, frequency: 7 });
    // 0.8 · (1 − (1 − 7/10)³) = 0.7784
    expect(at(schedule, [7, 9, 10])).toBeAllClose([0.7784, 0.7784, 0.8], { rtol: 0, atol: 1e-15 });
  });

  test('cosine: half-way at half time, a quarter turn by hand', () => {
    const schedule = cosineSchedule({ finalSparsity: 0.8, end: 6, frequency: 1 });
    // (1 − cos 60°) / 2 = 1/4, (1 − cos 90°) / 2 = 1/2, (1 − cos 120°) / 2 = 3/4
    const expected = [0, 0.2, 0.4, 0.6, 0.8];
    expect(at(schedule, [0, 2, 3, 4, 6])).toBeAllClose(expected, { rtol: 0, atol: 1e-15 });
  });

  test('iterative: each round leaves the same share of what was left', () => {
    const schedule = iterativeSchedule({ finalSparsity: 0.875, rounds: 3, frequency: 10, begin: 5 });
    const expected = [0, 0.5, 0.5, 0.75, 0.875, 0.875];
    expect(at(schedule, [4, 5, 14, 15, 25, 99])).toBeAllClose(expected, { rtol: 0, atol: 1e-15 });
    const later = iterativeSchedule({ initialSparsity: 0.5, finalSparsity: 0.875, rounds: 2, frequency: 1 });
    expect(later(0)).toBeCloseTo(0.75, 15);
  });

  const ramps = { polynomialSchedule, cosineSchedule };
  test.each(Object.entries(ramps))('%s never falls, and begins and ends exactly', (_name, make) => {
    const anyRamp = fc
      .record({
        sparsities: fc.tuple(
          fc.double({ min: 0, max: 0.999, noNaN: true }),
          fc.double({ min: 0, max: 0.999, noNaN: true }),
        ),
        begin: fc.nat(50),
        length: fc.integer({ min: 1, max: 200 }),
        frequency: fc.integer({ min: 1, max: 250 }),
      })
      .map(({ sparsities, begin, length, frequency }) => ({
        initialSparsity: Math.min(...sparsities),
        finalSparsity: Math.max(...sparsities),
        begin,
        end: begin + length,
        frequency,
      }));
    fc.assert(
      fc.property(anyRamp, (ramp) => {
        const schedule = make(ramp);
        const values = Array.from({ length: ramp.end + 3 }, (_, step) => schedule(step));
        expect(values[ramp.begin]).toBe(ramp.initialSparsity);
        expect(values.slice(ramp.end)).toEqual(new Array(3).fill(ramp.finalSparsity));
        expect(values.slice(0, ramp.begin).every((value) => value === 0)).toBe(true);
        for (let step = 1; step < values.length; step++) {
          expect(values[step]! - values[step - 1]!).toBeGreaterThanOrEqual(-1e-15);
        }
      }),
    );
  });

  test.each([
    ['finalSparsity', () => constantSchedule({ finalSparsity: 1 })],
    ['finalSparsity', () => oneShotSchedule(Number.NaN)],
    ['begin', () => constantSchedule({ finalSparsity: 0.5, begin: -1 })],
    ['initialSparsity', () => polynomialSchedule({ initialSparsity: -0.1, finalSparsity: 0.5, end: 5 })],
    ['finalSparsity', () => polynomialSchedule({ initialSparsity: 0.6, finalSparsity: 0.5, end: 5 })],
    ['end', () => polynomialSchedule({ finalSparsity: 0.5, begin: 5, end: 5 })],
    ['frequency', () => cosineSchedule({ finalSparsity: 0.5, end: 5, frequency: 0 })],
    ['power', () => polynomialSchedule({ finalSparsity: 0.5, end: 5, power: 0 })],
    ['rounds', () => iterativeSchedule({ finalSparsity: 0.5, rounds: 1.5, frequency: 1 })],
    ['frequency', () => iterativeSchedule({ finalSparsity: 0.5, rounds: 2, frequency: 0 })],
  ])('refuse a %s that is not allowed', (name, make) => {
    let caught: unknown;
    try {
      make();
    } catch (error) {
      caught = error;
    }
    expect(isPruneError(caught, 'argument')).toBe(true);
    expect(String(caught)).toContain(`${name} must be`);
  });

  test('refuse options that there are not', () => {
    // @ts-expect-error There is no such option.
    expect(() => cosineSchedule({ finalSparsity: 0.5, end: 5, power: 3 })).toThrowError(/no option 'power'/);
  });
});
