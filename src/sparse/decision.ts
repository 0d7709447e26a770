/** Whether a weight runs sparse, and why. */
export interface Decision {
  readonly runs: 'sparse' | 'dense';
  /** In words, for people to read. */
  readonly reason: string;
}

/** The size of a kernel as a matrix. */
export interface KernelSize {
  /** Weights of an output channel. */
  readonly taps: number;
  /** Output channels. */
  readonly channels: number;
  /** Pixels of the kernel: 9 for one of 3×3, 1 for a dense layer. */
  readonly window: number;
}

/**
 * Nanoseconds, measured on an AMD EPYC with Node 20 over ResNet50's layers. Only their ratios matter here, and those
 * hold on other machines: both sides do the same arithmetic with the same instructions.
 */
const COST = {
  /** Of a weight and a pixel in tfjs's dense kernel. */
  dense: 0.056,
  /** Of a weight that is not zero and a pixel in the sparse kernel. */
  sparse: 0.054,
  /** The same where pixels at the ends of rows are computed in vain. */
  sparseWithPadding: 0.06,
  /** Of bringing a channel of a pixel into place for the sparse kernel, or back. */
  move: 0.3,
} as const;

/**
 * Decides by what both kernels are expected to cost.
 *
 * @param size The kernel's size.
 * @param nonzeros How many of its weights are not zero.
 */
export function decide({ taps, channels, window }: KernelSize, nonzeros: number): Decision {
  const share = nonzeros / (taps * channels);
  const percent = `${(100 * (1 - share)).toFixed(1)} % zeros`;
  const perWeight = window === 1 ? COST.sparse : COST.sparseWithPadding;
  const sparse = perWeight * nonzeros + COST.move * (taps / window + channels);
  const dense = COST.dense * taps * channels;
  const breakEven = 1 - (dense - COST.move * (taps / window + channels)) / (perWeight * taps * channels);
  const needed = `it takes about ${(100 * Math.min(breakEven, 1)).toFixed(0)} % to be faster than dense`;
  return sparse < dense
    ? { runs: 'sparse', reason: `${percent}; ${needed}` }
    : { runs: 'dense', reason: `${percent}; ${needed}` };
}
