import { describe, expect, test } from 'vitest';
import { permuted } from '../../../src/masks/layout';
import { semiStructured } from '../../../src/masks/semi-structured';
import { kindOf } from './kind-of';

const of = (...mask: number[]): Uint8Array => Uint8Array.from(mask);

describe('semiStructured', () => {
  test('keeps the n largest magnitudes of every m', () => {
    const scores = Float32Array.of(1, -4, 2, 3, 0, -1, 0.5, 0.1);
    expect(semiStructured(scores, [1, 8], { n: 2, m: 4, dim: 1 })).toEqual(of(0, 1, 0, 1, 0, 1, 1, 0));
    expect(semiStructured(scores, [1, 8], { n: 1, m: 2, dim: 1 })).toEqual(of(0, 1, 0, 1, 0, 1, 1, 0));
    expect(semiStructured(scores, [1, 8], { n: 4, m: 8, dim: -1 })).toEqual(of(1, 1, 1, 1, 0, 0, 0, 0));
  });

  test('keeps the first of equals', () => {
    const scores = Float32Array.of(1, -1, 1, 1, 0, -0, 0, 2);
    expect(semiStructured(scores, [2, 4], { n: 2, m: 4, dim: 1 })).toEqual(of(1, 1, 0, 0, 1, 0, 0, 1));
  });

  test('lets a short last group keep n as well', () => {
    const scores = Float32Array.of(1, 2, 3, 4, 3, 1, 2);
    expect(semiStructured(scores, [1, 7], { n: 2, m: 4, dim: 1 })).toEqual(of(0, 0, 1, 1, 1, 0, 1));
    expect(semiStructured(scores.slice(0, 6), [1, 6], { n: 2, m: 4, dim: 1 })).toEqual(of(0, 0, 1, 1, 1, 1));
  });

  test('prunes along the axis, not along memory', () => {
    const scores = Float32Array.of(1, 8, 2, 7, 3, 6, 4, 5);
    const expected = of(0, 1, 0, 1, 1, 0, 1, 0);
    expect(semiStructured(scores, [4, 2], { n: 2, m: 4, dim: 0 })).toEqual(expected);
    expect(semiStructured(scores, permuted([4, 2], [1, 0]), { n: 2, m: 4, dim: 1 })).toEqual(expected);
  });

  test('counts what earlier prunings removed as removed', () => {
    const scores = Float32Array.of(9, 1, 2, 3);
    const prune = (...mask: number[]): Uint8Array =>
      semiStructured(scores, [1, 4], { n: 2, m: 4, dim: 1, mask: of(...mask) });
    expect(prune(0, 1, 1, 1)).toEqual(of(0, 0, 1, 1));
    expect(prune(0, 1, 0, 1)).toEqual(of(0, 1, 0, 1));
    expect(prune(0, 0, 0, 1)).toEqual(of(0, 0, 0, 1));
    expect(prune(1, 1, 1, 1)).toEqual(of(1, 0, 0, 1));
  });

  test('takes NaN for the largest', () => {
    const scores = Float32Array.of(1, NaN, Infinity, NaN);
    expect(semiStructured(scores, [1, 4], { n: 2, m: 4, dim: 1 })).toEqual(of(0, 1, 0, 1));
  });

  test('prunes nothing of nothing', () => {
    expect(semiStructured(new Float32Array(0), [3, 0], { n: 2, m: 4, dim: 1 })).toEqual(of());
    expect(semiStructured(new Float32Array(0), [0, 8], { n: 2, m: 4, dim: 1 })).toEqual(of());
  });

  test('refuses what does not fit', () => {
    const scores = new Float32Array(8);
    const kind = (options: object, shape = [2, 4]) =>
      kindOf(() => semiStructured(scores, shape, { n: 2, m: 4, dim: 1, ...options }));
    for (const n of [0, -1, 4, 5, 1.5, NaN, '2', null, undefined]) expect(kind({ n })).toBe('argument');
    for (const m of [2, 1, 0, 2.5, NaN, Infinity, '4', null, undefined]) expect(kind({ m })).toBe('argument');
    expect(kind({ dim: 2 })).toBe('dim');
    expect(kind({}, [2, 3])).toBe('shape');
    expect(kind({ mask: of(1) })).toBe('shape');
    expect(kind({ mask: new Uint8Array(8).fill(3) })).toBe('argument');
    expect(kindOf(() => semiStructured([1, 2] as never, [1, 2], { n: 1, m: 2, dim: 1 }))).toBe('argument');
  });
});
