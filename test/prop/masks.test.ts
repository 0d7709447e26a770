import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Amount,
  blockStructured,
  Generator,
  gather,
  globalL1Unstructured,
  globalRandomUnstructured,
  type Layout,
  l1Unstructured,
  lnStructured,
  permuted,
  pruneCount,
  randomStructured,
  randomUnstructured,
  rowMajor,
  scatter,
  semiStructured,
  zeros,
} from '../../src/masks/index';

const fractions = fc.double({ min: 0, max: 1, noNaN: true }).map((fraction): Amount => ({ fraction }));
const bits = (size: number): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.constantFrom(0, 1, 1), { minLength: size, maxLength: size })
    .map((mask) => Uint8Array.from(mask));
const coarse = fc.integer({ min: -4, max: 4 });
const fine = fc.float({ noNaN: false });
const scoresOf = (size: number): fc.Arbitrary<Float32Array> =>
  fc
    .oneof(
      fc.array(coarse, { minLength: size, maxLength: size }),
      fc.array(fine, { minLength: size, maxLength: size }),
    )
    .map((scores) => Float32Array.from(scores));

/** A tensor of 2 to 4 axes that lies in memory with its axes in some order. */
interface Tensor {
  readonly layout: Layout;
  readonly scores: Float32Array;
  readonly mask: Uint8Array;
}

const tensors: fc.Arbitrary<Tensor> = fc
  .array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 })
  .chain((stored) =>
    fc
      .shuffledSubarray([...stored.keys()], { minLength: stored.length })
      .map((order) => permuted(stored, order)),
  )
  .chain((layout) =>
    fc.record({ layout: fc.constant(layout), scores: scoresOf(layout.size), mask: bits(layout.size) }),
  );

interface Call {
  readonly name: string;
  /** The mask of a tensor; the seed and the axis are for those who use them. */
  readonly prune: (tensor: Tensor, amount: Amount, seed: number) => Uint8Array;
  readonly structured?: true;
}

const calls: Call[] = [
  {
    name: 'l1Unstructured',
    prune: ({ layout, scores, mask }, amount) => l1Unstructured(scores, amount, { layout, mask }),
  },
  {
    name: 'randomUnstructured',
    prune: ({ layout, mask }, amount, seed) =>
      randomUnstructured(layout, amount, { mask, generator: new Generator(seed) }),
  },
  {
    name: 'lnStructured',
    structured: true,
    prune: ({ layout, scores, mask }, amount, seed) =>
      lnStructured(scores, layout, { amount, mask, n: [1, 2, Infinity][seed % 3]!, dim: seed % 2 }),
  },
  {
    name: 'randomStructured',
    structured: true,
    prune: ({ layout, mask }, amount, seed) =>
      randomStructured(layout, { amount, mask, dim: seed % 2, generator: new Generator(seed) }),
  },
  {
    name: 'blockStructured',
    structured: true,
    prune: ({ layout, scores, mask }, amount, seed) =>
      blockStructured(scores, layout, { amount, mask, size: 2 + (seed % 3), n: seed % 4, dim: seed % 2 }),
  },
  {
    name: 'semiStructured',
    structured: true,
    prune: ({ layout, scores, mask }, _, seed) =>
      semiStructured(scores, layout, { mask, n: 1 + (seed % 3), m: 4 + (seed % 2), dim: seed % 2 }),
  },
];
const seeds = fc.integer({ min: 0, max: 1000 });

describe.each(calls)('$name', ({ prune, structured }) => {
  test('masks only shrink', () => {
    fc.assert(
      fc.property(tensors, fractions, seeds, (tensor, amount, seed) => {
        const pruned = prune(tensor, amount, seed);
        expect(pruned.every((kept, i) => kept <= tensor.mask[i]!)).toBe(true);
      }),
    );
  });

  test('nothing that is given changes', () => {
    fc.assert(
      fc.property(tensors, fractions, seeds, (tensor, amount, seed) => {
        const { scores, mask } = tensor;
        const before = [new Uint32Array(scores.slice().buffer), mask.slice()];
        const pruned = prune(tensor, amount, seed);
        expect([new Uint32Array(scores.buffer), mask]).toEqual(before);
        expect(pruned).not.toBe(mask);
      }),
    );
  });

  test('where elements lie in memory decides nothing', () => {
    fc.assert(
      fc.property(tensors, fractions, seeds, (tensor, amount, seed) => {
        const { layout, scores, mask } = tensor;
        const rows: Tensor = {
          layout: rowMajor(layout.shape),
          scores: gather(scores, layout, new Float32Array(layout.size)),
          mask: gather(mask, layout, new Uint8Array(layout.size)),
        };
        const expected = scatter(prune(rows, amount, seed), layout, new Uint8Array(layout.size));
        expect(prune(tensor, amount, seed)).toEqual(expected);
      }),
    );
  });

  test('a mask of ones is as good as none', () => {
    fc.assert(
      fc.property(tensors, fractions, seeds, (tensor, amount, seed) => {
        const whole = { ...tensor, mask: new Uint8Array(tensor.layout.size).fill(1) };
        const { mask: _, ...unmasked } = whole;
        expect(prune(unmasked as Tensor, amount, seed)).toEqual(prune(whole, amount, seed));
      }),
    );
  });

  if (structured) return;
  test('exactly the rounded fraction of what is left goes', () => {
    fc.assert(
      fc.property(tensors, fractions, seeds, (tensor, amount, seed) => {
        const left = tensor.mask.length - zeros(tensor.mask);
        expect(zeros(prune(tensor, amount, seed)) - zeros(tensor.mask)).toBe(pruneCount(amount, left));
      }),
    );
  });
});

describe('selection', () => {
  const distinct = fc.uniqueArray(fc.float({ noNaN: true }), {
    minLength: 1,
    maxLength: 300,
    selector: Math.abs,
  });

  test('no kept entry is below a pruned one', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            coarse,
            fine.filter((x) => !Number.isNaN(x)),
          ),
          { minLength: 1 },
        ),
        fractions,
        (given, amount) => {
          const scores = Float32Array.from(given, Math.abs);
          const mask = l1Unstructured(scores, amount);
          const kept = scores.filter((_, i) => mask[i] === 1);
          const pruned = scores.filter((_, i) => mask[i] === 0);
          if (kept.length > 0 && pruned.length > 0) {
            expect(kept.reduce((a, b) => Math.min(a, b))).toBeGreaterThanOrEqual(
              pruned.reduce((a, b) => Math.max(a, b)),
            );
          }
        },
      ),
    );
  });

  test('without ties it is what sorting gives', () => {
    fc.assert(
      fc.property(distinct, fractions, (given, amount) => {
        const scores = Float32Array.from(given);
        const ranked = [...scores.keys()].sort((i, j) => Math.abs(scores[i]!) - Math.abs(scores[j]!));
        const expected = new Uint8Array(scores.length).fill(1);
        for (const i of ranked.slice(0, pruneCount(amount, scores.length))) expected[i] = 0;
        expect(l1Unstructured(scores, amount)).toEqual(expected);
      }),
    );
  });

  test('random pruning takes the largest draws', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fractions, seeds, (size, amount, seed) => {
        const draws = new Uint32Array(size);
        new Generator(seed).fillRand24(draws);
        fc.pre(new Set(draws).size === size);
        const ranked = [...draws.keys()].sort((i, j) => draws[j]! - draws[i]!);
        const expected = new Uint8Array(size).fill(1);
        for (const i of ranked.slice(0, pruneCount(amount, size))) expected[i] = 0;
        expect(randomUnstructured(size, amount, { generator: new Generator(seed) })).toEqual(expected);
      }),
    );
  });
});

describe('global pruning', () => {
  const parts = fc.array(tensors, { minLength: 1, maxLength: 4 });
  const joined = <T extends Uint8Array | Float32Array>(pieces: readonly T[], whole: T): T => {
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  };
  const sizeOf = (tensors: readonly Tensor[]): number =>
    tensors.reduce((sum, { layout }) => sum + layout.size, 0);
  const rows = (tensors: readonly Tensor[], masks: readonly Uint8Array[]): Uint8Array =>
    joined(
      masks.map((mask, i) => gather(mask, tensors[i]!.layout, new Uint8Array(mask.length))),
      new Uint8Array(sizeOf(tensors)),
    );

  test('is pruning of all parts as one', () => {
    fc.assert(
      fc.property(parts, fractions, (given, amount) => {
        const scores = joined(
          given.map(({ layout, scores: own }) => gather(own, layout, new Float32Array(own.length))),
          new Float32Array(sizeOf(given)),
        );
        const mask = rows(
          given,
          given.map((part) => part.mask),
        );
        expect(rows(given, globalL1Unstructured(given, amount))).toEqual(
          l1Unstructured(scores, amount, { mask }),
        );
      }),
    );
  });

  test('is random pruning of all parts as one', () => {
    fc.assert(
      fc.property(parts, fractions, seeds, (given, amount, seed) => {
        const mask = rows(
          given,
          given.map((part) => part.mask),
        );
        const apart = given.map(({ layout, mask: own }) => ({ size: layout, mask: own }));
        const masks = globalRandomUnstructured(apart, amount, { generator: new Generator(seed) });
        const whole = randomUnstructured(mask.length, amount, { mask, generator: new Generator(seed) });
        expect(rows(given, masks)).toEqual(whole);
      }),
    );
  });
});

describe('structured pruning', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 });

  test('whole channels go, and exactly the rounded fraction of them', () => {
    fc.assert(
      fc.property(shapes, fractions, seeds, (shape, amount, seed) => {
        const dim = seed % shape.length;
        const mask = randomStructured(shape, { amount, dim, generator: new Generator(seed) });
        const layout = permuted(
          shape,
          [dim, ...shape.keys()].filter((axis, i) => i === 0 || axis !== dim),
        );
        const slices = gather(mask, layout, new Uint8Array(mask.length));
        const run = mask.length / shape[dim]!;
        const sums = Array.from(
          { length: shape[dim]! },
          (_, i) => run - zeros(slices.subarray(i * run, (i + 1) * run)),
        );
        expect(sums.every((sum) => sum === 0 || sum === run)).toBe(true);
        expect(sums.filter((sum) => sum === 0).length).toBe(pruneCount(amount, shape[dim]!));
      }),
    );
  });
});
