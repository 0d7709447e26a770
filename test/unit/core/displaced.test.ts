import fc from 'fast-check';
import { expect, test } from 'vitest';
import { displacedBy, merge } from '../../../src/core/displaced';
import { maskOf } from '../../../src/core/mask';

const masked = fc
  .array(fc.record({ kept: fc.boolean(), value: fc.float({ noDefaultInfinity: false }) }), {
    maxLength: 2500,
  })
  .map((entries) => ({
    mask: Uint8Array.from(entries, ({ kept }) => Number(kept)),
    values: Float32Array.from(entries, ({ value }) => value),
  }));

/** Bits, so that NaN equals NaN and −0 differs from 0. */
const bits = (values: Float32Array): Int32Array => new Int32Array(values.slice().buffer);

test('what is displaced and merged comes back bit for bit', () => {
  fc.assert(
    fc.property(masked, ({ mask, values }) => {
      const stored = values.map((value, i) => (mask[i] === 1 ? value : 0));
      expect(bits(merge(maskOf(mask), stored, displacedBy(maskOf(mask), values)))).toEqual(bits(values));
    }),
  );
});

test('the displaced values are the others, in order; all of them where they are at least half', () => {
  fc.assert(
    fc.property(masked, ({ mask, values }) => {
      const expected = values.filter((_, i) => mask[i] === 0);
      const { count, read } = displacedBy(maskOf(mask), values);
      expect(count).toBe(expected.length);
      expect(bits(read())).toEqual(bits(2 * count < mask.length ? expected : values));
    }),
  );
});

test('zeros are counted, in masks that begin anywhere in their buffer too', () => {
  fc.assert(
    fc.property(masked, fc.nat({ max: 7 }), ({ mask }, start) => {
      const whole = new Uint8Array(mask.length + start);
      whole.set(mask, start);
      expect(maskOf(whole.subarray(start)).zeros).toBe(mask.filter((kept) => kept === 0).length);
    }),
  );
});
