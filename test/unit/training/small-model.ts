import * as tf from '@tensorflow/tfjs';
import { fillWeights } from '../../support/layers';

/**
 * A model of two dense layers over a batch normalisation, with weights that are all different.
 *
 * @param optimizer What it is compiled with; plain gradient descent by default.
 * @returns The compiled model: 8 inputs, 3 classes.
 */
export function smallModel(optimizer: tf.Optimizer = tf.train.sgd(0.05)): tf.Sequential {
  const model = tf.sequential({
    name: 'small',
    layers: [
      tf.layers.dense({ inputShape: [8], units: 16, activation: 'relu', name: 'hidden' }),
      tf.layers.batchNormalization({ name: 'norm' }),
      tf.layers.dense({ units: 3, activation: 'softmax', name: 'head' }),
    ],
  });
  // Not the normalisation: it has a variance, which is not negative.
  for (const name of ['hidden', 'head']) fillWeights(model.getLayer(name));
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** Points and classes that a small model can learn: the same ones each time. */
export function smallData(count = 24): { xs: tf.Tensor2D; ys: tf.Tensor2D } {
  const xs = Float32Array.from({ length: count * 8 }, (_, i) => Math.sin(i * i + 1));
  const classes = Array.from({ length: count }, (_, row) =>
    xs[row * 8]! > 0.4 ? 2 : xs[row * 8 + 1]! > 0 ? 1 : 0,
  );
  return {
    xs: tf.tensor2d(xs, [count, 8]),
    ys: tf.tidy(() => tf.oneHot(tf.tensor1d(classes, 'int32'), 3).toFloat() as tf.Tensor2D),
  };
}

/** All weights of a model, bit by bit. */
export function bitsOf(model: tf.LayersModel): number[][] {
  return model.getWeights().map((weight) => [...new Int32Array(weight.dataSync<'float32'>().slice().buffer)]);
}

/** Every optimizer that tfjs has, made anew each time. */
export const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.05, 0.9),
  nesterov: () => tf.train.momentum(0.05, 0.9, true),
  adagrad: () => tf.train.adagrad(0.05),
  adadelta: () => tf.train.adadelta(0.5),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.01),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  'centred rmsprop': () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7, true),
};
