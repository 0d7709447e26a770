import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { draftOf, edit, type RemovedLayer } from '../topology/draft';
import { disposeWeights } from '../topology/rebuild';
import { activeHeap } from '../wasm/heap';
import { type AccelerateOptions, type Acceleration, accelerate } from './accelerate';
import { type Affines, foldIn, rebuildFolded } from './fold-batch-norm';
import { dropIdentities, fuseActivations, mergePadding } from './fuse-layers';

/** A model made ready for inference. */
export interface OptimizedModel {
  /** A new model, which computes what the original does in inference; the caller disposes it. */
  readonly model: tf.LayersModel;
  /** What {@link accelerate} made of it; the caller disposes it, before or after the model. */
  readonly handle: Acceleration;
  /** The layers of the original that it is without, and where their work went. */
  readonly removed: readonly RemovedLayer[];
}

/**
 * Makes a model as fast as it can be on tfjs's wasm backend: folds batch normalisations as {@link foldBatchNorm} does,
 * lets Conv2D and Dense layers compute the ReLU after them, lets convolutions pad where that is what 'same' means,
 * drops dropout and noise, and runs pruned weights sparse as {@link accelerate} does. On another backend use
 * {@link foldBatchNorm}.
 *
 * @param model A built model, pruned or not. It stays as it is.
 * @param options As for {@link accelerate}.
 * @returns The new model, its acceleration, and what was left out of it.
 * @throws {@link PruneError} as {@link foldBatchNorm} and {@link accelerate} do; `unsupported` where another backend is
 * active. No tensor is left behind then.
 * @example
 * ```ts
 * const { model: fast, handle } = await optimizeForInference(model);
 * const logits = fast.predict(images);
 * handle.dispose();
 * fast.dispose();
 * ```
 */
export async function optimizeForInference(
  model: tf.LayersModel,
  options: AccelerateOptions = {},
): Promise<OptimizedModel> {
  await tf.ready();
  const draft = draftOf(model, 'optimizeForInference');
  if (activeHeap() === undefined) {
    const given = tf.getBackend();
    const message = `optimizeForInference works on tfjs's wasm backend, but '${given}' is active. Import '@tensorflow/tfjs-backend-wasm' and await tf.setBackend('wasm') first, or use foldBatchNorm, which works on any.`;
    throw new PruneError('unsupported', message, { given, allowed: 'wasm' });
  }
  const affines: Affines = new Map();
  edit(draft, dropIdentities);
  edit(draft, (each) => foldIn(each, affines));
  edit(draft, mergePadding);
  edit(draft, fuseActivations);
  const optimized = rebuildFolded(draft, affines);
  try {
    return { model: optimized, handle: await accelerate(optimized, options), removed: draft.removed };
  } catch (error) {
    disposeWeights(optimized);
    throw error;
  }
}
