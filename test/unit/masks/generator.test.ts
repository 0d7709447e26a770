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

  test.each([0, 1, 623, 624, 625])('goes on from a state taken after %s draws, through JSON', (count) => {
    const generator = new Generator(7);
    generator.fillRand24(new Uint32Array(count));
    generator.cachedNormal = 0.5;
    const state = JSON.parse(JSON.stringify(generator.getState()));
    const other = new Generator(1).setState(state);
    expect(other.cachedNormal).toBe(0.5);
    const draws = Array.from({ length: 700 }, () => generator.random());
    expect(Array.from({ length: 700 }, () => other.random())).toEqual(draws);
  });

  test('is not changed by what happens to a state that it gave', () => {
    const generator = new Generator(7);
    const next = new Generator(7).random();
    const words = generator.getState().words as number[]; // as if it were not readonly
    words.fill(0);
    expect(generator.random()).toBe(next);
  });

  test.each([
    ['nothing', undefined],
    ['too few words', { words: [1, 2], position: 0, cachedNormal: null }],
    ['a word of 33 bits', { words: new Array(624).fill(2 ** 32), position: 0, cachedNormal: null }],
    ['a position past the words', { words: new Array(624).fill(1), position: 625, cachedNormal: null }],
    ['a normal that is none', { words: new Array(624).fill(1), position: 0, cachedNormal: 'x' }],
  ])('refuses a state of %s', (_what, state) => {
    const generator = new Generator(4);
    const next = new Generator(4).random();
    // The types forbid it; JSON from a file may hold it.
    expect(() => generator.setState(state as never)).toThrowError(/state of a generator must be/);
    expect(generator.random()).toBe(next);
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
