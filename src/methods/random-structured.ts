import type * as tf from '@tensorflow/tfjs';
import { maskTensorByArrays } from '../core/bridge';
import { BasePruningMethod } from '../core/method';
import { axisOf, type Dim, givenDim, type MaskRequest } from '../core/request';
import { type Amount, type ResolvedAmount, resolveAmount } from '../masks/amount';
import type { ChannelMask } from '../masks/channel-mask';
import { randomChannels } from '../masks/structured';

/**
 * Prunes whole channels at random: the very ones that PyTorch prunes after the same `manualSeed`.
 *
 * Source: `torch.nn.utils.prune.RandomStructured`.
 *
 * @example
 * ```ts
 * prune.RandomStructured.apply(model.conv1, 'weight', 0.5, 'out');
 * ```
 */
export class RandomStructured extends BasePruningMethod {
  override readonly pruningType = 'structured';
  /** How many of the channels that are left to prune. */
  readonly amount: ResolvedAmount;
  /** The axis along which the channels lie, in the layout of the name used. */
  readonly dim: Dim;

  /**
   * @param amount How many of the channels that are left to prune: a fraction in [0, 1) or a count.
   * @param dim The axis along which the channels lie, in the layout of the name used; the last by default.
   * @throws {@link PruneError} `argument` if the amount is no number, `amount` if it is out of range.
   */
  constructor(amount: Amount, dim: Dim = -1) {
    super();
    this.amount = resolveAmount(amount);
    this.dim = dim;
  }

  /** @inheritDoc */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return maskTensorByArrays(this, t, defaultMask);
  }

  /** @inheritDoc */
  override maskFor(request: MaskRequest): Uint8Array | ChannelMask {
    const { layout, dim } = axisOf(this.dim, request);
    return randomChannels(layout, { amount: this.amount, dim, mask: request.mask });
  }
}

/**
 * Prunes a share of a parameter's channels, chosen at random.
 *
 * Source: `torch.nn.utils.prune.random_structured`.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's), of at least two axes.
 * @param amount How many of the channels that are left to prune: a fraction in [0, 1) or a count.
 * @param dim The axis along which the channels lie, in the layout of `name`; `'out'` and `'in'` mean the same in both.
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `dim`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.randomStructured(model.conv1, 'weight', 0.5, 0); // output channels
 * ```
 */
export function randomStructured<L extends object>(layer: L, name: string, amount: Amount, dim: Dim): L {
  RandomStructured.apply(layer, name, amount, givenDim(dim));
  return layer;
}
