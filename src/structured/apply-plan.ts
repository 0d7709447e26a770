import type * as tf from '@tensorflow/tfjs';
import { draftOf } from '../topology/draft';
import { applyChannelPlan } from './apply-channels';
import { adoptChildren } from './children';
import type { ChannelPlan, Plan } from './plan';
import { checkPlan } from './plan-check';
import { applyLayerPlan } from './plan-layers-apply';
import { adoptSettings } from './settings';

/** What a plan has made. */
export interface AppliedPlan<M extends tf.LayersModel = tf.LayersModel> {
  /** The smaller model; the caller disposes it. */
  readonly model: M;
}

/**
 * Builds the smaller model that a plan describes: a plain tf.LayersModel (or Sequential) whose layers keep their names,
 * with copies of the weights and masks of what is left. Stock tfjs saves, loads, compiles and trains it.
 *
 * Where the model has layers as properties of its own, as a ResNet has torch's children, also in lists, plain objects, Maps and
 * Sets, the new one has them too, with what is beside them; those that are gone are left out. What is frozen stays so, and the metadata of your own is taken along.
 * Layers are built from their configurations: what the getConfig of one of your own leaves out is not taken along; nor are, as
 * in a model that is saved and loaded, inputs that no layer reads.
 * Of a class of your own only that is left: its methods, and properties that hold no layers, are not.
 *
 * A layer that the model shares with one within becomes two, each with a copy of its weights: they give the same, and learn
 * apart. (Stock tfjs cannot load such a model once it is saved, large or small: it wants another name for each weight.)
 *
 * @param model The model that the plan was made for, or one of the same layers and sizes. It stays as it is.
 * @param plan What {@link planChannels}, {@link planFromMasks} or {@link planLayers} gave, also saved and read again; {@link PlanHeader} says what
 * of it may be edited.
 * @returns The new model, which shares no weight with the old one; the caller disposes both.
 * @throws {@link PruneError} `argument` for what is no model or no plan, for a plan of another model, for one that was
 * changed where it may not be, and for one that removes what is pinned or leaves a group without channels; `state` for a model that is not built or disposed, and where
 * weights have changed from which a plan has computed what biases take over;
 * `unsupported` for a plan of another version, and where tfjs cannot build the model. No tensor is left behind then.
 * @example
 * ```ts
 * const plan = await planChannels(model, { targetMacs: 0.5 });
 * const { model: slim } = applyPlan(model, plan);
 * await slim.save('indexeddb://slim');
 * ```
 */
export function applyPlan<M extends tf.LayersModel>(model: M, plan: ChannelPlan): AppliedPlan<M>;
export function applyPlan(model: tf.LayersModel, plan: Plan): AppliedPlan;
export function applyPlan(model: tf.LayersModel, plan: Plan): AppliedPlan {
  draftOf(model, 'applyPlan');
  const checked = checkPlan(plan);
  const applied =
    checked.kind === 'channels' ? applyChannelPlan(model, checked) : applyLayerPlan(model, checked);
  try {
    adoptChildren(model, applied.model);
    adoptSettings(model, applied.model);
  } catch (error) {
    applied.model.dispose();
    throw error;
  }
  return applied;
}
