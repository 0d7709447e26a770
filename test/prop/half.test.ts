import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from '../../src/weights/half';

const every = Uint16Array.from({ length: 65_536 }, (_, i) => i);

const formats = [
  { name: 'float16', widen: widenFloat16, narrow: narrowFloat16, infinity: 0x7c00 },
  { name: 'bfloat16', widen: widenBfloat16, narrow: narrowBfloat16, infinity: 0x7f80 },
] as const;

describe.each(formats)('$name', ({ widen, narrow, infinity }) => {
  it('narrowing gives back the bits of everything that was widened', () => {
    expect(Buffer.compare(Buffer.from(narrow(widen(every)).buffer), Buffer.from(every.buffer))).toBe(0);
  });

  // The bits of halves ≥ 0 are in the order of their values; one past the largest is 2^16 or 2^128, where infinity begins.
  const values = Float64Array.from(widen(every.subarray(0, infinity)));
  const beyond = 2 * values.at(-1)! - values.at(-2)!;
  const above = (i: number): number => (i === infinity ? beyond : values[i]!);

  it('narrowing rounds to the nearest, ties to even', () => {
    const check = (value: number): void => {
      const got = narrow(Float32Array.of(value))[0]!;
      expect(got >>> 15).toBe(Object.is(Math.sign(value), -0) || value < 0 ? 1 : 0);
      const magnitude = Math.abs(value);
      const bits = got & 0x7fff;
      const distance = Math.abs(above(bits) - magnitude);
      if (bits < infinity) {
        const next = Math.abs(above(bits + 1) - magnitude);
        expect(bits % 2 === 0 ? distance <= next : distance < next).toBe(true);
      }
      if (bits > 0 && magnitude < beyond) {
        const previous = Math.abs(above(bits - 1) - magnitude);
        expect(bits % 2 === 0 ? distance <= previous : distance < previous).toBe(true);
      }
    };
    fc.assert(fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), check), { numRuns: 5000 });
    const halves = fc.integer({ min: 0, max: infinity - 1 });
    const middle = fc.tuple(halves, fc.constantFrom(-1, 1)).map(([i, sign]) => {
      return sign * ((above(i) + above(i + 1)) / 2);
    });
    fc.assert(fc.property(middle, check), { numRuns: 5000 });
  });

  it('narrowing keeps infinities, and NaN a NaN', () => {
    expect([...narrow(Float32Array.of(Infinity, -Infinity))]).toEqual([infinity, infinity | 0x8000]);
    const nans = new Float32Array(Uint32Array.of(0x7f800001, 0xffc00000, 0x7fffffff).buffer);
    expect([...widen(narrow(nans))]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });
});
