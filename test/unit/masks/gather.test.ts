import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gather, scatter } from '../../../src/masks/gather';
import { expanded, type Layout, merged, permuted, rowMajor, taken } from '../../../src/masks/layout';
import { kindOf } from './kind-of';

interface Case {
  readonly layout: Layout;
  readonly storedSize: number;
}

/** Layouts of all kinds, with axes around the number of rows that are copied at a time. */
const cases: fc.Arbitrary<Case> = fc
  .array(fc.constantFrom(1, 2, 3, 5, 16, 17, 33), { minLength: 1, maxLength: 4 })
  .chain((stored) =>
    fc.record({
      order: fc.shuffledSubarray([...stored.keys()], { minLength: stored.length }),
      merge: fc.boolean(),
      expand: fc.boolean(),
      take: fc.boolean(),
      stored: fc.constant(stored),
    }),
  )
  .map(({ stored, order, merge, expand, take }) => {
    let layout = permuted(stored, order);
    if (merge && layout.shape.length > 1) layout = merged(layout, 0);
    if (expand) layout = expanded(layout, 1);
    if (take) layout = taken(layout, 0, [layout.shape[0]! - 1, 0]);
    return { layout, storedSize: stored.reduce<number>((size, n) => size * n, 1) };
  });

/** The position of every element, by the definition of a layout. */
function positionsOf({ offsets }: Layout): number[] {
  let found = [0];
  for (const table of offsets)
    found = found.flatMap((position) => Array.from(table, (offset) => position + offset));
  return found;
}

describe('gather', () => {
  it('reads the elements of a layout in row-major order', () => {
    fc.assert(
      fc.property(cases, ({ layout, storedSize }) => {
        const source = Int32Array.from({ length: storedSize }, (_, i) => i);
        expect([...gather(source, layout, new Int32Array(layout.size))]).toEqual(positionsOf(layout));
      }),
    );
  });
});

describe('scatter', () => {
  it('undoes gather where the layout is of the whole array', () => {
    fc.assert(
      fc.property(cases, ({ layout, storedSize }) => {
        fc.pre(layout.size === storedSize && new Set(positionsOf(layout)).size === storedSize);
        const source = Int32Array.from({ length: storedSize }, (_, i) => i + 1);
        const there = gather(source, layout, new Int32Array(layout.size));
        expect(scatter(there, layout, new Int32Array(storedSize))).toEqual(source);
      }),
    );
  });

  it('leaves alone what the layout does not name', () => {
    const column = taken(permuted([2, 3], [0, 1]), 1, [2]);
    expect([...scatter(Float32Array.of(8, 9), column, new Float32Array(6).fill(-1))]).toEqual([
      -1, -1, 8, -1, -1, 9,
    ]);
  });
});

describe.each<[string, Layout]>([
  ['row-major', rowMajor([2, 3])],
  ['permuted', permuted([2, 3], [1, 0])],
])('arrays that are too short: %s', (_, layout) => {
  it.each([
    ['gather', gather],
    ['scatter', scatter],
  ])('%s', (_, copy) => {
    const [long, short] = [new Float32Array(7), new Float32Array(5)];
    expect(kindOf(() => copy(long, layout, new Float32Array(6)))).toBeUndefined();
    expect(kindOf(() => copy(long, layout, short))).toBe('shape');
    expect(kindOf(() => copy(short, layout, long))).toBe('shape');
    expect([...short, ...long]).toEqual(new Array(12).fill(0));
  });
});

it('needs only what a layout reaches', () => {
  const column = taken(rowMajor([3, 4]), 1, [1]);
  expect([
    ...gather(
      Float32Array.from({ length: 10 }, (_, i) => i),
      column,
      new Float32Array(3),
    ),
  ]).toEqual([1, 5, 9]);
  expect(kindOf(() => gather(new Float32Array(9), column, new Float32Array(3)))).toBe('shape');
  expect(kindOf(() => scatter(new Float32Array(3), column, new Float32Array(9)))).toBe('shape');
  const none = permuted([0, 3], [1, 0]);
  expect([...gather(new Float32Array(0), none, new Float32Array(0))]).toEqual([]);
});
