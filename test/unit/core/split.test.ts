import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { peek } from '../../../src/core/memory';
import { withSplit } from '../../../src/core/split';
import { splitKeys } from '../../../src/masks/bracket';
import { bitsOf } from '../../../src/masks/select';
import { activeHeap } from '../../../src/wasm/heap';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));

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
function results(split: typeof splitKeys, bits: Int32Array, low: number, high: number): object {
  const mask = new Uint8Array(bits.length).fill(7);
  const listed = new Int32Array(bits.length).fill(-1);
  const counts = split(bits, { low, high }, mask, listed);
  return { ...counts, mask, listed: listed.slice(0, counts.inside) };
}

test.each(['in the backend’s memory', 'on the host'])('the kernel splits as the loop does, %s', (where) => {
  fc.assert(
    fc.property(cases, ({ values, low, width }) => {
      const high = Math.min(low + width, 0x7f800001);
      tf.tidy(() => {
        const x = tf.tensor1d(Float32Array.from(values));
        withSplit((split) => {
          expect(split).toBeDefined();
          const floats = where === 'on the host' ? Float32Array.from(values) : peek(x);
          expect(floats.buffer === activeHeap()!.buffer).toBe(where !== 'on the host');
          const bits = bitsOf(floats);
          expect(results(split!, bits, low, high)).toEqual(results(splitKeys, bits.slice(), low, high));
        });
      });
    }),
  );
});

test('other backends have none', async () => {
  await useBackend('cpu');
  expect(withSplit((split) => split)).toBeUndefined();
  await useBackend('wasm');
});
