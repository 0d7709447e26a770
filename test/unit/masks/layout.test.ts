import { describe, expect, test } from 'vitest';
import { gather, scatter } from '../../../src/masks/gather';
import { flatGrid, gridOf } from '../../../src/masks/grid';
import {
  expanded,
  type Layout,
  merged,
  permuted,
  positions,
  rowMajor,
  taken,
} from '../../../src/masks/layout';
import { kindOf } from './kind-of';

const walk = (layout: Layout): number[] => [...positions(layout.offsets)];

describe('layouts', () => {
  test('row-major elements lie in order', () => {
    const layout = rowMajor([2, 3, 2]);
    expect(layout.contiguous).toBe(true);
    expect(walk(layout)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('permuted axes read the array in another order', () => {
    const layout = permuted([2, 3], [1, 0]);
    expect(layout).toMatchObject({ shape: [3, 2], size: 6, contiguous: false });
    expect(walk(layout)).toEqual([0, 3, 1, 4, 2, 5]);
  });

  test('merged axes are one, the second running faster', () => {
    const layout = merged(permuted([2, 2, 3], [2, 1, 0]), 0);
    expect(layout.shape).toEqual([6, 2]);
    expect([...layout.offsets[0]!]).toEqual([0, 3, 1, 4, 2, 5]);
  });

  test('expanded adds an axis of one and moves nothing', () => {
    const layout = expanded(permuted([2, 3], [1, 0]), 1);
    expect(layout.shape).toEqual([3, 1, 2]);
    expect(walk(layout)).toEqual([0, 3, 1, 4, 2, 5]);
  });

  test('taken keeps the chosen indices in their order', () => {
    const layout = taken(rowMajor([4, 2]), 0, [3, 1]);
    expect(layout).toMatchObject({ shape: [2, 2], size: 4, contiguous: false });
    expect(walk(layout)).toEqual([6, 7, 2, 3]);
  });

  test('axes of one do not spoil contiguity, empty axes have no elements', () => {
    expect(permuted([1, 3], [1, 0]).contiguous).toBe(true);
    expect(rowMajor([0, 3])).toMatchObject({ size: 0 });
    expect(walk(rowMajor([2, 0]))).toEqual([]);
    expect(walk(rowMajor([]))).toEqual([0]);
  });
});

describe('layouts refuse', () => {
  const layout = permuted([2, 3], [1, 0]);

  test.each([-1, 2, 0.5, Number.NaN])('the axis %d where there are two', (axis) => {
    expect(kindOf(() => taken(layout, axis, [0]))).toBe('dim');
    expect(kindOf(() => permuted([2, 3], [0, axis]))).toBe('dim');
  });

  test('to merge the last axis, or to expand past the end', () => {
    for (const axis of [-1, 1, 0.5]) expect(kindOf(() => merged(layout, axis))).toBe('dim');
    expect(kindOf(() => merged(rowMajor([]), 0))).toBe('dim');
    expect(expanded(layout, 2).shape).toEqual([3, 2, 1]);
    for (const axis of [-1, 3, 0.5]) expect(kindOf(() => expanded(layout, axis))).toBe('dim');
  });

  test('orders that are not one of all axes', () => {
    for (const order of [[0, 0], [0], [0, 1, 0], []])
      expect(kindOf(() => permuted([2, 3], order))).toBe('dim');
  });

  test('sizes that are none', () => {
    for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(kindOf(() => rowMajor([2, size]))).toBe('shape');
      expect(kindOf(() => permuted([size, 2], [1, 0]))).toBe('shape');
    }
  });

  test.each([-1, 3, 0.5, Number.NaN])('the index %d of an axis of three', (index) => {
    expect(kindOf(() => taken(layout, 0, [0, index]))).toBe('shape');
  });
});

describe('grids', () => {
  test.each([
    ['short', permuted([3, 4], [1, 0])],
    ['of many axes', permuted([3, 3, 40, 50], [3, 2, 0, 1])],
    ['flat', taken(rowMajor([2000]), 0, [...Array(2000).keys()].reverse())],
    ['contiguous', rowMajor([50, 101])],
  ])('walk a layout in order: %s', (_, layout) => {
    const { rows, columns } = gridOf(layout);
    const visited: number[] = [];
    for (const row of rows) for (const column of columns) visited.push(row + column);
    expect(visited.slice(0, layout.size)).toEqual(walk(layout));
  });

  test('a flat grid covers its size', () => {
    const { rows, columns } = flatGrid(9000);
    expect(rows.length * columns.length).toBeGreaterThanOrEqual(9000);
  });
});

test('scatter undoes gather', () => {
  const layout = permuted([2, 3, 4], [2, 0, 1]);
  const source = Float32Array.from({ length: 24 }, (_, i) => i);
  const rows = gather(source, layout, new Float32Array(24));
  expect([...rows.subarray(0, 6)]).toEqual([0, 4, 8, 12, 16, 20]);
  expect(scatter(rows, layout, new Float32Array(24))).toEqual(source);
});
