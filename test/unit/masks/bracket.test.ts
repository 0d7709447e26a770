import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK, type SplitKeys, Splitting, sampledBracket, splitKeys } from '../../../src/masks/bracket';
import { Generator } from '../../../src/masks/generator';
import { globalL1Unstructured, l1Masks } from '../../../src/masks/global-l1';
import { globalRandomUnstructured, randomMasks } from '../../../src/masks/global-random';
import { partitionBlocks } from '../../../src/masks/introselect';
import type { MaskKernels } from '../../../src/masks/kernels';
import { bitsOf, findCut, keyOf, lastTaken, NAN_KEY } from '../../../src/masks/select';

const odd = [0, -0, Number.NaN, -Number.NaN, Infinity, -Infinity, 1e-42, -1e-42];

/** Normal-like floats with odd ones among them, in few or many different values. */
function floats(size: number, seed: number, values: number): Float32Array {
  const generator = new Generator(seed);
  return Float32Array.from({ length: size }, () => {
    const draw = generator.rand24();
    if (draw % 97 === 0) return odd[draw % odd.length]!;
    const sum = (draw % values) / values + (generator.rand24() % values) / values - 1;
    return sum * 0.1;
  });
}

/** Long arrays take toEqual a second. */
function areEqual(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return some.length === others.length && some.every((mask, i) => Buffer.compare(mask, others[i]!) === 0);
}

const cases = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 3 * CHUNK }), { minLength: 1, maxLength: 4 }),
  seed: fc.nat(),
  values: fc.constantFrom(3, 64, 1 << 20),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('splitting at a bracket', () => {
  it('finds the cut of a radix select and marks what is above it', () => {
    let found = 0;
    fc.assert(
      fc.property(cases, ({ sizes, seed, values, share }) => {
        const parts = sizes.map((size, i) => bitsOf(floats(size, seed + i, values)));
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const count = Math.max(1, Math.round(share * total));
        const splitting = new Splitting(sampledBracket(parts, count), total, splitKeys);
        const masks = parts.map(({ length }) => new Uint8Array(length).fill(7));
        if (!parts.every((part, i) => splitting.add(part, masks[i]!))) return;
        const cut = splitting.cut(count);
        if (cut === undefined) return;
        found++;
        expect(cut).toEqual(
          findCut(
            parts.map((bits) => ({ bits })),
            count,
          ),
        );
        const threshold = lastTaken(cut);
        splitting.settle(masks, threshold);
        masks.forEach((mask, p) => {
          expect(mask.every((kept, i) => kept === Number(keyOf(parts[p]![i]!) > threshold))).toBe(true);
        });
      }),
      { numRuns: 60 },
    );
    expect(found).toBeGreaterThan(20);
  });

  it('gives up where too many keys lie inside', () => {
    const splitting = new Splitting({ low: 0, high: NAN_KEY }, CHUNK, splitKeys);
    expect(splitting.add(new Int32Array(CHUNK), new Uint8Array(CHUNK))).toBe(false);
  });

  it.each([1, 100])('knows when the cut is elsewhere: %i of 100 taken', (count) => {
    const splitting = new Splitting({ low: 20, high: 30 }, 100, splitKeys);
    splitting.add(
      Int32Array.from({ length: 100 }, (_, i) => i),
      new Uint8Array(100),
    );
    expect(splitting.cut(count)).toBeUndefined();
  });
});

/** Kernels that split in a way of their own, and leave all else to the loops. */
function kernelsThat(split: SplitKeys): MaskKernels {
  return {
    split,
    drawTurns: () => false,
    scatterBytes: () => false,
    gatherWords: () => false,
    number: () => false,
    exchange: partitionBlocks,
    chunk: new Int32Array(1000),
    withKeys: () => false,
  };
}

describe('masks of many entries', () => {
  const SIZE = 300_000;
  const scores = floats(SIZE, 5, 1 << 20);
  const quantised = floats(SIZE, 6, 50);

  it.each([
    ['many values', scores, 0.3],
    ['many values, nearly all', scores, SIZE - 1],
    ['many values, one', scores, 1],
    ['few values', quantised, 0.5],
    ['one value', new Float32Array(SIZE), 0.5],
  ])('are the same with and without a faster way to split: %s', (_, values, amount) => {
    let calls = 0;
    const counting = kernelsThat((...args) => {
      calls++;
      return splitKeys(...args);
    });
    const masks = l1Masks([{ scores: values }], amount, counting);
    expect(areEqual(masks, globalL1Unstructured([{ scores: values }], amount))).toBe(true);
    expect(calls).toBeGreaterThan(0);
  });

  const lost = kernelsThat(() => ({ above: 0, inside: 0 }));

  it('are right where the sample misleads', () => {
    const masks = l1Masks([{ scores }], 0.3, lost);
    expect(areEqual(masks, globalL1Unstructured([{ scores }], 0.3))).toBe(true);
  });

  it('are drawn again where the draws are not where they are expected, and leave the generator where it belongs', () => {
    const [one, other] = [new Generator(3), new Generator(3)];
    const expected = globalRandomUnstructured([{ size: SIZE }], 0.3, { generator: one });
    const masks = randomMasks([{ size: SIZE }], 0.3, other, lost);
    expect(areEqual(masks, expected)).toBe(true);
    expect(other.getState()).toEqual(one.getState());
  });
});
