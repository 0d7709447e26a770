import * as tf from '@tensorflow/tfjs';
import { Generator } from '../../src/masks/generator';

/** The float32 numbers of a fixture. */
export function decode(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

/** The difference of the largest and the smallest of some numbers. */
export function rangeOf(values: Float32Array): number {
  return Math.max(...values) - Math.min(...values);
}

/**
 * What a model gives for the image that the fixtures' script draws.
 *
 * @param model A model from one NHWC image.
 * @param size Height and width, such as "97x65".
 * @param seed The seed of the image.
 */
export async function logitsOf(model: tf.LayersModel, size: string, seed: number): Promise<Float32Array> {
  const [height, width] = size.split('x').map(Number) as [number, number];
  const draws = new Uint32Array(3 * height * width);
  new Generator(seed).fillRand24(draws);
  const nchw = Float32Array.from(draws, (draw) => draw * 2 ** -24);
  const output = tf.tidy(() => {
    const image = tf.transpose(tf.tensor4d(nchw, [1, 3, height, width]), [0, 2, 3, 1]);
    return model.predict(image) as tf.Tensor;
  });
  const logits = (await output.data()) as Float32Array;
  output.dispose();
  return logits;
}
