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
  /** How many of its weights are not zero. */
  readonly nonzeros: number;
  /** Its blocks that are not all zero; undefined where it can have none. */
  readonly blocks: Blocks | undefined;
}

/**
 * Nanoseconds, measured on an AMD EPYC with Node 20 over ResNet50's layers. Only their ratios matter here, and those
 * hold on other machines: all do the same arithmetic with the same instructions.
 */
const COST = {
  /** Of a weight and a pixel in tfjs's dense kernel. */
  dense: 0.056,
  /** Of a weight that is not zero and a pixel, value by value. */
  value: 0.054,
  /** The same where pixels at the ends of rows are computed in vain. */
  valueInWindow: 0.06,
  /** Of bringing a channel of a pixel into place for that, or back. */
  move: 0.3,
  /** Of a weight and a pixel in a block that is not all zero, by the block's width. */
  inBlock: { 8: 0.05, 16: 0.045 },
} as const;

/**
 * Decides by what the kernels are expected to cost.
 *
 * @param counts The kernel's size and pattern.
 */
export function decide({ taps, channels, window, nonzeros, blocks }: KernelCounts): Decision {
  const all = taps * channels;
  const moves = COST.move * (taps / window + channels);
  const perValue = window === 1 ? COST.value : COST.valueInWindow;
  const costs = {
    dense: COST.dense * all,
    values: perValue * nonzeros + moves,
    blocks: blocks === undefined ? Infinity : COST.inBlock[blocks.width] * blocks.weights,
  };
  const zeros = `${(100 * (1 - nonzeros / all)).toFixed(1)} % zeros`;
  const expected = (cost: number): string =>
    cost === 0
      ? 'there is nothing to multiply'
      : `expected to take 1 ÷ ${(costs.dense / cost).toFixed(1)} of the time`;
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
