/** Runs tfjs on what is known. */
import * as tf from '@tensorflow/tfjs';
import { type Constants, shapeOf } from './constant';

/** @returns What a function makes of a tensor, element by element; what is not known counts as zero. */
export function ran(whole: Constants, apply: (x: tf.Tensor) => tf.Tensor): Float32Array {
  const known = [...whole.values].map((value) => (Number.isNaN(value) ? 0 : value));
  return tf.tidy(() =>
    apply(tf.tensor(known, shapeOf(whole)))
      .dataSync<'float32'>()
      .slice(),
  );
}

/** @returns What one of tfjs's own layers does that gives a tensor for a tensor. */
export const applying =
  (layer: object) =>
  (x: tf.Tensor): tf.Tensor =>
    (layer as tf.layers.Layer).apply(x) as tf.Tensor;
