import { describe, expect, it } from 'vitest';
import { decide, type KernelCounts } from '../../../src/sparse/decision';

/** What was measured: each of these took at least as long value by value as dense, or in blocks less than both. */
const counts = (
  taps: number,
  channels: number,
  zeros: number,
  more: Partial<KernelCounts>,
): KernelCounts => ({
  taps,
  channels,
  window: 1,
  isMatrix: false,
  isStrided: false,
  nonzeros: Math.round((1 - zeros) * taps * channels),
  blocks: undefined,
  ...more,
});

describe('what is expected of a kernel', () => {
  it.each([
    ['a matrix with half of its values left', counts(2048, 1000, 0.5, { isMatrix: true }), 'dense'],
    ['a matrix with a tenth of them left', counts(2048, 1000, 0.9, { isMatrix: true }), 'values'],
    ['a strided 3×3 window, 30 % zeros', counts(4608, 512, 0.3, { window: 9, isStrided: true }), 'dense'],
    ['a 3×3 window, 50 % zeros', counts(2304, 256, 0.5, { window: 9 }), 'values'],
    ['a 1×1 kernel, 50 % zeros', counts(256, 64, 0.5, {}), 'values'],
  ] as const)('%s runs as it is faster: %j', (_, kernel, runs) => {
    expect(decide(kernel).runs).toBe(runs);
  });
});
