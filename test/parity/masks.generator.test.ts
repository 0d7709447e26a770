import { describe, expect, test } from 'vitest';
import { Generator } from '../../src/masks/generator';
import fixture from './fixtures/generator.json';

describe("draws what PyTorch's generator draws", () => {
  test.each(fixture.cases)('seed $seed', ({ seed, count, rand24, double }) => {
    const generator = new Generator(BigInt(seed));
    const draws = new Uint32Array(count);
    generator.fillRand24(draws);
    expect([...draws.subarray(0, 4)]).toEqual(rand24.first);
    expect([...draws.subarray(-4)]).toEqual(rand24.last);
    expect(draws.reduce((sum, draw) => sum + draw, 0)).toBe(rand24.sum);

    generator.manualSeed(BigInt(seed));
    expect(double.map(() => generator.u53())).toEqual(double);
  });

  test('the default seed is the one that PyTorch starts with', () => {
    expect(new Generator().random()).toBe(new Generator(67280421310721).random());
  });
});
