import * as tf from '@tensorflow/tfjs';
import { batchesOf, type Digits, imagesOf } from './data';

/** How many digits there are in a step. */
export const BATCH = 64;
const MOMENTUM = 0.9;
/** How many images are predicted at a time. */
const PREDICTED = 250;

/** How long and how fast a network learns. */
export interface FitOptions {
  readonly epochs: number;
  /** At the first step; it falls along a half cosine to 0. */
  readonly learningRate: number;
  /** Of the order of the images, a whole number. */
  readonly seed: number;
  /** Besides, such as pruning while it learns. */
  readonly callbacks?: readonly tf.CustomCallback[];
  /** Is told the mean loss after each epoch. */
  readonly onEpoch?: (epoch: number, loss: number) => void | Promise<void>;
}

/** How many steps an epoch has. */
export function stepsPerEpoch({ labels }: Digits): number {
  return Math.floor(labels.length / BATCH);
}

/**
 * Trains a network by stochastic gradient descent with momentum. The same network, digits and options give the same
 * weights.
 *
 * @returns The number of steps.
 */
export async function trainNetwork(
  model: tf.LayersModel,
  digits: Digits,
  { epochs, learningRate, seed, callbacks = [], onEpoch }: FitOptions,
): Promise<number> {
  const steps = epochs * stepsPerEpoch(digits);
  const optimizer = tf.train.momentum(learningRate, MOMENTUM);
  let step = 0;
  const schedule = new tf.CustomCallback({
    onBatchBegin: () =>
      optimizer.setLearningRate((learningRate / 2) * (1 + Math.cos((Math.PI * step++) / steps))),
    onEpochEnd: (epoch, logs) => onEpoch?.(epoch, logs?.loss ?? Number.NaN),
  });
  model.compile({ optimizer, loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits) });
  try {
    await model.fitDataset(batchesOf(digits, BATCH, seed), {
      epochs,
      verbose: 0,
      callbacks: [schedule, ...callbacks],
    });
  } finally {
    optimizer.dispose();
  }
  return step;
}

/** The share of digits that a network takes for what they are. */
export function accuracyOf(model: tf.LayersModel, { images, labels }: Digits): number {
  const pixels = images.length / labels.length;
  let right = 0;
  for (let at = 0; at < labels.length; at += PREDICTED) {
    const expected = labels.subarray(at, at + PREDICTED);
    const some = images.subarray(pixels * at, pixels * (at + expected.length));
    const guesses = tf.tidy(() => {
      const logits = model.predict(imagesOf({ images: some, labels: expected })) as tf.Tensor; // one output
      return logits.argMax(-1).dataSync();
    });
    expected.forEach((label, i) => {
      if (guesses[i] === label) right++;
    });
  }
  return right / labels.length;
}
