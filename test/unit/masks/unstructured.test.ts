import { describe, expect, test } from 'vitest';
import { Generator } from '../../../src/masks/generator';
import { globalL1Unstructured } from '../../../src/masks/global-l1';
import { globalRandomUnstructured } from '../../../src/masks/global-random';
import { permuted, rowMajor, taken } from '../../../src/masks/layout';
import { l1Unstructured, randomUnstructured } from '../../../src/masks/unstructured';
import { kindOf } from './kind-of';

const matrix = Float32Array.of(1, 2, 3, 4, -4, -3, -2, -1);
const of = (...mask: number[]): Uint8Array => Uint8Array.from(mask);

describe("l1Unstructured: PyTorch's own expectations", () => {
  test('prunes ±1, then ±2', () => {
    const first = l1Unstructured(matrix, 2);
    expect(first).toEqual(of(0, 1, 1, 1, 1, 1, 1, 0));
    const masked = matrix.map((weight, i) => weight * first[i]!);
    expect(l1Unstructured(masked, 2, { mask: first })).toEqual(of(0, 0, 1, 1, 1, 1, 0, 0));
  });

  test('ranks by scores where they are given', () => {
    const scores = Float32Array.of(4, 2, 1, 3, -3, -1, -2, -4);
    const first = l1Unstructured(scores, 2);
    expect(first).toEqual(of(1, 1, 0, 1, 1, 0, 1, 1));
    expect(l1Unstructured(scores, 2, { mask: first })).toEqual(of(1, 0, 0, 1, 1, 0, 0, 1));
  });

  test('ranks only what is left', () => {
    const mask = of(1, 1, 1, 0, 1, 1, 0, 1);
    expect(l1Unstructured(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, { mask })).toEqual(
      of(0, 0, 1, 0, 1, 1, 0, 1),
    );
  });

  test('prunes the exact count among equals', () => {
    const mask = l1Unstructured(new Float32Array(100).fill(0.5), 0.37);
    expect(mask.reduce((sum, kept) => sum + kept, 0)).toBe(63);
  });
});

describe('l1Unstructured', () => {
  test('ranks NaN above infinity, whatever its bits, and -0 with 0', () => {
    const scores = Float32Array.of(-Infinity, Number.NaN, -0, 1, 0);
    new Uint32Array(scores.buffer)[1] = 0xffffffff;
    expect(l1Unstructured(scores, 2)).toEqual(of(1, 1, 0, 1, 0));
    expect(l1Unstructured(scores, 4)).toEqual(of(0, 1, 0, 0, 0));
  });

  test('takes and gives empty tensors', () => {
    expect(l1Unstructured(new Float32Array(0), 0.5)).toEqual(of());
    expect(kindOf(() => l1Unstructured(new Float32Array(0), 1))).toBe('amount');
  });

  test('gives a copy of the mask where nothing is pruned', () => {
    const mask = of(1, 0, 1, 1, 1, 1, 1, 1);
    const same = l1Unstructured(matrix, 0, { mask });
    expect(same).toEqual(mask);
    expect(same).not.toBe(mask);
  });

  test('reads a view into a larger buffer', () => {
    expect(l1Unstructured(matrix.subarray(1, 5), 1)).toEqual(of(0, 1, 1, 1));
  });

  test('refuses what does not fit', () => {
    expect(kindOf(() => l1Unstructured(matrix, 9))).toBe('amount');
    expect(
      kindOf(() => l1Unstructured(matrix, 2, { mask: of(1, 1, 1, 0, 0, 0, 0, 0), layout: rowMajor([8]) })),
    ).toBe(undefined);
    expect(kindOf(() => l1Unstructured(matrix, 4, { mask: of(1, 1, 1, 0, 0, 0, 0, 0) }))).toBe('amount');
    expect(kindOf(() => l1Unstructured(matrix, 1, { mask: of(1, 1) }))).toBe('shape');
    expect(kindOf(() => l1Unstructured(matrix, 1, { mask: of(1, 1, 1, 2, 1, 1, 1, 1) }))).toBe('argument');
    expect(kindOf(() => l1Unstructured(matrix, 1, { layout: rowMajor([3, 3]) }))).toBe('shape');
    expect(kindOf(() => l1Unstructured(matrix, 1, { layout: taken(rowMajor([4, 4]), 0, [0, 3]) }))).toBe(
      'shape',
    );
    // @ts-expect-error scores are floats
    expect(kindOf(() => l1Unstructured([1, 2], 1))).toBe('argument');
  });
});

describe('randomUnstructured', () => {
  test('draws one number for each entry that is left, none for nothing', () => {
    const generator = new Generator(1);
    const mask = of(1, 0, 1, 1);
    randomUnstructured(4, 0, { generator });
    randomUnstructured(4, 0.5, { mask, generator });
    const drawn = new Generator(1);
    drawn.fillRand24(new Uint32Array(3));
    expect(generator.random()).toBe(drawn.random());
  });

  test('draws in the order of the layout', () => {
    const flat = randomUnstructured(6, 3, { generator: new Generator(2) });
    const stored = randomUnstructured(permuted([2, 3], [1, 0]), 3, { generator: new Generator(2) });
    expect([0, 3, 1, 4, 2, 5].map((position) => stored[position])).toEqual([...flat]);
  });

  test('refuses what does not fit', () => {
    expect(kindOf(() => randomUnstructured(1.5, 1))).toBe('shape');
    expect(kindOf(() => randomUnstructured(4, 1, { mask: of(1) }))).toBe('shape');
    expect(kindOf(() => randomUnstructured(4, 5))).toBe('amount');
  });
});

describe('global pruning', () => {
  test("ranks all parts together: PyTorch's own expectations", () => {
    const parts = [{ scores: matrix }, { scores: Float32Array.of(0, 0.1, -2) }];
    expect(globalL1Unstructured(parts, 4)).toEqual([of(0, 1, 1, 1, 1, 1, 1, 0), of(0, 0, 1)]);
    const scores = [
      { scores: Float32Array.of(4, 2, 1, 3, -3, -1, -2, -4) },
      { scores: Float32Array.of(0, 10, -0.2) },
    ];
    expect(globalL1Unstructured(scores, 4)).toEqual([of(1, 1, 0, 1, 1, 0, 1, 1), of(0, 1, 0)]);
  });

  test('counts what is left over all parts', () => {
    const parts = [{ scores: matrix, mask: of(1, 1, 0, 0, 0, 0, 0, 0) }, { scores: Float32Array.of(5, 6) }];
    expect(globalL1Unstructured(parts, 0.5)).toEqual([of(0, 0, 0, 0, 0, 0, 0, 0), of(1, 1)]);
    expect(() => globalL1Unstructured(parts, 5)).toThrow(/prune 5 .* 4/);
  });

  test('names the part that does not fit', () => {
    expect(() => globalRandomUnstructured([{ size: 2 }, { size: 2, mask: of(1) }], 1)).toThrow(
      /mask of part 1/,
    );
  });

  test('takes no parts at all', () => {
    expect(globalL1Unstructured([], 0.5)).toEqual([]);
    expect(globalRandomUnstructured([], 0.5)).toEqual([]);
  });
});
