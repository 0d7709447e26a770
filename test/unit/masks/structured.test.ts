import { describe, expect, test } from 'vitest';
import { Generator } from '../../../src/masks/generator';
import { merged, permuted, rowMajor } from '../../../src/masks/layout';
import { lnStructured, randomStructured } from '../../../src/masks/structured';
import { kindOf } from './kind-of';

const of = (...mask: number[]): Uint8Array => Uint8Array.from(mask);
const counted = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const holed = of(1, 1, 1, 0, 1, 1, 0, 1);

describe("lnStructured: PyTorch's own expectations", () => {
  test('prunes the row of smaller norm, then a column, on top of a mask', () => {
    expect(lnStructured(counted, [2, 4], { amount: 1, n: 2, dim: 0, mask: holed })).toEqual(
      of(0, 0, 0, 0, 1, 1, 0, 1),
    );
    expect(lnStructured(counted, [2, 4], { amount: 1, n: 2, dim: 1, mask: holed })).toEqual(
      of(0, 1, 1, 0, 0, 1, 0, 1),
    );
  });

  test('prunes by hand what it prunes of a small convolution', () => {
    // [out 1, in 3, 2, 2]: channel 1 of the inputs is the smallest, then the first column.
    const scores = Float32Array.of(1, 2, 1, 2, 0.1, 0.2, 0.1, 0.2, 3, 4, 3, 4);
    const channels = lnStructured(scores, [1, 3, 2, 2], { amount: 1, n: 2, dim: 1 });
    expect(channels).toEqual(of(1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1));
    const columns = lnStructured(scores, [1, 3, 2, 2], { amount: 1, n: 1, dim: -1, mask: channels });
    expect(columns).toEqual(of(0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1));
  });
});

describe('lnStructured', () => {
  test('passes over channels that are gone: 8 by halves leaves 4, 2, 1, 1', () => {
    const scores = Float32Array.from({ length: 16 }, (_, i) => i + 1);
    let mask: Uint8Array | undefined;
    const left: number[] = [];
    for (let round = 0; round < 4; round++) {
      mask = lnStructured(scores, [8, 2], { amount: 0.5, n: 2, dim: 0, mask });
      left.push(mask.reduce((sum, kept) => sum + kept, 0) / 2);
    }
    expect(left).toEqual([4, 2, 1, 1]);
  });

  test('prunes the same channels however they are stored', () => {
    const stored = permuted([4, 2], [1, 0]);
    const scores = Float32Array.of(1, 5, 2, 6, 3, 7, 4, 8);
    expect(lnStructured(scores, stored, { amount: 1, n: 2, dim: 0 })).toEqual(of(0, 1, 0, 1, 0, 1, 0, 1));
    expect(lnStructured(scores, stored, { amount: 1, n: 2, dim: 1 })).toEqual(of(0, 0, 1, 1, 1, 1, 1, 1));
  });

  test('prunes channels that no stride describes', () => {
    const layout = merged(permuted([2, 2, 3], [0, 2, 1]), 0);
    const scores = Float32Array.of(1, 9, 9, 2, 9, 9, 9, 9, 9, 9, 9, 9);
    const mask = lnStructured(scores, layout, { amount: 1, n: 2, dim: 0 });
    expect(mask).toEqual(of(0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1));
    const next = lnStructured(scores, layout, { amount: 0.25, n: 2, dim: 0, mask });
    expect(next.reduce((sum, kept) => sum + kept, 0)).toBe(8);
  });

  test('removes everything, or nothing of nothing', () => {
    const mask = lnStructured(counted, [2, 4], { amount: { fraction: 1 }, n: 1, dim: 0 });
    expect(mask).toEqual(new Uint8Array(8));
    expect(lnStructured(counted, [2, 4], { amount: 0.5, n: 1, dim: 0, mask })).toEqual(mask);
    expect(lnStructured(new Float32Array(0), [2, 0], { amount: 0.5, n: 1, dim: 0 })).toEqual(of());
  });

  test('refuses what does not fit', () => {
    const settings = { amount: 1, n: 2, dim: 0 } as const;
    expect(kindOf(() => lnStructured(counted, [8], settings))).toBe('argument');
    expect(kindOf(() => lnStructured(counted, [2, 4], { ...settings, dim: 2 }))).toBe('dim');
    expect(kindOf(() => lnStructured(counted, [2, 4], { ...settings, dim: -3 }))).toBe('dim');
    expect(kindOf(() => lnStructured(counted, [2, 4], { ...settings, amount: 3 }))).toBe('amount');
    expect(kindOf(() => lnStructured(counted, [2, 3], settings))).toBe('shape');
    expect(kindOf(() => lnStructured(counted, [-2, -4], settings))).toBe('shape');
    expect(kindOf(() => lnStructured(counted, [2, 4], { ...settings, mask: of(1) }))).toBe('shape');
    expect(kindOf(() => lnStructured(counted, [2, 4], { ...settings, amount: 0, n: 'nuc' }))).toBe(
      'argument',
    );
  });
});

describe('randomStructured', () => {
  test('prunes whole channels of the axis', () => {
    const mask = randomStructured([5, 4, 2], { amount: 0.6, dim: 2, generator: new Generator(3) });
    const kept = [0, 1].map((column) =>
      mask.filter((_, i) => i % 2 === column).reduce((sum, bit) => sum + bit, 0),
    );
    expect(kept.sort((a, b) => a - b)).toEqual([0, 20]);
  });

  test('draws one number for each channel that is left, none for nothing', () => {
    const generator = new Generator(1);
    randomStructured([3, 2], { amount: 0, dim: 0, generator });
    randomStructured([3, 2], { amount: 1, dim: 0, mask: of(1, 1, 0, 0, 0, 1), generator });
    const drawn = new Generator(1);
    drawn.fillRand24(new Uint32Array(2));
    expect(generator.random()).toBe(drawn.random());
  });

  test('refuses what does not fit', () => {
    expect(kindOf(() => randomStructured([8], { amount: 1, dim: 0 }))).toBe('argument');
    expect(kindOf(() => randomStructured(rowMajor([2, 4]), { amount: 1, dim: 5 }))).toBe('dim');
    expect(kindOf(() => randomStructured([2, 4], { amount: 9, dim: 0 }))).toBe('amount');
  });
});
