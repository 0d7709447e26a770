import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { maskOf } from '../../../src/core/mask';
import { masked, peek, sumSquares } from '../../../src/core/memory';
import { rowMajor } from '../../../src/masks/layout';
import { sliceNorms } from '../../../src/masks/norms';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));

/** Sizes on both sides of those that the kernels take, and multiples of their steps or not. */
const sizes = fc.record({
  rows: fc.integer({ min: 1, max: 70 }),
  width: fc.oneof(fc.integer({ min: 1, max: 130 }), fc.constantFrom(64, 128, 256)),
  seed: fc.nat(),
});

test("the kernel's norms are those of the loop, to the bit", () => {
  let taken = 0;
  fc.assert(
    fc.property(sizes, ({ rows, width, seed }) => {
      tf.tidy(() => {
        const x = tf.randomNormal([rows, width], 0, 1, 'float32', seed);
        const copy = peek(x).slice();
        const counting = (values: Float32Array, totals: Float64Array): boolean => {
          const isDone = sumSquares(values, totals);
          taken += Number(isDone);
          return isDone;
        };
        const layout = rowMajor([rows, width]);
        const norms = sliceNorms(peek(x), layout, 1, 2, counting);
        expect(norms).toEqual(sliceNorms(copy, layout, 1, 2));
      });
    }),
  );
  expect(taken).toBeGreaterThan(0);
});

test('values that are not in the backend’s memory are left to the loop', () => {
  expect(sumSquares(new Float32Array(8192), new Float64Array(64))).toBe(false);
});

test('a masked copy has the bits that the mask leaves, and +0 elsewhere, even in place of NaN and −0', () => {
  const odd = fc.constantFrom(0, -0, Number.NaN, Infinity, -1.5, 1e-40, 3);
  fc.assert(
    fc.property(
      fc.integer({ min: 4080, max: 4140 }),
      fc.array(odd, { minLength: 7, maxLength: 11 }),
      fc.nat(),
      (size, values, seed) => {
        const floats = Float32Array.from({ length: size }, (_, i) => values[i % values.length]!);
        const bytes = Uint8Array.from({ length: size }, (_, i) => ((i * 2654435761 + seed) >>> 7) & 1);
        tf.tidy(() => {
          const x = tf.tensor1d(floats);
          const result = masked(x, maskOf(bytes), () => {
            throw new Error('The wasm backend needs no tensor of the mask.');
          }).dataSync<'float32'>();
          const expected = floats.map((value, i) => (bytes[i] === 1 ? value : 0));
          expect(new Int32Array(result.buffer, result.byteOffset, size)).toEqual(
            new Int32Array(expected.buffer),
          );
          expect(peek(x)).toEqual(floats);
        });
      },
    ),
  );
});

test('an entry that came back is found wherever it is, and where there is none nothing is multiplied', async () => {
  const given = fc.record({
    sixteens: fc.integer({ min: 256, max: 260 }),
    place: fc.nat(),
    value: fc.constantFrom(-0, Number.NaN, 1e-45, 2),
    isBack: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ sixteens, place, value, isBack }) => {
      const size = 16 * sixteens;
      const at = place % size;
      const bytes = Uint8Array.from({ length: size }, (_, i) =>
        i === at ? 0 : ((i * 2654435761) >>> 7) & 1,
      );
      const floats = Float32Array.from(bytes, (bit, i) => bit * (i + 1));
      const expected = floats.slice();
      if (isBack) floats[at] = value;
      const x = tf.tensor1d(floats);
      const { result, kernelNames } = await tf.profile(() => masked(x, maskOf(bytes), () => x));
      x.dispose();
      expect((result as tf.Tensor).dataSync()).toEqual(expected); // what the function returned
      expect(kernelNames.includes('Multiply')).toBe(isBack);
      tf.dispose(result);
    }),
  );
});
