import { afterEach, describe, expect, test } from 'vitest';
import { isPruneError } from '../../../src/errors';
import { defaultGenerator, Generator, manualSeed } from '../../../src/masks/generator';

afterEach(() => void manualSeed(67280421310721));

describe('Generator', () => {
  test('gives the reference outputs of mt19937 for seed 5489', () => {
    const generator = new Generator(5489);
    expect([generator.random(), generator.random()]).toEqual([3499211612, 581869302]);
    for (let i = 2; i < 9999; i++) generator.random();
    expect(generator.random()).toBe(4123659995);
  });

  test('draws one by one what it draws in bulk, whatever the pieces', () => {
    const single = new Generator(3);
    const bulk = new Generator(3);
    for (const count of [1, 0, 623, 2, 1000, 624, 5]) {
      const draws = new Uint32Array(count + 1);
      bulk.fillRand24(draws, count);
      expect([...draws]).toEqual([...Array.from({ length: count }, () => single.rand24()), 0]);
    }
    expect(bulk.random()).toBe(single.random());
  });

  test('forgets the cached normal when seeded', () => {
    const generator = new Generator(1);
    generator.cachedNormal = 0.5;
    expect(generator.manualSeed(1).cachedNormal).toBeUndefined();
  });

  test.each([1.5, Number.NaN, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n])('refuses the seed %s', (seed) => {
    const generator = new Generator(4);
    const next = new Generator(4).random();
    expect(() => generator.manualSeed(seed)).toThrowError(/seed of a generator.*but got/);
    expect(generator.random()).toBe(next);
    let caught: unknown;
    try {
      new Generator(seed);
    } catch (error) {
      caught = error;
    }
    expect(isPruneError(caught, 'argument')).toBe(true);
  });
});

test('manualSeed seeds and returns the default generator', () => {
  expect(manualSeed(9)).toBe(defaultGenerator);
  expect(defaultGenerator.random()).toBe(new Generator(9).random());
});
