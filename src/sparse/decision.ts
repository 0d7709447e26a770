import type { Blocks } from './block-stream';

/** Whether a weight runs sparse, and why. */
export interface Decision {
  /**
   * `values`: value by value, whatever the pattern of the zeros; `blocks`: eight or sixteen neighbouring output channels at a time;
   * `dense`: by tfjs's own kernel.
   */
  readonly runs: 'values' | 'blocks' | 'dense';
  /** In words, for people to read. */
  readonly reason: string;
}

/** What of a kernel decides how it runs. */
export interface KernelCounts {
  /** Weights of an output channel. */
  readonly taps: number;
  /** Output channels. */
  readonly channels: number;
  /** Places of the kernel: 9 for one of 3×3, 1 for a dense layer. */
  readonly window: number;
  /** Whether it is that of a dense layer. */
  readonly isMatrix: boolean;
  /** Whether its places are further apart than by one pixel from one output to the next. */
  readonly isStrided: boolean;
  /** How many of its weights are not zero. */
  readonly nonzeros: number;
  /** Its blocks that are not all zero; undefined where it can have none. */
  readonly blocks: Blocks | undefined;
}

/**
 * Nanoseconds, measured on an AMD EPYC with Node 20 over the layers of ResNets and MobileNets. Only their ratios matter here,
 * and those hold on other machines: all do the same arithmetic with the same instructions.
 */
const COST = {
  /** Of a weight and a pixel in tfjs's dense kernel. */
  dense: 0.056,
  /** Of a weight that is not zero and a pixel, value by value. */
  value: 0.056,
  /** The same where what a tile of pixels meets outgrows the fastest cache, and where it is brought together by strides too. */
  valueInWindow: 0.08,
  valueInStridedWindow: 0.1,
  /** Of bringing a channel of a pixel into place for that, or back. */
  move: 0.3,
  /** Of a weight and a pixel in a block that is not all zero, by the block's width. */
  inBlock: { 8: 0.049, 16: 0.0445 },
} as const;

/** The same for a matrix, of which nothing is known but that it may meet a single row: then to read it is what takes time. */
const MATRIX_COST = { dense: 0.22, value: 1.15, move: 0.3, inBlock: { 8: 0.33, 16: 0.33 } } as const;

/** Taps of a window whose inputs the fastest cache holds for a tile of pixels. */
const NEAR_TAPS = 512;

function costOfValue({ taps, window, isStrided }: KernelCounts): number {
  if (window === 1 || taps <= NEAR_TAPS) return COST.value;
  return isStrided ? COST.valueInStridedWindow : COST.valueInWindow;
}

/**
 * Decides by what the kernels are expected to cost.
 *
 * @param counts The kernel's size and pattern.
 */
export function decide(counts: KernelCounts): Decision {
  const { taps, channels, window, isMatrix, nonzeros, blocks } = counts;
  const all = taps * channels;
  const cost = isMatrix ? MATRIX_COST : COST;
  const moves = cost.move * (taps / window + channels);
  const perValue = isMatrix ? MATRIX_COST.value : costOfValue(counts);
  const costs = {
    dense: cost.dense * all,
    values: perValue * nonzeros + moves,
    blocks: blocks === undefined ? Infinity : cost.inBlock[blocks.width] * blocks.weights,
  };
  const zeros = `${(100 * (1 - nonzeros / all)).toFixed(1)} % zeros`;
  const expected = (time: number): string =>
    time === 0
      ? 'there is nothing to multiply'
      : `expected to take 1 ÷ ${(costs.dense / time).toFixed(1)} of the time`;
  if (costs.blocks < Math.min(costs.dense, costs.values)) {
    return { runs: 'blocks', reason: `${zeros}, in blocks: ${expected(costs.blocks)}` };
  }
  if (costs.values < costs.dense) {
    return { runs: 'values', reason: `${zeros}: ${expected(costs.values)}` };
  }
  const breakEven = 1 - (costs.dense - moves) / (perValue * all);
  const needed = breakEven < 1 ? `it takes about ${(100 * breakEven).toFixed(0)} %` : 'it is too small';
  return { runs: 'dense', reason: `${zeros}: ${needed} to be faster than dense` };
}
