import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fma } from '../../../src/models/normal';

const UNIT = 1100;

/** A float as a whole number of 2^-UNIT. */
function exact(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = (bits & (2n ** 52n - 1n)) + (exponent === 0 ? 0n : 2n ** 52n);
  const magnitude = fraction << BigInt(Math.max(exponent, 1) - 1075 + UNIT);
  return value < 0 ? -magnitude : magnitude;
}

/** The two floats around a double, and how far each is from a · b + c: the definition of rounding once. */
function isNearest(result: number, a: number, b: number, c: number): boolean {
  const truth = exact(a) * exact(b) + (exact(c) << BigInt(UNIT));
  const distance = (value: number): bigint => {
    const difference = (exact(value) << BigInt(UNIT)) - truth;
    return difference < 0n ? -difference : difference;
  };
  const bits = new Int32Array(new Float32Array([result]).buffer);
  const neighbours = [-1, 1].map((step) => new Float32Array(Int32Array.of(bits[0]! + step).buffer)[0]!);
  const isEven = (bits[0]! & 1) === 0;
  return neighbours.every((neighbour) => {
    const [own, other] = [distance(result), distance(neighbour)];
    return own < other || (own === other && isEven);
  });
}

const modest = fc.float({ min: -1e6, max: 1e6, noNaN: true }).filter((value) => Math.abs(value) > 1e-6);

describe('fma', () => {
  it('rounds a · b + c once', () => {
    fc.assert(
      fc.property(modest, modest, modest, (a, b, c) => {
        const result = fma(a, b, c);
        fc.pre(Math.abs(result) > 1e-30);
        expect(Math.fround(result)).toBe(result);
        expect(isNearest(result, a, b, c)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('rounds once where two roundings end elsewhere', () => {
    // (1 + 2^-s)(1 - 2^-s) is a little less than 1, which a double cannot tell next to 2^24 k.
    const near = fc.record({
      s: fc.integer({ min: 13, max: 22 }),
      k: fc.integer({ min: 2 ** 23, max: 2 ** 24 - 1 }),
    });
    let differences = 0;
    fc.assert(
      fc.property(near, fc.boolean(), fc.constantFrom(1, 2, 256), ({ s, k }, isNegative, scale) => {
        const sign = isNegative ? -1 : 1;
        const [a, b, c] = [sign * scale * (1 + 2 ** -s), 1 - 2 ** -s, sign * scale * 2 * k];
        const result = fma(a, b, c);
        expect(isNearest(result, a, b, c)).toBe(true);
        if (result !== Math.fround(a * b + c)) differences++;
      }),
      { numRuns: 2000 },
    );
    expect(differences).toBeGreaterThan(100);
  });

  it('keeps ties to even, zeros and infinities', () => {
    expect(fma(1, 1, 2 ** 24)).toBe(2 ** 24);
    expect(fma(1, 1, 2 ** 24 + 2)).toBe(2 ** 24 + 4);
    expect(fma(-0, 1, 0)).toBe(0);
    expect(fma(-0, 1, -0)).toBe(-0);
    expect(fma(1, 1, Infinity)).toBe(Infinity);
    expect(fma(0, Infinity, 1)).toBeNaN();
  });
});
