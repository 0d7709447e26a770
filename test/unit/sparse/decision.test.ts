import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockWidth } from '../../../src/sparse/block-stream';
import { decide, type KernelCounts } from '../../../src/sparse/decision';

const counts = (
  taps: number,
  channels: number,
  zeros: number,
  more: Partial<KernelCounts>,
): KernelCounts => ({
  taps,
  channels,
  window: 1,
  isStrided: false,
  pixels: 196,
  nonzeros: Math.round((1 - zeros) * taps * channels),
  blocks: undefined,
  ...more,
});

/** Blocks of which so many weights are left. */
const blocksOf = (weights: number, width: BlockWidth = 16): Pick<KernelCounts, 'blocks'> => ({
  blocks: { width, counts: new Int32Array(0), weights },
});

describe('what is expected of a kernel is what was measured', () => {
  it.each([
    ['single rows, half of the values left', counts(2048, 1000, 0.5, { pixels: 1 }), 'dense'],
    ['single rows, a tenth of them left', counts(2048, 1000, 0.9, { pixels: 1 }), 'values'],
    ['single rows, 78 % zeros', counts(2048, 1000, 0.78, { pixels: 1 }), 'dense'],
    ['a small matrix', counts(300, 100, 0.9, { pixels: 1 }), 'dense'],
    [
      'a 3×3 window that strides, 30 % zeros',
      counts(4608, 512, 0.3, { window: 9, isStrided: true }),
      'dense',
    ],
    ['a 3×3 window, 50 % zeros', counts(2304, 256, 0.5, { window: 9 }), 'values'],
    ['a 1×1 kernel, 50 % zeros', counts(256, 64, 0.5, { pixels: 3136 }), 'values'],
    ['a 1×1 kernel over four pixels, 50 % zeros', counts(1024, 1024, 0.5, { pixels: 4 }), 'dense'],
    ['the same with 90 % zeros', counts(1024, 1024, 0.9, { pixels: 4 }), 'values'],
    ['no zeros, in blocks', counts(256, 256, 0, { pixels: 784, ...blocksOf(256 * 256) }), 'blocks'],
    ['no zeros, four pixels', counts(1024, 1024, 0, { pixels: 4, ...blocksOf(1024 * 1024) }), 'dense'],
    [
      'half of the blocks, no other zeros',
      counts(512, 512, 0.5, { pixels: 784, ...blocksOf(512 * 256) }),
      'blocks',
    ],
    [
      '90 % zeros that come in no blocks',
      counts(512, 512, 0.9, { pixels: 784, ...blocksOf(512 * 291, 8) }),
      'values',
    ],
    ['a first convolution of small images', counts(27, 32, 0.9, { window: 9, pixels: 1024 }), 'dense'],
    ['few taps, no zeros', counts(16, 96, 0, { pixels: 12544, ...blocksOf(1536) }), 'blocks'],
    ['still fewer', counts(14, 64, 0, { pixels: 784, ...blocksOf(896) }), 'dense'],
    ['another one, in blocks', counts(147, 64, 0, { window: 49, pixels: 100, ...blocksOf(9408) }), 'dense'],
    [
      'one with a window of 7×7',
      counts(147, 64, 0.3, { window: 49, isStrided: true, pixels: 1024 }),
      'dense',
    ],
  ] as const)('%s', (_, kernel, runs) => {
    expect(decide(kernel).runs).toBe(runs);
  });
});

describe('a decision', () => {
  const kernels = fc.record({
    taps: fc.integer({ min: 1, max: 5000 }),
    channels: fc.integer({ min: 1, max: 2048 }),
    window: fc.constantFrom(1, 9, 49),
    isStrided: fc.boolean(),
    pixels: fc.integer({ min: 1, max: 13_000 }),
  });
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it('for sparse stays that with more zeros', () => {
    fc.assert(
      fc.property(kernels, share, share, (kernel, a, b) => {
        const [fewer, more] = [Math.min(a, b), Math.max(a, b)].map((zeros) =>
          decide(counts(kernel.taps, kernel.channels, zeros, kernel)),
        );
        if (fewer!.runs !== 'dense') expect(more!.runs).not.toBe('dense');
      }),
    );
  });

  it('says how many zeros would be enough, and is another one with as many', () => {
    fc.assert(
      fc.property(kernels, share, (kernel, zeros) => {
        const { runs, reason } = decide(counts(kernel.taps, kernel.channels, zeros, kernel));
        const needed = /takes about (\d+) %/.exec(reason)?.[1];
        if (needed === undefined) return;
        expect(runs).toBe('dense');
        // Rounded up once more, since a nonzero more or less may make the difference.
        const enough = Math.min(Number(needed) / 100 + 2 / (kernel.taps * kernel.channels), 1);
        expect(decide(counts(kernel.taps, kernel.channels, enough, kernel)).runs).toBe('values');
      }),
    );
  });

  it('says of nothing but zeros that there is nothing to multiply', () => {
    const { runs, reason } = decide(counts(512, 512, 1, blocksOf(0)));
    expect({ runs, reason }).toEqual({
      runs: 'blocks',
      reason: '100.0 % zeros, in blocks: there is nothing to multiply',
    });
  });

  it('for sparse expects a gain of a tenth at least', () => {
    fc.assert(
      fc.property(kernels, share, (kernel, zeros) => {
        const { runs, reason } = decide(counts(kernel.taps, kernel.channels, zeros, kernel));
        const gain = /1 ÷ ([\d.]+) of the time/.exec(reason)?.[1];
        if (runs !== 'dense' && gain !== undefined) expect(Number(gain)).toBeGreaterThanOrEqual(1.1);
      }),
    );
  });
});
