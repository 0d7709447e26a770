import type * as tf from '@tensorflow/tfjs';
import { maskTensorByArrays } from '../core/bridge';
import { withMaskKernels } from '../core/mask-kernels';
import { BasePruningMethod } from '../core/method';
import { type MaskRequest, sizeOf } from '../core/request';
import { type Amount, type ResolvedAmount, resolveAmount } from '../masks/amount';
import { defaultGenerator } from '../masks/generator';
import { randomMasks } from '../masks/global-random';

/**
 * Prunes entries at random: the very ones that PyTorch prunes after the same `manualSeed`.
 *
 * Source: `torch.nn.utils.prune.RandomUnstructured`.
 *
 * @example
 * ```ts
 * prune.globalUnstructured(prune.parameters(model), prune.RandomUnstructured, { amount: 0.2 });
 * ```
 */
export class RandomUnstructured extends BasePruningMethod {
  override readonly pruningType = 'unstructured';
  /** How much of what is left to prune. */
  readonly amount: ResolvedAmount;

  /**
   * @param amount How much of what is left to prune: a fraction in [0, 1) or a count.
   * @throws {@link PruneError} `argument` if it is no number, `amount` if it is out of range.
   */
  constructor(amount: Amount) {
    super();
    this.amount = resolveAmount(amount);
  }

  /** @inheritDoc */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return maskTensorByArrays(this, t, defaultMask);
  }

  /** @inheritDoc */
  override maskFor(request: MaskRequest): Uint8Array {
    return this.masksFor([request])[0]!;
  }

  /** @inheritDoc */
  override masksFor(requests: readonly MaskRequest[]): Uint8Array[] {
    const parts = requests.map(({ torchLayout, mask }) => ({ size: torchLayout, mask }));
    return withMaskKernels(sizeOf(requests), (kernels) =>
      randomMasks(parts, this.amount, defaultGenerator, kernels),
    );
  }
}

/**
 * Prunes a share of a parameter's entries, chosen at random.
 *
 * Source: `torch.nn.utils.prune.random_unstructured`; the random numbers are those of `torch.rand_like` on the CPU.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's); the entries chosen are the same.
 * @param amount How much of what is left to prune: a fraction in [0, 1) or a count.
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.manualSeed(0);
 * prune.randomUnstructured(model.conv1, 'weight', 0.2);
 * ```
 */
export function randomUnstructured<L extends object>(layer: L, name: string, amount: Amount): L {
  RandomUnstructured.apply(layer, name, amount);
  return layer;
}
