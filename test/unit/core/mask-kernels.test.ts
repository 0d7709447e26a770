import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { withMaskKernels } from '../../../src/core/mask-kernels';
import { peek } from '../../../src/core/memory';
import { type SplitKeys, splitKeys, WORTH_SPLITTING } from '../../../src/masks/bracket';
import { gather, scatter } from '../../../src/masks/gather';
import { Generator } from '../../../src/masks/generator';
import { partitionBlocks } from '../../../src/masks/introselect';
import type { MaskKernels } from '../../../src/masks/kernels';
import { expanded, type Layout, permuted, rowMajor } from '../../../src/masks/layout';
import { bitsOf, keyOf } from '../../../src/masks/select';
import { numberKeys } from '../../../src/masks/ties';
import { activeHeap } from '../../../src/wasm/heap';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));

function lent<T>(run: (kernels: MaskKernels) => T): T {
  return withMaskKernels(WORTH_SPLITTING, (kernels) => {
    if (kernels === undefined) throw new Error('There are no kernels.');
    return run(kernels);
  });
}

/** The kernels, with arrays of some sizes where they work. */
function lentWith(
  sizes: readonly number[],
  run: (kernels: MaskKernels, ...arrays: Int32Array[]) => void,
): void {
  const heap = activeHeap()!;
  lent((kernels) => {
    const places = sizes.map((size) => heap.allocate(4 * size)!);
    run(kernels, ...places.map((place, i) => new Int32Array(heap.buffer, place, sizes[i]!)));
    for (const place of places) heap.free(place);
  });
}

describe('splitting at a bracket', () => {
  const float = fc.oneof(
    fc.float(),
    fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 1e-42, -1e-42, 1, -1),
  );
  const cases = fc.record({
    values: fc.array(float, { minLength: 1, maxLength: 200 }),
    low: fc.nat({ max: 0x7f800001 }),
    width: fc.nat({ max: 0x7f800001 }),
  });

  /** What is written where, by the kernel or by the loop. */
  function results(split: SplitKeys, bits: Int32Array, low: number, high: number): object {
    const mask = new Uint8Array(bits.length).fill(7);
    const listed = new Int32Array(bits.length).fill(-1);
    const counts = split(bits, { low, high }, mask, listed);
    return { ...counts, mask, listed: listed.slice(0, counts.inside) };
  }

  test.each(['in the backend’s memory', 'on the host'])(
    'gives what the loop gives, of floats %s',
    (where) => {
      fc.assert(
        fc.property(cases, ({ values, low, width }) => {
          const high = Math.min(low + width, 0x7f800001);
          tf.tidy(() => {
            const x = tf.tensor1d(Float32Array.from(values));
            lent(({ split }) => {
              const floats = where === 'on the host' ? Float32Array.from(values) : peek(x);
              expect(floats.buffer === activeHeap()!.buffer).toBe(where !== 'on the host');
              const bits = bitsOf(floats);
              expect(results(split, bits, low, high)).toEqual(results(splitKeys, bits.slice(), low, high));
            });
          });
        }),
      );
    },
  );
});

describe('drawing', () => {
  test.each([
    ['whole turns', 0, 624],
    ['many turns', 0, 624 * 120],
    ['from the middle of a turn on', 100, 5000],
    ['less than a turn', 3, 600],
  ])('gives what the loop gives: %s', (_, before, count) => {
    const [one, other] = [new Generator(42), new Generator(42)];
    const expected = Array.from({ length: before + count }, () => one.rand24()).slice(before);
    lent(({ drawTurns }) => {
      let calls = 0;
      const drawn = new Int32Array(count);
      for (let i = 0; i < before; i++) other.rand24();
      other.fillRand24(drawn, count, (...args) => {
        calls++;
        return drawTurns(...args);
      });
      expect([...drawn]).toEqual(expected);
      expect(calls).toBe(count < 624 ? 0 : 1);
    });
    expect(other.getState()).toEqual(one.getState());
  });

  test('works in the chunk that is lent', () => {
    const [one, other] = [new Generator(7), new Generator(7)];
    lent(({ drawTurns, chunk }) => {
      expect(chunk.length % 624).toBe(0);
      other.fillRand24(chunk, chunk.length, drawTurns);
      const expected = new Int32Array(chunk.length);
      one.fillRand24(expected);
      expect(Buffer.compare(new Uint8Array(chunk.slice().buffer), new Uint8Array(expected.buffer))).toBe(0);
    });
  });
});

/** Kernels of convolutions and dense layers, as PyTorch has them. */
const permutations = fc.oneof(
  fc
    .tuple(...[3, 3, 40, 70].map((max) => fc.integer({ min: 1, max })))
    .map((shape) => permuted(shape, [3, 2, 0, 1])),
  fc.tuple(...[200, 100].map((max) => fc.integer({ min: 1, max }))).map((shape) => permuted(shape, [1, 0])),
);

/** Layouts that the kernels for permutations are not made for. */
const others: ReadonlyArray<[string, Layout]> = [
  ['row-major order', rowMajor([64, 64])],
  ['one axis', rowMajor([64])],
  ['an axis of one first', expanded(permuted([64, 64], [1, 0]), 0)],
];

describe('scattering', () => {
  test('puts bytes where the loop puts them', () => {
    let taken = 0;
    fc.assert(
      fc.property(permutations, fc.nat(), (layout, seed) => {
        const generator = new Generator(seed);
        const source = Uint8Array.from({ length: layout.size }, () => generator.rand24() & 255);
        const expected = scatter(source, layout, new Uint8Array(layout.size));
        lent(({ scatterBytes }) => {
          const into = new Uint8Array(layout.size);
          if (!scatterBytes(source, layout, into)) return;
          taken++;
          expect(into).toEqual(expected);
        });
      }),
    );
    expect(taken).toBeGreaterThan(30);
  });

  test.each(others)('leaves to the loop what it is not made for: %s', (_, layout) => {
    const into = new Uint8Array(layout.size);
    expect(lent(({ scatterBytes }) => scatterBytes(new Uint8Array(layout.size).fill(1), layout, into))).toBe(
      false,
    );
    expect(into.includes(1)).toBe(false);
  });
});

describe('gathering', () => {
  test('takes words from where the loop takes them', () => {
    let taken = 0;
    fc.assert(
      fc.property(permutations, (layout) => {
        const given = Int32Array.from({ length: layout.size }, (_, i) => i);
        const expected = gather(given, layout, new Int32Array(layout.size));
        lentWith([layout.size, layout.size], ({ gatherWords }, source, into) => {
          source!.set(given);
          if (!gatherWords(source!, layout, into!)) return;
          taken++;
          expect(into!.slice()).toEqual(expected);
        });
      }),
    );
    expect(taken).toBeGreaterThan(30);
  });

  test.each([...others, ['more columns than there is room for', permuted([40_000, 16], [1, 0])] as const])(
    'leaves to the loop what it is not made for: %s',
    (_, layout) => {
      lentWith([layout.size, layout.size], ({ gatherWords }, source, into) => {
        source!.fill(1);
        into!.fill(0);
        expect(gatherWords(source!, layout, into!)).toBe(false);
        expect(gatherWords(new Int32Array(layout.size), layout, into!)).toBe(false);
        expect(into!.includes(1)).toBe(false);
      });
    },
  );
});

describe('numbering', () => {
  test('numbers the tied as the loop does', () => {
    const values = fc.array(fc.constantFrom(0, -0, 1, -1, 2, Number.NaN, Infinity, 1e-42), {
      minLength: 4,
      maxLength: 200,
    });
    fc.assert(
      fc.property(values, fc.nat(), (some, pick) => {
        const floats = Float32Array.from(some.slice(0, some.length & ~3));
        const threshold = keyOf(bitsOf(floats)[pick % floats.length]!);
        const tied = bitsOf(floats).filter((bits) => keyOf(bits) === threshold).length;
        const numbering = { threshold, bias: 2 ** 30, more: tied - 1 };
        const [expected, expectedPlaces] = [bitsOf(floats.slice()), new Int32Array(tied)];
        numberKeys(expected, numbering, expectedPlaces);
        lentWith([floats.length], ({ number }, given) => {
          const places = new Int32Array(tied);
          given!.set(bitsOf(floats));
          expect(number(given!, numbering, places)).toBe(true);
          expect(given!.slice()).toEqual(expected);
          expect(places).toEqual(expectedPlaces);
        });
      }),
    );
  });

  test('leaves to the loop what is not in the backend’s memory, no multiple of four, or tied too often', () => {
    const numbering = { threshold: 1, bias: 0, more: 0 };
    lentWith([5, 40_000], ({ number }, five, many) => {
      expect(number(new Int32Array(4), numbering, new Int32Array(0))).toBe(false);
      expect(number(five!, numbering, new Int32Array(1))).toBe(false);
      expect(number(many!, numbering, new Int32Array(40_000))).toBe(false);
    });
  });
});

describe('exchanging', () => {
  const cases = fc.record({
    size: fc.integer({ min: 1, max: 3000 }),
    from: fc.nat({ max: 40 }),
    values: fc.constantFrom(1, 2, 7, 1000, 2 ** 31),
    pivot: fc.double({ min: 0, max: 1, noNaN: true }),
    ties: fc.nat({ max: 3 }),
    seed: fc.nat(),
  });

  test('makes the exchanges that the loop makes, and stops where it stops', () => {
    fc.assert(
      fc.property(cases, ({ size, from, values, pivot, ties, seed }) => {
        const generator = new Generator(seed);
        const given = Int32Array.from({ length: size }, () => (generator.random() % values) - values / 2);
        const lowest = Math.floor((pivot - 0.5) * values);
        const [start, highest] = [Math.min(from, size), lowest + ties];
        lentWith([size], ({ exchange }, here) => {
          here!.set(given);
          const there = given.slice();
          expect(exchange(here!, start, size, lowest, highest)).toEqual(
            partitionBlocks(there, start, size, lowest, highest),
          );
          expect(here!.slice()).toEqual(there);
        });
      }),
      { numRuns: 300 },
    );
  });
});

test('what is lent is given back', () => {
  const heap = activeHeap()!;
  const first = heap.allocate(1 << 19)!;
  heap.free(first);
  for (let i = 0; i < 200; i++) lent(({ withKeys }) => withKeys(1000, () => {}));
  const second = heap.allocate(1 << 19)!;
  heap.free(second);
  expect(second).toBe(first);
});

test('few entries are left to the loops', () => {
  expect(withMaskKernels(WORTH_SPLITTING - 1, (kernels) => kernels)).toBeUndefined();
});

test('other backends have none', async () => {
  await useBackend('cpu');
  expect(withMaskKernels(WORTH_SPLITTING, (kernels) => kernels)).toBeUndefined();
  await useBackend('wasm');
});
