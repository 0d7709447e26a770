import { describe, expect, test } from 'vitest';
import { gather, scatter } from '../../../src/masks/gather';
import { type Layout, merged, permuted, rowMajor, taken } from '../../../src/masks/layout';
import { type NormOrder, sliceNorms } from '../../../src/masks/norms';
import { resolveDim } from '../../../src/masks/slices';
import fixture from '../../parity/fixtures/norms.json';
import { torchValues } from '../../parity/torch-values';
import { kindOf } from './kind-of';

const normOf = (n: string | number): NormOrder => {
  if (n === 'fro' || n === 'nuc' || typeof n === 'number') return n;
  return n === 'inf' ? Infinity : -Infinity;
};

const orders: Record<number, number[][]> = {
  2: [[1, 0]],
  3: [
    [2, 1, 0],
    [1, 0, 2],
  ],
  4: [
    [3, 2, 0, 1],
    [0, 3, 1, 2],
  ],
};

function layoutsOf(shape: readonly number[]): Layout[] {
  const permutations = orders[shape.length]!.map((order) => {
    const stored = new Array<number>(shape.length);
    order.forEach((axis, i) => {
      stored[axis] = shape[i]!;
    });
    return permuted(stored, order);
  });
  const reversed = taken(permutations[0]!, 0, [...Array(shape[0]!).keys()].reverse());
  return [rowMajor(shape), ...permutations, reversed];
}

describe('sliceNorms', () => {
  test.each(fixture.cases)('is torch.norm: $shape, dim $dim, p = $n', ({ shape, dim, n, seed, norms }) => {
    const values = torchValues(rowMajor(shape).size, { seed, form: 'uniform' });
    for (const layout of layoutsOf(shape)) {
      const scores = scatter(values, layout, new Float32Array(layout.size));
      expect(gather(scores, layout, new Float32Array(layout.size))).toEqual(values);
      const found = sliceNorms(scores, layout, dim, normOf(n));
      expect(found.length).toBe(norms.length);
      found.forEach((norm, i) => {
        expect(Math.abs(norm / norms[i]! - 1)).toBeLessThan(2e-5);
      });
    }
  });

  test.each(fixture.special)('treats NaN, infinity and zeros as torch does: p = $n', ({ n, norms }) => {
    const scores = Float32Array.of(Number.NaN, 1, 2, 3, 4, 0, 0, 0, 0, Infinity, 1, 2, -0, 1, -1);
    const numbers = norms.map(Number);
    for (const layout of [rowMajor([5, 3]), permuted([3, 5], [1, 0])]) {
      const stored = scatter(scores, layout, new Float32Array(15));
      const found = sliceNorms(stored, layout, 0, normOf(n));
      found.forEach((norm, i) => {
        if (Number.isFinite(numbers[i])) expect(norm).toBeCloseTo(numbers[i]!, 5);
        else expect(norm).toBe(numbers[i]);
      });
    }
  });

  test.each(fixture.refused)('refuses what torch refuses: $shape, p = $n', ({ shape, n }) => {
    const layout = rowMajor(shape);
    // The fixture names norms that are none on purpose; the runtime check is what is tested.
    expect(kindOf(() => sliceNorms(new Float32Array(layout.size), layout, 0, n as NormOrder))).toBe(
      'argument',
    );
  });

  test('adds up slices that no stride describes', () => {
    const layout = merged(permuted([2, 2, 2], [0, 2, 1]), 0);
    const scores = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect([...sliceNorms(scores, layout, 0, 1)]).toEqual([4, 6, 12, 14]);
    expect([...sliceNorms(scores, layout, 1, 1)]).toEqual([14, 22]);
  });

  test('is zero for slices of nothing', () => {
    for (const n of [0, 1, 2, -1, Infinity, -Infinity]) {
      expect([...sliceNorms(new Float32Array(0), rowMajor([3, 0]), 0, n)]).toEqual([0, 0, 0]);
    }
  });

  test('refuses no norm at all, and a nuclear norm of what is not finite', () => {
    const layout = rowMajor([1, 2, 2]);
    expect(kindOf(() => sliceNorms(new Float32Array(4), layout, 0, Number.NaN))).toBe('argument');
    expect(kindOf(() => sliceNorms(Float32Array.of(1, Number.NaN, 0, 0), layout, 0, 'nuc'))).toBe('argument');
    expect(() => sliceNorms(new Float32Array(16), rowMajor([2, 2, 2, 2]), 0, 'fro')).toThrow(/3 axes.*'fro'/);
  });
});

test('resolveDim counts from both ends', () => {
  expect([0, 3, -1, -4].map((dim) => resolveDim(dim, 4))).toEqual([0, 3, 3, 0]);
  for (const dim of [4, -5, 0.5, Number.NaN]) expect(kindOf(() => resolveDim(dim, 4))).toBe('dim');
});
