import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { resnet50 } from 'tfjs-prune/models';

interface StepOptions {
  /** What to prune of all weights before; nothing by default. */
  readonly amount?: number;
  /** SGD with momentum by default. */
  readonly optimizer?: tf.Optimizer | undefined;
}

/**
 * A ResNet50's training step on the active backend: 4 images of 64×64.
 *
 * @param options What to prune, and how to train.
 * @returns Does a step and gives its milliseconds.
 */
export async function makeStep(options: StepOptions = {}): Promise<() => Promise<number>> {
  const { amount, optimizer = tf.train.momentum(0.01, 0.9) } = options;
  const model = await resnet50({ seed: 0, inputShape: [64, 64, 3] });
  if (amount !== undefined) {
    prune.globalUnstructured(prune.parameters(model), prune.RandomUnstructured, { amount });
  }
  const images = tf.randomNormal([4, 64, 64, 3], 0, 1, 'float32', 1);
  const classes = tf.oneHot(tf.tensor1d([1, 5, 7, 9], 'int32'), 1000);
  const loss = (): tf.Scalar =>
    tf.losses.softmaxCrossEntropy(classes, model.apply(images, { training: true }) as tf.Tensor); // one output
  return () => {
    const start = performance.now();
    tf.tidy(() => optimizer.minimize(loss, true)?.dataSync());
    return Promise.resolve(performance.now() - start);
  };
}
