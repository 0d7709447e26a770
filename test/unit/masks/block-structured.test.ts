import { describe, expect, test } from 'vitest';
import { blockStructured, globalBlockStructured } from '../../../src/masks/block-structured';
import { permuted } from '../../../src/masks/layout';
import { kindOf } from './kind-of';

const of = (...mask: number[]): Uint8Array => Uint8Array.from(mask);
const column = (...scores: number[]): [Float32Array, number[]] => [
  Float32Array.from(scores),
  [scores.length, 1],
];

describe('blockStructured', () => {
  test('prunes neighbours together', () => {
    const [scores, shape] = column(1, 1, 0.5, 9, 2, 2, 3, 0);
    expect(blockStructured(scores, shape, { amount: 2, size: 2, dim: 0 })).toEqual(
      of(0, 0, 1, 1, 0, 0, 1, 1),
    );
  });

  test('ranks by the norm that is asked for', () => {
    const [scores, shape] = column(3, 3, 0, 5);
    const prune = (n: number): Uint8Array =>
      blockStructured(scores, shape, { amount: 1, size: 2, n, dim: 0 });
    expect(prune(1)).toEqual(of(1, 1, 0, 0));
    expect(prune(2)).toEqual(of(0, 0, 1, 1));
    expect(prune(Infinity)).toEqual(of(0, 0, 1, 1));
    expect(prune(0)).toEqual(of(1, 1, 0, 0));
  });

  test('makes blocks of 16 by the 2-norm where nothing is said', () => {
    const [scores, shape] = column(...Array<number>(16).fill(1), ...Array<number>(15).fill(0), 5);
    const byDefault = blockStructured(scores, shape, { amount: 1, dim: 0 });
    expect(byDefault).toEqual(blockStructured(scores, shape, { amount: 1, size: 16, n: 2, dim: 0 }));
    expect([...byDefault]).toEqual([...Array<number>(16).fill(0), ...Array<number>(16).fill(1)]);
  });

  test('takes a short last block for what its entries are, not for the fewer they are', () => {
    const [scores, shape] = column(1, 1, 1, 1, 1, 1, 1, 1.1);
    for (const n of [1, 2, 3]) {
      const mask = blockStructured(scores, shape, { amount: 1, size: 7, n, dim: 0 });
      expect(mask).toEqual(of(0, 0, 0, 0, 0, 0, 0, 1));
    }
    const [weak, same] = column(1, 1, 1, 1, 1, 1, 1, 0.9);
    const mask = blockStructured(weak, same, { amount: 1, size: 7, dim: 0 });
    expect(mask).toEqual(of(1, 1, 1, 1, 1, 1, 1, 0));
  });

  test('makes one block of an axis that is shorter than a block', () => {
    const scores = Float32Array.of(1, 2, 3, 0);
    expect(blockStructured(scores, [2, 2], { amount: 1, size: 16, dim: 0 })).toEqual(of(1, 0, 1, 0));
  });

  test('counts only blocks of which something is left', () => {
    const [scores, shape] = column(0, 0, 5, 5, 1, 1, 2, 2);
    const mask = of(0, 0, 1, 1, 1, 1, 1, 1);
    const pruned = blockStructured(scores, shape, { amount: 1 / 3, size: 2, dim: 0, mask });
    expect(pruned).toEqual(of(0, 0, 1, 1, 0, 0, 1, 1));
    expect(kindOf(() => blockStructured(scores, shape, { amount: 4, size: 2, dim: 0, mask }))).toBe('amount');
  });

  test('ranks what is left of a block, whatever the scores say of the rest', () => {
    const [scores, shape] = column(9, 1, 2, 2);
    const mask = of(0, 1, 1, 1);
    expect(blockStructured(scores, shape, { amount: 1, size: 2, dim: 0, mask })).toEqual(of(0, 0, 1, 1));
  });

  test('keeps NaN longest', () => {
    const [scores, shape] = column(NaN, 0, Infinity, 1, 1, 1);
    expect(blockStructured(scores, shape, { amount: 2, size: 2, dim: 0 })).toEqual(of(1, 1, 0, 0, 0, 0));
  });

  test('prunes the same blocks however they are stored', () => {
    const stored = permuted([2, 4], [1, 0]);
    const scores = Float32Array.of(1, 1, 5, 5, 6, 6, 2, 2);
    expect(blockStructured(scores, stored, { amount: 2, size: 2, dim: 0 })).toEqual(
      of(0, 0, 1, 1, 1, 1, 0, 0),
    );
  });

  test('removes everything, or nothing of nothing', () => {
    const [scores, shape] = column(1, 2, 3);
    expect(blockStructured(scores, shape, { amount: { fraction: 1 }, dim: 0 })).toEqual(of(0, 0, 0));
    expect(blockStructured(scores, shape, { amount: 0, dim: 0 })).toEqual(of(1, 1, 1));
    for (const empty of [
      [0, 3],
      [3, 0],
      [2, 0, 3],
    ])
      expect(blockStructured(new Float32Array(0), empty, { amount: 0.5, dim: 0 })).toEqual(of());
  });

  test('refuses what does not fit', () => {
    const scores = new Float32Array(8);
    const settings = { amount: 1, size: 2, n: 2, dim: 0 };
    const kind = (options: object, shape = [2, 4]) =>
      kindOf(() => blockStructured(scores, shape, { ...settings, ...options }));
    for (const size of [1, 0, -2, 2.5, NaN, Infinity, '2', null]) expect(kind({ size })).toBe('argument');
    for (const n of [-1, -Infinity, NaN, 'fro', null]) expect(kind({ n })).toBe('argument');
    expect(kind({ dim: 2 })).toBe('dim');
    expect(kind({ dim: -3 })).toBe('dim');
    expect(kind({ amount: 5 })).toBe('amount');
    expect(kind({ amount: 1.5 })).toBe('amount');
    expect(kind({}, [2, 3])).toBe('shape');
    expect(kind({}, [-2, -4])).toBe('shape');
    expect(kind({ mask: of(1) })).toBe('shape');
    expect(kind({ mask: new Uint8Array(8).fill(2) })).toBe('argument');
    expect(kindOf(() => blockStructured([1, 2] as never, [2, 1], settings))).toBe('argument');
  });
});

describe('globalBlockStructured', () => {
  const strong = { scores: Float32Array.of(5, 5, 3, 3), layout: [4, 1], dim: 0 };
  const weak = { scores: Float32Array.of(1, 2, 4, 1, 2, 4), layout: [2, 3], dim: 0 };

  test('lets tensors that matter less lose more', () => {
    expect(globalBlockStructured([strong, weak], 2, { size: 2 })).toEqual([
      of(1, 1, 1, 1),
      of(0, 0, 1, 0, 0, 1),
    ]);
    expect(globalBlockStructured([strong, weak], 3, { size: 2 })).toEqual([
      of(1, 1, 0, 0),
      of(0, 0, 1, 0, 0, 1),
    ]);
  });

  test('prunes nothing of nothing', () => {
    expect(globalBlockStructured([], 0)).toEqual([]);
    expect(globalBlockStructured([strong], 0)).toEqual([of(1, 1, 1, 1)]);
  });

  test('names the part that is wrong', () => {
    const broken = { ...weak, mask: of(1, 1) };
    expect(() => globalBlockStructured([strong, broken], 1)).toThrow(/part 1/);
    expect(kindOf(() => globalBlockStructured([strong, weak], 10, { size: 2 }))).toBe('amount');
  });
});
