import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Amount,
  blockStructured,
  gather,
  globalBlockStructured,
  type Layout,
  merged,
  permuted,
  pruneCount,
  semiStructured,
} from '../../src/masks/index';
import { blockNorm, blocksLeft, groupsOf, strongestOfEach, withoutWeakest } from '../support/blocks-by-hand';

const fractions = fc.double({ min: 0, max: 1, noNaN: true }).map((fraction): Amount => ({ fraction }));
const coarse = fc.integer({ min: -2, max: 2 });
const fine = fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 });

/** A tensor of 1 to 4 axes that lies in memory with its axes in some order, perhaps two of them read as one. */
const layouts: fc.Arbitrary<Layout> = fc
  .array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 })
  .chain((stored) =>
    fc.tuple(
      fc.constant(stored),
      fc.shuffledSubarray([...stored.keys()], { minLength: stored.length }),
      fc.boolean(),
    ),
  )
  .map(([stored, order, isMerged]) => {
    const layout = permuted(stored, order);
    return isMerged && order.length > 1 ? merged(layout, 0) : layout;
  });

interface Example {
  readonly layout: Layout;
  readonly scores: Float32Array;
  readonly mask: Uint8Array;
  readonly dim: number;
}

function examples(entry: fc.Arbitrary<number>): fc.Arbitrary<Example> {
  const arrayOf = (from: fc.Arbitrary<number>, size: number) =>
    fc.array(from, { minLength: size, maxLength: size });
  return layouts.chain((layout) =>
    fc.record({
      layout: fc.constant(layout),
      scores: arrayOf(entry, layout.size).map((values) => Float32Array.from(values)),
      mask: arrayOf(fc.constantFrom(0, 1, 1), layout.size).map((mask) => Uint8Array.from(mask)),
      dim: fc.nat(layout.shape.length - 1),
    }),
  );
}

/** The same in row-major order. */
function rowsOf({ layout, scores, mask }: Example): { scores: Float32Array; mask: Uint8Array } {
  return {
    scores: gather(scores, layout, new Float32Array(layout.size)),
    mask: gather(mask, layout, new Uint8Array(layout.size)),
  };
}

function inRows(mask: Uint8Array, { layout }: Example): number[] {
  return [...gather(mask, layout, new Uint8Array(layout.size))];
}

const sizes = fc.integer({ min: 2, max: 5 });
const norms = fc.constantFrom(0, 1, 2, 3, Infinity);

describe('blockStructured', () => {
  test('removes exactly the rounded fraction of the blocks that are left, as a whole, and touches no other', () => {
    fc.assert(
      fc.property(examples(fc.oneof(coarse, fine)), sizes, norms, fractions, (example, size, n, amount) => {
        const { layout, scores, mask, dim } = example;
        const before = rowsOf(example).mask;
        const after = inRows(blockStructured(scores, layout, { amount, size, n, dim, mask }), example);
        const left = blocksLeft(before, groupsOf(layout.shape, dim, size));
        const touched = left.filter((block) => block.some((at) => after[at] !== before[at]));
        expect(touched.every((block) => block.every((at) => after[at] === 0))).toBe(true);
        expect(touched.length).toBe(pruneCount(amount, left.length));
      }),
    );
  });

  test('keeps no block that is weaker than one that it removes', () => {
    fc.assert(
      fc.property(examples(coarse), sizes, fractions, (example, size, amount) => {
        const { layout, scores, mask, dim } = example;
        const rows = rowsOf(example);
        const after = inRows(blockStructured(scores, layout, { amount, size, n: 1, dim, mask }), example);
        const left = blocksLeft(rows.mask, groupsOf(layout.shape, dim, size));
        const isKept = (block: number[]): boolean => block.some((at) => after[at] === 1);
        const norm = (block: number[]): number => blockNorm(rows.scores, rows.mask, block, 1);
        const weakest = Math.min(...left.filter(isKept).map(norm));
        const strongest = Math.max(...left.filter((block) => !isKept(block)).map(norm));
        // The sums are of small whole numbers, but dividing them by 3 and by 5 rounds.
        expect(weakest).toBeGreaterThanOrEqual(strongest - 1e-6);
      }),
    );
  });

  test('without ties is what sorting the blocks gives', () => {
    fc.assert(
      fc.property(examples(fine), sizes, norms, fractions, (example, size, n, amount) => {
        const { layout, dim } = example;
        const { scores, mask } = rowsOf(example);
        const blocks = groupsOf(layout.shape, dim, size);
        const left = blocksLeft(mask, blocks);
        const ranked = left.map((block) => blockNorm(scores, mask, block, n)).sort((a, b) => a - b);
        const count = pruneCount(amount, left.length);
        // Between norms that differ by no more than rounding, either order is right.
        fc.pre(count === 0 || count === left.length || ranked[count]! > ranked[count - 1]! * (1 + 1e-5));
        const pruned = blockStructured(example.scores, layout, { amount, size, n, dim, mask: example.mask });
        expect(inRows(pruned, example)).toEqual(withoutWeakest(scores, mask, blocks, count, n));
      }),
    );
  });
});

describe('globalBlockStructured', () => {
  const several = fc.array(examples(fc.oneof(coarse, fine)), { minLength: 1, maxLength: 3 });

  test('removes what blockStructured removes of one tensor', () => {
    fc.assert(
      fc.property(examples(fc.oneof(coarse, fine)), sizes, fractions, (example, size, amount) => {
        const { layout, scores, mask, dim } = example;
        expect(globalBlockStructured([example], amount, { size })).toEqual([
          blockStructured(scores, layout, { amount, size, dim, mask }),
        ]);
      }),
    );
  });

  test('removes the rounded fraction of all blocks, none stronger than one that stays in any part', () => {
    fc.assert(
      fc.property(several, sizes, fractions, (parts, size, amount) => {
        const masks = globalBlockStructured(parts, amount, { size, n: Infinity });
        const ranked = parts.flatMap((part, i) => {
          const { scores, mask } = rowsOf(part);
          const after = inRows(masks[i]!, part);
          return blocksLeft(mask, groupsOf(part.layout.shape, part.dim, size)).map((block) => ({
            norm: blockNorm(scores, mask, block, Infinity),
            isKept: block.some((at) => after[at] === 1),
          }));
        });
        const normsOf = (isKept: boolean): number[] =>
          ranked.filter((block) => block.isKept === isKept).map(({ norm }) => norm);
        expect(normsOf(false).length).toBe(pruneCount(amount, ranked.length));
        expect(Math.min(...normsOf(true))).toBeGreaterThanOrEqual(Math.max(...normsOf(false)));
      }),
    );
  });
});

describe('semiStructured', () => {
  const patterns = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
    .map(([n, more]) => ({ n, m: n + more }));
  const any = fc.oneof(coarse, fine, fc.constantFrom(NaN, Infinity, -Infinity));

  test('keeps of each group the n strongest that are left, the first of equals', () => {
    fc.assert(
      fc.property(examples(any), patterns, (example, { n, m }) => {
        const { layout, dim } = example;
        const { scores, mask } = rowsOf(example);
        const pruned = semiStructured(example.scores, layout, { n, m, dim, mask: example.mask });
        const expected = strongestOfEach(scores, mask, groupsOf(layout.shape, dim, m), n);
        expect(inRows(pruned, example)).toEqual(expected);
      }),
    );
  });

  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(examples(any), patterns, ({ layout, scores, dim }, { n, m }) => {
        const mask = semiStructured(scores, layout, { n, m, dim });
        expect(semiStructured(scores, layout, { n, m, dim, mask })).toEqual(mask);
      }),
    );
  });
});
