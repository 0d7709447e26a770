/** What a model knows of itself that its configuration does not say. */
import type * as tf from '@tensorflow/tfjs';
import { modelWithin } from '../topology/draft';

/**
 * Gives a model built anew what the original was told: which of it is frozen as a whole, and the caller's metadata.
 *
 * @param original The model that it was built from.
 * @param made The new one, without some of the layers.
 */
export function adoptSettings(original: tf.LayersModel, made: tf.LayersModel): void {
  const metadata = original.getUserDefinedMetadata();
  if (metadata !== undefined) made.setUserDefinedMetadata(structuredClone(metadata));
  freezeAlike(original, made);
}

function freezeAlike(original: tf.LayersModel, made: tf.LayersModel): void {
  // It freezes all within, so what is not frozen there comes after it.
  if (!original.trainable) made.trainable = false;
  const layers = new Map(original.layers.map((layer) => [layer.name, layer]));
  for (const layer of made.layers) {
    const source = layers.get(layer.name);
    if (source === undefined) continue;
    const [from, to] = [modelWithin(source), modelWithin(layer)];
    if (from !== undefined && to !== undefined) freezeAlike(from, to);
    else if (!original.trainable && source.trainableWeights.length > 0) layer.trainable = true;
  }
}
