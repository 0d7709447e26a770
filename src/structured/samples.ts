/** Samples that callers give to rank by. */
import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';

/**
 * Refuses samples that the model cannot run on.
 *
 * @param samples A batch for each input of the model.
 * @param model The model.
 * @throws {@link PruneError} `argument` for disposed, empty and misshapen ones, those that are no numbers, and for batches of several sizes.
 */
export function checkSamples(samples: tf.Tensor | readonly tf.Tensor[], { inputs }: tf.LayersModel): void {
  const batches = samples instanceof tf.Tensor ? [samples] : samples;
  for (const [i, batch] of batches.entries()) {
    const sizes = inputs[i]!.shape.slice(1);
    const allowed = `numbers, at least one sample of shape [${sizes.map((size) => size ?? 'any')}], and as many for each input`;
    const given = batch.isDisposed
      ? 'a disposed tensor'
      : `a tensor of ${batch.dtype} of shape [${batch.shape}]`;
    const isFine =
      !batch.isDisposed &&
      batch.dtype !== 'string' &&
      batch.dtype !== 'complex64' &&
      batch.rank === sizes.length + 1 &&
      sizes.every((size, axis) => size === null || size === batch.shape[axis + 1]) &&
      batch.shape[0]! > 0 &&
      batch.shape[0] === batches[0]!.shape[0];
    if (isFine) continue;
    const message = `The samples for input ${i} must be ${allowed}, but got ${given}.`;
    throw new PruneError('argument', message, { given: batch, allowed });
  }
}
