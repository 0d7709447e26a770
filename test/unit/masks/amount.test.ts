import { describe, expect, test } from 'vitest';
import { isPruneError } from '../../../src/errors';
import { type Amount, pruneCount, resolveAmount } from '../../../src/masks/amount';
import { kindOf } from './kind-of';

describe('resolveAmount', () => {
  test.each([
    [0, { fraction: 0 }],
    [0.34, { fraction: 0.34 }],
    [1, { count: 1 }],
    [1500, { count: 1500 }],
    [{ fraction: 1 }, { fraction: 1 }],
    [{ fraction: 0 }, { fraction: 0 }],
    [{ count: 0 }, { count: 0 }],
    [{ count: 1 }, { count: 1 }],
  ])('takes %o', (amount, resolved) => {
    expect(resolveAmount(amount)).toEqual(resolved);
  });

  test.each([
    1.1,
    1.5,
    -10,
    -0.1,
    Number.NaN,
    Infinity,
    { fraction: 20 },
    { fraction: Number.NaN },
    { count: -1 },
    { count: 0.5 },
  ])('refuses %o as out of range', (amount) => {
    expect(kindOf(() => resolveAmount(amount))).toBe('amount');
  });

  test.each([
    '0.5',
    true,
    false,
    null,
    undefined,
    {},
    [],
    3n,
    { fraction: '0.5' },
    { count: true },
    { fraction: 0.5, count: 1 },
  ])('refuses %o as no amount at all', (amount) => {
    expect(kindOf(() => resolveAmount(amount))).toBe('argument');
  });

  test('says what was given and what is allowed', () => {
    try {
      resolveAmount({ fraction: 1.2 });
      expect.unreachable();
    } catch (error) {
      expect(isPruneError(error, 'amount') && error.given).toEqual({ fraction: 1.2 });
      expect(String(error)).toMatch(/fraction in \[0, 1\).*but got \{ fraction: 1\.2 \}/);
    }
  });
});

describe('pruneCount', () => {
  // Python: round(fraction * size)
  test.each<[Amount, number, number]>([
    [0.5, 5, 2],
    [0.5, 7, 4],
    [0.25, 10, 2],
    [0.5, 1, 0],
    [0.5, 3, 2],
    [0.4, 17, 7],
    [0.3, 0, 0],
    [{ fraction: 1 }, 9, 9],
    [0, 9, 0],
    [{ count: 0 }, 9, 0],
    [10, 19, 10],
    [1, 19, 1],
    [15, 15, 15],
  ])('%o of %i is %i', (amount, size, count) => {
    expect(pruneCount(amount, size)).toBe(count);
  });

  test('refuses more than there is, naming both numbers', () => {
    expect(kindOf(() => pruneCount(20, 19))).toBe('amount');
    expect(() => pruneCount(20, 19)).toThrow(/prune 20 .* 19/);
  });
});
