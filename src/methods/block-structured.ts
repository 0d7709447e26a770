import type * as tf from '@tensorflow/tfjs';
import type { ApplyOptions } from '../core/apply';
import { maskTensorByArrays } from '../core/bridge';
import { BasePruningMethod } from '../core/method';
import { checkOptions } from '../core/options';
import { axisOf, type Dim, type MaskRequest } from '../core/request';
import { type Amount, type ResolvedAmount, resolveAmount } from '../masks/amount';
import {
  type BlockPart,
  blockStructured as blockMask,
  globalBlockStructured as globalMasks,
} from '../masks/block-structured';
import { resolveDim } from '../masks/slices';
import { groupOf, type NamedParameter, pruneTogether, type ScoresByLayer } from './prune-together';

/** Which blocks there are and how they are ranked. */
export interface BlockOptions {
  /** How many channels make a block, a whole number ≥ 2; 16 by default. The sparse kernels take 8 and 16. */
  readonly size?: number | undefined;
  /** The order of the norm that ranks blocks, a number ≥ 0 or Infinity; 2 by default. */
  readonly n?: number | undefined;
  /**
   * The axis of the channels, in the layout of the name used; `'out'`, the output channels, by default. For a tensor that
   * belongs to no layer it has to be a number.
   */
  readonly dim?: Dim | undefined;
}

/** The same, and what to rank by. */
export interface GlobalBlockOptions extends BlockOptions {
  /** For a layer, by parameter name, what to rank by instead of the weights, in the shape and layout of the name. */
  readonly importanceScores?: ScoresByLayer | undefined;
}

const RANKING = ['size', 'n', 'dim'] as const;

/**
 * Prunes the blocks of least norm: `size` neighbouring channels at one tap, which stay or go together.
 *
 * Source: blocks of shape (size, 1) of `torch.ao.pruning.WeightNormSparsifier`.
 *
 * @example
 * ```ts
 * prune.BlockStructured.apply(model.conv1, 'weight', 0.9, { size: 8 });
 * ```
 */
export class BlockStructured extends BasePruningMethod {
  override readonly pruningType = 'structured';
  /** How many of the blocks that are left to prune. */
  readonly amount: ResolvedAmount;
  /** How many channels make a block. */
  readonly size: number;
  /** The order of the norm. */
  readonly n: number;
  /** The axis of the channels, in the layout of the name used. */
  readonly dim: Dim;

  /**
   * @param amount How many of the blocks that are left to prune: a fraction in [0, 1) or a count.
   * @param options Size of the blocks, norm and axis.
   * @throws {@link PruneError} `argument` if the amount is no number or there is no such option, `amount` if it is out of
   *   range.
   */
  constructor(amount: Amount, options: BlockOptions = {}) {
    super();
    checkOptions(options, RANKING);
    const { size = 16, n = 2, dim = 'out' } = options;
    this.amount = resolveAmount(amount);
    this.size = size;
    this.n = n;
    this.dim = dim;
  }

  /** @inheritDoc */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return maskTensorByArrays(this, t, defaultMask);
  }

  /** @inheritDoc */
  override maskFor(request: MaskRequest): Uint8Array {
    const { scores, layout, ...part } = this.#part(request);
    return blockMask(scores, layout, { ...part, amount: this.amount, size: this.size, n: this.n });
  }

  /** @inheritDoc */
  override masksFor(requests: readonly MaskRequest[]): Uint8Array[] {
    const parts = requests.map((request) => this.#part(request));
    return globalMasks(parts, this.amount, { size: this.size, n: this.n });
  }

  #part(request: MaskRequest): BlockPart {
    return { scores: request.scores, mask: request.mask, ...axisOf(this.dim, request) };
  }
}

/**
 * Prunes the blocks of a parameter that have the least norm. A block is `size` neighbouring output channels at one tap,
 * which is one input channel at one position of the kernel; its weights stay or go together. Blocks cost some accuracy
 * against single weights, and the sparse kernels run them faster.
 *
 * The blocks start at channel 0. Where the channels are no multiple of the size, the last block is shorter; it is ranked
 * by the mean of its weights' powers as all others are, so being short makes it neither stronger nor weaker. Blocks that
 * earlier prunings removed as a whole are not counted, and what they removed of others counts as zero.
 *
 * Source: blocks of shape (size, 1) of `torch.ao.pruning.WeightNormSparsifier`, over the weight as a matrix
 * [out, in · height · width]; `torch.nn.utils.prune` has no such method.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's).
 * @param amount How many of the blocks that are left to prune: a fraction in [0, 1) or a count.
 * @param options `size` of the blocks (16), order `n` of the norm (2) and `dim`, the axis (`'out'`); `importanceScores`, in
 *   the shape and layout of `name`: what to take norms of instead of the weights.
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `dim`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.blockStructured(model.conv1, 'weight', 0.8);
 * prune.blockStructured(model.fc, 'weight', 0.8, { size: 8 });
 * ```
 */
export function blockStructured<L extends object>(
  layer: L,
  name: string,
  amount: Amount,
  options: BlockOptions & ApplyOptions = {},
): L {
  checkOptions(options, [...RANKING, 'importanceScores']);
  const { importanceScores, ...blocks } = options;
  new BlockStructured(amount, blocks).applyTo(layer, name, { importanceScores });
  return layer;
}

/**
 * Ranks the blocks of several parameters together and prunes a share of all of them, so that layers that matter less lose
 * more. Each gets its part of the mask as a {@link CustomFromMask}. For the same share of every layer call
 * {@link blockStructured} on each.
 *
 * @param parameters Pairs of layer and name, such as `parameters` gives; at least one. All must have the axis `dim`.
 * @param amount How many of all blocks that are left to prune: a fraction in [0, 1) or a count.
 * @param options As of {@link blockStructured}; `importanceScores` are by layer and name.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `dim`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.globalBlockStructured(prune.parameters(model), 0.9, { size: 16 });
 * ```
 */
export function globalBlockStructured(
  parameters: Iterable<NamedParameter>,
  amount: Amount,
  options: GlobalBlockOptions = {},
): void {
  checkOptions(options, [...RANKING, 'importanceScores']);
  const { importanceScores, ...blocks } = options;
  const group = groupOf(parameters, importanceScores);
  const method = new BlockStructured(amount, blocks);
  pruneTogether(group, method, (request) => {
    const { layout, dim } = axisOf(method.dim, request);
    resolveDim(dim, layout.shape.length);
  });
}
