import { Generator, globalL1Unstructured, l1Unstructured } from 'tfjs-prune/masks';
import { describe, expect, it } from 'vitest';
import fixture from '../parity/fixtures/generator.json';

describe('tfjs-prune/masks in a browser', () => {
  it.each(fixture.cases)("draws what PyTorch's generator draws: seed $seed", ({ seed, count, rand24 }) => {
    const draws = new Uint32Array(count);
    new Generator(BigInt(seed)).fillRand24(draws);
    expect([...draws.subarray(-4)]).toEqual(rand24.last);
    expect(draws.reduce((sum, draw) => sum + draw, 0)).toBe(rand24.sum);
  });

  it('ranks magnitudes', () => {
    expect([...l1Unstructured(Float32Array.of(3, -1, 2, 0.5), 0.5)]).toEqual([1, 0, 1, 0]);
    const parts = [{ scores: Float32Array.of(3, -1) }, { scores: Float32Array.of(2, 0.5) }];
    expect(globalL1Unstructured(parts, 1).map((mask) => [...mask])).toEqual([
      [1, 1],
      [1, 0],
    ]);
  });
});
