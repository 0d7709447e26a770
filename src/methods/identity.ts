import type * as tf from '@tensorflow/tfjs';
import { maskTensorByArrays } from '../core/bridge';
import { BasePruningMethod } from '../core/method';
import type { MaskRequest } from '../core/request';

/**
 * Prunes nothing: it gives a parameter its mask of ones, to load a pruned model into for instance.
 *
 * Source: `torch.nn.utils.prune.Identity`.
 *
 * @example
 * ```ts
 * prune.Identity.apply(model.conv1, 'weight');
 * ```
 */
export class Identity extends BasePruningMethod {
  override readonly pruningType = 'unstructured';

  /** @inheritDoc */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return maskTensorByArrays(this, t, defaultMask);
  }

  /** @inheritDoc */
  override maskFor({ scores, mask }: MaskRequest): Uint8Array {
    return mask?.slice() ?? new Uint8Array(scores.length).fill(1);
  }
}

/**
 * Makes a parameter a pruned one with nothing pruned.
 *
 * Source: `torch.nn.utils.prune.identity`.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's).
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.identity(model.conv1, 'weight');
 * ```
 */
export function identity<L extends object>(layer: L, name: string): L {
  Identity.apply(layer, name);
  return layer;
}
