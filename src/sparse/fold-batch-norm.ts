import type * as tf from '@tensorflow/tfjs';
import { slotsOf } from '../core/parameter';
import { type Draft, draftOf, edit, remove } from '../topology/draft';
import { followerOf, type LayerConfig } from '../topology/model-config';
import { rebuild } from '../topology/rebuild';
import { type Affine, affineOf, composed, isFiniteAffine } from './affine';
import { foldWeights } from './fold-weights';
import { foldsInto } from './foldable';

/** By the path of a layer, what is to be done to its outputs by its own weights. */
export type Affines = Map<string, Affine>;

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
  const affines: Affines = new Map();
  edit(draft, (each) => foldIn(each, affines));
  return rebuildFolded(draft, affines);
}

/**
 * Folds all batch normalisations of one draft that can be.
 *
 * @param draft The draft, which is changed.
 * @param affines Where to note what was folded.
 */
export function foldIn(draft: Draft, affines: Affines): void {
  for (const layer of [...draft.config.layers]) {
    let follower = followerOf(draft.config, layer);
    while (follower !== undefined && foldInto(draft, affines, layer, follower)) {
      follower = followerOf(draft.config, layer);
    }
  }
}

/**
 * Builds a model from a draft in which batch normalisations were folded.
 *
 * @param draft The draft; it is used up.
 * @param affines What was folded.
 * @returns The model; the caller disposes it.
 * @throws {@link PruneError} `unsupported` where tfjs cannot build it. No variable is left behind.
 */
export function rebuildFolded(draft: Draft, affines: Affines): tf.LayersModel {
  return rebuild(draft, (original, made, path) => foldWeights(original, made, affines.get(path)));
}

/** @returns Whether the layer that follows was one that can be folded. */
function foldInto(draft: Draft, affines: Affines, layer: LayerConfig, follower: LayerConfig): boolean {
  const { model, prefix } = draft;
  const { name } = layer.config;
  const path = prefix + name;
  if (!foldsInto(layer, model.getLayer(name)) || !isOverLastAxis(follower, model)) return false;
  const own = affineOf(model.getLayer(follower.config.name), Number(follower.config.epsilon));
  const affine = composed(affines.get(path), own);
  if (!isFiniteAffine(affine)) return false;
  affines.set(path, affine);
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
