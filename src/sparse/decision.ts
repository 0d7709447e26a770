import { TILE } from '../wasm/wat/tile';
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
  /** Whether its places are further apart than by one pixel from one output to the next. */
  readonly isStrided: boolean;
  /** Pixels of an output, of one image; 1 for a dense layer that meets single rows. */
  readonly pixels: number;
  /** How many of its weights are not zero. */
  readonly nonzeros: number;
  /** Its blocks that are not all zero; undefined where it can have none. */
  readonly blocks: Blocks | undefined;
}

/**
 * Nanoseconds, fitted to some 500 measurements on an AMD EPYC with Node 20: the layers of ResNets and MobileNets, of images of
 * 224×224 and 64×64, with 0 to 90 % zeros. Only their ratios matter here, and those hold on other machines: all do the same
 * arithmetic with the same instructions.
 */
const COST = {
  /** Of a weight and a pixel in tfjs's dense kernel. */
  dense: 0.056,
  /** The same where there is a single pixel: then to read the weight is what takes time. */
  denseRow: 0.15,
  /** Of a call of a sparse kernel, beyond what one of tfjs's takes. */
  call: 5000,
  /** Of a row of pixels that is copied to where a window meets it with its padding. */
  row: 400,
  /** Value by value: of a weight that is not zero and a tile of pixels, and of each four pixels in the tile. */
  tile: 0.42,
  four: 0.15,
  /** Of such a weight where there is a single pixel. */
  valueRow: 0.8,
  /** Of an output channel and a tile. */
  channel: 7,
  /** Of bringing a channel of a pixel into place for that, or back. */
  move: 0.22,
  /** Of a weight in a block that is not all zero, and of it and a pixel by the block's width. */
  block: 0.05,
  inBlock: { 8: 0.0475, 16: 0.0425 },
  /** Of such a weight where there is a single pixel. */
  blockRow: 0.165,
  /** Of an output channel and a pixel, in blocks. */
  output: 0.1,
} as const;

/** How many times as long a weight that is not zero takes where what a tile of pixels meets outgrows the fastest cache. */
const FAR = { pixel: 1.2, window: 1.35, stridedWindow: 1.9 } as const;

/** Taps whose inputs that cache holds for a tile of pixels; those of a window lie closer together. */
const NEAR_TAPS = { pixel: 256, window: 512 } as const;

/** The share of the dense layer's time that is to be saved: less than that is within the error of what is expected. */
const LEAST_GAIN = 0.1;

function costDense({ taps, channels, pixels }: KernelCounts): number {
  return taps * channels * (pixels === 1 ? COST.denseRow : COST.dense * pixels);
}

/** What a kernel costs value by value whatever its zeros, and what each value that is left costs. */
function costsOfValues({ taps, channels, window, isStrided, pixels }: KernelCounts): {
  fixed: number;
  each: number;
} {
  const tiles = Math.ceil(pixels / TILE);
  const moves = COST.move * pixels * (taps / window + channels);
  const each = pixels === 1 ? COST.valueRow : tiles * COST.tile + Math.ceil(pixels / 4) * COST.four;
  const isFar = taps > (window === 1 ? NEAR_TAPS.pixel : NEAR_TAPS.window) && pixels > 1;
  const far = window === 1 ? FAR.pixel : isStrided ? FAR.stridedWindow : FAR.window;
  // Each tile has the rows of its windows for itself.
  const rows = window === 1 ? 0 : tiles * Math.sqrt(window);
  const fixed = COST.call + COST.row * rows + moves + tiles * COST.channel * channels;
  return { fixed, each: isFar ? far * each : each };
}

function costOfBlocks({ blocks, channels, window, pixels }: KernelCounts): number {
  if (blocks === undefined) return Infinity;
  const each = pixels === 1 ? COST.blockRow : COST.block + COST.inBlock[blocks.width] * pixels;
  // An image is copied as a whole, and taken for a square.
  const rows = window === 1 ? 0 : Math.sqrt(pixels);
  return COST.call + COST.row * rows + COST.output * pixels * channels + each * blocks.weights;
}

/**
 * Decides by what the kernels are expected to cost.
 *
 * @param counts The kernel's size and pattern.
 */
export function decide(counts: KernelCounts): Decision {
  const { taps, channels, nonzeros } = counts;
  const all = taps * channels;
  const dense = costDense(counts);
  const { fixed, each } = costsOfValues(counts);
  const values = fixed + each * nonzeros;
  const blocks = costOfBlocks(counts);
  const zeros = `${(100 * (1 - nonzeros / all)).toFixed(1)} % zeros`;
  const expected = (time: number): string =>
    nonzeros === 0
      ? 'there is nothing to multiply'
      : `expected to take 1 ÷ ${(dense / time).toFixed(1)} of the time`;
  const most = (1 - LEAST_GAIN) * dense;
  if (blocks < Math.min(most, values)) {
    return { runs: 'blocks', reason: `${zeros}, in blocks: ${expected(blocks)}` };
  }
  if (values < most) {
    return { runs: 'values', reason: `${zeros}: ${expected(values)}` };
  }
  const breakEven = 1 - (most - fixed) / (each * all);
  const needed = breakEven < 1 ? `it takes about ${Math.ceil(100 * breakEven)} %` : 'it is too small';
  return { runs: 'dense', reason: `${zeros}: ${needed} to be faster than dense` };
}
