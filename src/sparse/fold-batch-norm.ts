import type * as tf from '@tensorflow/tfjs';
import { slotsOf } from '../core/parameter';
import { affineOf, composed, isFiniteAffine } from './affine';
import { type Draft, draftOf, edit, remove } from './draft';
import { foldsInto } from './foldable';
import { followerOf, type LayerConfig } from './model-config';
import { rebuild } from './rebuild';

/**
 * Folds batch normalisations into the layers before them: a model that computes the same with fewer layers, for
 * inference. Where a BatchNormalization over the last axis alone takes what a Conv1D, Conv2D, Conv3D, DepthwiseConv2D,
 * SeparableConv2D, Conv2DTranspose, Conv3DTranspose or Dense layer without an activation gives, and that layer is
 * called once, its kernel and bias are scaled and shifted in its place; also in models among the layers. Any other
 * stays. Works on every backend.
 *
 * Pruned kernels are pruned in the new model by the same masks, and can be reverted there. Layers that changed lose
 * their constraints and regularisers, and the mask of their bias: those were meant for the weights before.
 *
 * The new model is a plain LayersModel, or Sequential, whose layers keep their names: a ResNet loses its children, since
 * their `bn1` and the like are gone, and a compiled model has to be compiled again. It is built from the model's
 * configuration, as `tf.loadLayersModel` would.
 *
 * Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
 * section 3.2.
 *
 * @param model A built model. It stays as it is.
 * @returns A new model, which shares no weight with the old one; the caller disposes both.
 * @throws {@link PruneError} `argument` for what is no LayersModel; `state` for one that has no layers or is disposed;
 * `unsupported` where tfjs cannot build the model from its configuration, such as with a layer of your own that is not
 * registered. No tensor is left behind then.
 * @example
 * ```ts
 * const folded = foldBatchNorm(model);
 * await folded.save('indexeddb://folded');
 * ```
 */
export function foldBatchNorm(model: tf.LayersModel): tf.LayersModel {
  const draft = draftOf(model, 'foldBatchNorm');
  edit(draft, foldIn);
  return rebuild(draft);
}

/**
 * Folds all batch normalisations of one draft that can be.
 *
 * @param draft The draft, which is changed.
 */
export function foldIn(draft: Draft): void {
  for (const layer of [...draft.config.layers]) {
    let follower = followerOf(draft.config, layer);
    while (follower !== undefined && foldInto(draft, layer, follower)) {
      follower = followerOf(draft.config, layer);
    }
  }
}

/** @returns Whether the layer that follows was one that can be folded. */
function foldInto(draft: Draft, layer: LayerConfig, follower: LayerConfig): boolean {
  const { model, affines } = draft;
  const { name } = layer.config;
  if (!foldsInto(layer, model.getLayer(name)) || !isOverLastAxis(follower, model)) return false;
  const own = affineOf(model.getLayer(follower.config.name), Number(follower.config.epsilon));
  const affine = composed(affines.get(name), own);
  if (!isFiniteAffine(affine)) return false;
  affines.set(name, affine);
  for (const option of Object.keys(layer.config)) {
    if (/(Constraint|Regularizer)$/.test(option)) layer.config[option] = null;
  }
  layer.config.useBias = true;
  remove(draft, follower, layer);
  return true;
}

/** Whether it is a batch normalisation over the last axis: over any other tfjs's cpu and wasm backends get it wrong. */
function isOverLastAxis({ className, config }: LayerConfig, model: tf.LayersModel): boolean {
  if (className !== 'BatchNormalization') return false;
  const layer = model.getLayer(config.name);
  const rank = layer.inputSpec[0]?.ndim;
  // Keras writes a list of one.
  const axis = Number(config.axis);
  const isFloat = slotsOf(layer).every(
    ({ variable }) => variable === undefined || variable.dtype === 'float32',
  );
  return isFloat && (axis === -1 || (rank !== undefined && axis === rank - 1));
}
