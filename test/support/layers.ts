import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';

/** Numbers nested as deep as a tensor has axes. */
export type Nested = number | Nested[];

/**
 * A dense layer that holds what PyTorch's `nn.Linear` would.
 *
 * @param weight [out, in], torch's layout.
 * @param bias [out]; none by default.
 * @returns The built layer.
 */
export function linear(weight: number[][], bias?: number[]): tf.layers.Layer {
  const layer = tf.layers.dense({ units: weight.length, useBias: bias !== undefined });
  layer.build([null, weight[0]!.length]);
  tf.tidy(() => {
    const kernel = tf.transpose(tf.tensor2d(weight));
    layer.setWeights(bias === undefined ? [kernel] : [kernel, tf.tensor1d(bias)]);
  });
  return layer;
}

/**
 * A convolution that holds what PyTorch's `nn.Conv2d` would, without a bias.
 *
 * @param weight [out, in, h, w], torch's layout.
 * @returns The built layer.
 */
export function conv2d(weight: number[][][][]): tf.layers.Layer {
  const kernel = tf.tidy(() => tf.keep(tf.transpose(tf.tensor4d(weight), [2, 3, 1, 0])));
  const [height, width, channels, filters] = kernel.shape as [number, number, number, number];
  const layer = tf.layers.conv2d({ filters, kernelSize: [height, width], useBias: false });
  layer.build([null, null, null, channels]);
  layer.setWeights([kernel]);
  kernel.dispose();
  return layer;
}

/**
 * Builds a layer for an input shape, with weights that are all different and none of them zero.
 *
 * @param layer The layer.
 * @param inputShape Without the batch axis.
 * @returns The same layer.
 */
export function built<L extends tf.layers.Layer>(layer: L, inputShape: readonly number[]): L {
  tf.tidy(() => void layer.apply(tf.zeros([2, ...inputShape])));
  fillWeights(layer);
  return layer;
}

/**
 * Gives a layer or a model weights that are all different and none of them zero: the same ones for the same shapes.
 *
 * @param target The layer or model.
 */
export function fillWeights(target: tf.layers.Layer): void {
  tf.tidy(() => {
    let n = 0;
    const values = target.getWeights().map((weight) => {
      const data = Float32Array.from({ length: weight.size }, () => wave(++n));
      return tf.tensor(data, weight.shape);
    });
    target.setWeights(values);
  });
}

// A quadratic residue walk: the magnitudes differ, the signs alternate without a pattern along any axis.
function wave(n: number): number {
  const magnitude = 0.02 + ((n * 7919) % 10007) / 10007;
  return ((n * n + n) % 7 < 3 ? -1 : 1) * Math.fround(magnitude);
}

/**
 * The value of a parameter as nested arrays.
 *
 * @param layer The layer.
 * @param name The parameter, also `<name>_orig` or `<name>_mask`.
 * @returns Its elements, nested in the layout of the name.
 */
export function read(layer: object, name: string): Nested {
  const tensor = prune.parameter(layer, name);
  try {
    return tensor.arraySync() as Nested;
  } finally {
    tensor.dispose();
  }
}

/**
 * The value of a parameter as a flat array.
 *
 * @param layer The layer.
 * @param name The parameter, also `<name>_orig` or `<name>_mask`.
 * @returns Its elements, row-major in the layout of the name.
 */
export function flat(layer: object, name: string): number[] {
  const tensor = prune.parameter(layer, name);
  try {
    return [...tensor.dataSync()];
  } finally {
    tensor.dispose();
  }
}

/**
 * The shape of a parameter in the layout of its name.
 *
 * @param layer The layer.
 * @param name The parameter.
 * @returns Its shape.
 */
export function shapeOf(layer: object, name: string): number[] {
  const tensor = prune.parameter(layer, name);
  tensor.dispose();
  return [...tensor.shape];
}

/**
 * Counts the exact zeros of a parameter.
 *
 * @param layer The layer.
 * @param name The parameter, also `<name>_orig` or `<name>_mask`.
 * @returns How many elements are zero.
 */
export function zeros(layer: object, name: string): number {
  return flat(layer, name).filter((value) => value === 0).length;
}

/**
 * What a layer gives for an input.
 *
 * @param layer A layer or model with one input and one output.
 * @param input Its input; stays with the caller.
 * @returns The output's elements, row-major.
 */
export function outputOf(layer: tf.layers.Layer, input: tf.Tensor): Float32Array {
  return tf.tidy(() => (layer.apply(input) as tf.Tensor).dataSync() as Float32Array);
}
