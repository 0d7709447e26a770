import type * as tf from '@tensorflow/tfjs';
import type { ApplyOptions } from '../core/apply';
import { maskTensorByArrays } from '../core/bridge';
import { sumSquares } from '../core/memory';
import { BasePruningMethod } from '../core/method';
import { axisOf, type Dim, givenDim, type MaskRequest } from '../core/request';
import { type Amount, type ResolvedAmount, resolveAmount } from '../masks/amount';
import type { ChannelMask } from '../masks/channel-mask';
import type { NormOrder } from '../masks/norms';
import { lnChannels } from '../masks/structured';

/**
 * Prunes the channels of least norm.
 *
 * Source: `torch.nn.utils.prune.LnStructured`.
 *
 * @example
 * ```ts
 * prune.LnStructured.apply(model.conv1, 'weight', 0.5, 2, 'out');
 * ```
 */
export class LnStructured extends BasePruningMethod {
  override readonly pruningType = 'structured';
  /** How many of the channels that are left to prune. */
  readonly amount: ResolvedAmount;
  /** The order of the norm. */
  readonly n: NormOrder;
  /** The axis along which the channels lie, in the layout of the name used. */
  readonly dim: Dim;

  /**
   * @param amount How many of the channels that are left to prune: a fraction in [0, 1) or a count.
   * @param n The order of the norm: a number, ±Infinity, 'fro' or 'nuc'.
   * @param dim The axis along which the channels lie, in the layout of the name used; the last by default.
   * @throws {@link PruneError} `argument` if the amount is no number, `amount` if it is out of range.
   */
  constructor(amount: Amount, n: NormOrder, dim: Dim = -1) {
    super();
    this.amount = resolveAmount(amount);
    this.n = n;
    this.dim = dim;
  }

  /** @inheritDoc */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return maskTensorByArrays(this, t, defaultMask);
  }

  /** @inheritDoc */
  override maskFor(request: MaskRequest): Uint8Array | ChannelMask {
    const { layout, dim } = axisOf(this.dim, request);
    const { amount, n } = this;
    return lnChannels(request.scores, layout, { amount, n, dim, mask: request.mask }, sumSquares);
  }
}

/**
 * Prunes the channels of a parameter that have the least norm.
 *
 * Differs from PyTorch: none in the mask. As there, the bias of a pruned channel stays, so the channel becomes a
 * constant; prune the bias too if it is to be silent.
 * Source: `torch.nn.utils.prune.ln_structured`.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's), of at least two axes.
 * @param amount How many of the channels that are left to prune: a fraction in [0, 1) or a count.
 * @param n The order of the norm: a number, ±Infinity, 'fro' or 'nuc'.
 * @param dim The axis along which the channels lie, in the layout of `name`; `'out'` and `'in'` mean the same in both.
 * @param options `importanceScores`, in the shape and layout of `name`: what to take norms of instead of the weights.
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `dim`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.lnStructured(model.conv1, 'weight', 0.5, 2, 0);
 * prune.lnStructured(model.conv1, 'kernel', 0.5, 2, 3); // the same channels
 * ```
 */
export function lnStructured<L extends object>(
  layer: L,
  name: string,
  amount: Amount,
  n: NormOrder,
  dim: Dim,
  options: ApplyOptions = {},
): L {
  new LnStructured(amount, n, givenDim(dim)).applyTo(layer, name, options);
  return layer;
}
