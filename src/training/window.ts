import * as tf from '@tensorflow/tfjs';

/** A number for the height and one for the width. */
export type Pair = readonly [number, number];

/** What a convolution adds before and after the rows and the columns; a negative margin takes away. */
interface Margins {
  readonly rows: Pair;
  readonly columns: Pair;
}

/**
 * Adds zeros around NHWC images where a margin is positive and cuts them where it is negative.
 *
 * @param x The images.
 * @param margins How many rows and columns to add at each side.
 * @returns The new images; `x` itself when nothing is to be done.
 */
export function padOrCrop(x: tf.Tensor4D, { rows, columns }: Margins): tf.Tensor4D {
  const [batch, , , channels] = x.shape;
  const margins = [...rows, ...columns];
  const added = (n: number): number => Math.max(n, 0);
  const removed = (n: number): number => Math.max(-n, 0);
  let result = x;
  if (margins.some((n) => n > 0)) {
    result = tf.pad(result, [
      [0, 0],
      [added(rows[0]), added(rows[1])],
      [added(columns[0]), added(columns[1])],
      [0, 0],
    ]);
  }
  if (margins.some((n) => n < 0)) {
    const [, height, width] = result.shape;
    result = tf.slice(
      result,
      [0, removed(rows[0]), removed(columns[0]), 0],
      [
        batch,
        height - removed(rows[0]) - removed(rows[1]),
        width - removed(columns[0]) - removed(columns[1]),
        channels,
      ],
    );
  }
  return result;
}

/**
 * Follows every row of NHWC images by `step − 1` rows of zeros, and every column likewise.
 *
 * @param x The images, [batch, height, width, channels].
 * @param steps The steps for rows and columns.
 * @returns Images of [batch, height × step, width × step, channels].
 */
export function insertZeros(x: tf.Tensor4D, [rowStep, columnStep]: Pair): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const follow = (rows: tf.Tensor3D, step: number): tf.Tensor =>
    step === 1
      ? rows
      : tf.pad(rows, [
          [0, 0],
          [0, 0],
          [0, (step - 1) * (rows.shape[2] ?? 0)],
        ]);
  const spread = follow(tf.reshape(x, [batch * height, width, channels]), columnStep);
  const rowLength = width * columnStep * channels;
  const result = follow(tf.reshape(spread, [batch, height, rowLength]), rowStep);
  return tf.reshape(result, [batch, height * rowStep, width * columnStep, channels]);
}

/**
 * Reads every `step`th row and column of NHWC images, beginning with the first.
 *
 * @param x The images.
 * @param size How many rows and columns to read.
 * @param steps The steps between them.
 * @returns The pixels as rows: [batch × rows × columns, channels].
 */
export function readPixels(x: tf.Tensor4D, [rows, columns]: Pair, [rowStep, columnStep]: Pair): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  const pixels: tf.Tensor2D = tf.reshape(x, [-1, channels]);
  if (rows === height && columns === width && rowStep === 1 && columnStep === 1) return pixels;
  const indices = new Int32Array(batch * rows * columns);
  let next = 0;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < rows; row++) {
      const start = (image * height + row * rowStep) * width;
      for (let column = 0; column < columns; column++) indices[next++] = start + column * columnStep;
    }
  }
  return tf.gather(pixels, tf.tensor1d(indices, 'int32'));
}
