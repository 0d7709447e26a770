import type * as tf from '@tensorflow/tfjs';
import { CustomFromMask } from '../core/custom-from-mask';

/**
 * Prunes a parameter where a mask is zero.
 *
 * Differs from PyTorch: a mask of anything but 0 and 1 is refused.
 * Source: `torch.nn.utils.prune.custom_from_mask`.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's).
 * @param mask 0 and 1 only, in the shape and layout of `name`: a tensor, which stays the caller's, or nested arrays.
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.customFromMask(model.fc, 'bias', tf.zeros([1000]));
 * ```
 */
export function customFromMask<L extends object>(layer: L, name: string, mask: tf.Tensor | tf.TensorLike): L {
  CustomFromMask.apply(layer, name, mask);
  return layer;
}
