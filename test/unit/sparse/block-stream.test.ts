import { describe, expect, it } from 'vitest';
import { blocksOf, countBlocks } from '../../../src/sparse/block-stream';

/** A kernel's bits whose blocks of eight are zero or ones, row after row. */
function bitsOf(...rows: readonly (readonly (0 | 1)[])[]): Int32Array {
  const values = rows.flatMap((row) => row.flatMap((left) => new Array<number>(8).fill(left)));
  return new Int32Array(Float32Array.from(values).buffer);
}

describe('counting blocks', () => {
  const bits = bitsOf([0, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]);

  it('counts those of which something is left, for each group of output channels', () => {
    expect(countBlocks(bits, 32, 8)).toEqual({ width: 8, counts: Int32Array.of(1, 3, 1, 0), weights: 40 });
    expect(countBlocks(bits, 32, 16)).toEqual({ width: 16, counts: Int32Array.of(3, 1), weights: 64 });
  });

  it('takes a single value in a block for the whole, and −0 for zero', () => {
    const values = new Float32Array(48);
    values[3] = -0;
    values[21] = 1e-45;
    expect(countBlocks(new Int32Array(values.buffer), 16, 16).counts).toEqual(Int32Array.of(1));
    expect(countBlocks(new Int32Array(values.buffer), 16, 8).counts).toEqual(Int32Array.of(1, 0));
  });

  it.each([
    ['blocks of sixteen where zeros come so', bitsOf([1, 1], [0, 0], [0, 0]), 16, 16],
    ['blocks of eight where those of sixteen would hold many zeros', bitsOf([1, 0], [0, 1], [0, 0]), 16, 8],
    ['blocks of eight where the channels are no multiple of sixteen', bitsOf([1, 1, 1]), 24, 8],
  ] as const)('chooses %s', (_, kernel, channels, width) => {
    expect(blocksOf(kernel, channels).width).toBe(width);
  });
});
