import type * as tf from '@tensorflow/tfjs';
import type { ApplyOptions } from '../core/apply';
import { maskTensorByArrays } from '../core/bridge';
import { withMaskKernels } from '../core/mask-kernels';
import { BasePruningMethod } from '../core/method';
import { type MaskRequest, sizeOf } from '../core/request';
import { type Amount, type ResolvedAmount, resolveAmount } from '../masks/amount';
import { l1Masks, type Part } from '../masks/global-l1';

/**
 * Prunes the entries of least magnitude.
 *
 * Source: `torch.nn.utils.prune.L1Unstructured`.
 *
 * @example
 * ```ts
 * prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
 * ```
 */
export class L1Unstructured extends BasePruningMethod {
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
    return withMaskKernels(sizeOf(requests), (kernels) => {
      const parts = requests.map(partOf);
      return l1Masks(parts, this.amount, kernels);
    });
  }
}

/** Reads the scores each time anew: they are in memory that can move. */
function partOf(request: MaskRequest): Part {
  return {
    get scores() {
      return request.scores;
    },
    layout: request.torchLayout,
    mask: request.mask,
  };
}

/**
 * Prunes the entries of a parameter that have the least magnitude.
 *
 * Source: `torch.nn.utils.prune.l1_unstructured`; ties at the cut fall as `torch.topk` lets them fall on the CPU.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's).
 * @param amount How much of what is left to prune: a fraction in [0, 1) or a count.
 * @param options `importanceScores`, in the shape and layout of `name`: what to rank by instead of the weights.
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.l1Unstructured(model.fc, 'weight', 0.5);
 * prune.l1Unstructured(model.fc, 'bias', 3);
 * ```
 */
export function l1Unstructured<L extends object>(
  layer: L,
  name: string,
  amount: Amount,
  options: ApplyOptions = {},
): L {
  new L1Unstructured(amount).applyTo(layer, name, options);
  return layer;
}
