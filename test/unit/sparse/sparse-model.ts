import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';

/** A convolutional network whose kernels are 90 % zeros, large enough to run sparse. */
export function sparseModel(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [31, 31, 8],
        filters: 32,
        kernelSize: 3,
        strides: 2,
        activation: 'relu',
        name: 'conv',
      }),
      tf.layers.conv2d({ filters: 64, kernelSize: 1, name: 'pointwise' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 16, activation: 'softmax', name: 'fc' }),
    ],
  });
  for (const layer of model.layers.filter(({ weights }) => weights.length > 0)) {
    layer.setWeights(
      layer.getWeights().map(({ shape }, i) => tf.randomNormal(shape, 0, 1, 'float32', i + 1)),
    );
    prune.l1Unstructured(layer, 'weight', 0.9);
  }
  return model;
}
