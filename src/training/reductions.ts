/** Sums and means over the first axes of a tensor, such as those of a batch normalisation, and their gradients. */
import * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import { outputOf } from '../wasm/output';
import { trainingKernelsNow } from '../wasm/training-kernels';
import type { Attempt } from './fast-kernels';

/** Rows that are added up in single precision before their sums are added in double. */
const ROWS_AT_ONCE = 256;

/** tfjs's `Sum`, which moves the axes to the end before it adds up. */
export const fastSum: Attempt = (args) => reduce(args, () => 1);

/** tfjs's `Mean`, likewise. */
export const fastMean: Attempt = (args) => reduce(args, (rows) => rows);

function reduce(
  { inputs, attrs, backend }: Parameters<Attempt>[0],
  divisor: (rows: number) => number,
): tf.TensorInfo | undefined {
  const { x } = inputs;
  const heap = heapOf(backend);
  const kernels = heap && trainingKernelsNow(heap);
  if (x === undefined || x.dtype !== 'float32' || kernels === undefined) return undefined;
  // The registry types attributes loosely; both kernels have these.
  const { axis, keepDims } = attrs as { axis?: number | number[]; keepDims?: boolean };
  const axes = tf.util.parseAxisParam(axis ?? x.shape.map((_, i) => i), x.shape).sort((a, b) => a - b);
  const kept = x.shape.slice(axes.length);
  const columns = tf.util.sizeFromShape(kept);
  const rows = tf.util.sizeFromShape(x.shape.slice(0, axes.length));
  const areFirst = axes.length > 0 && axes.every((each, i) => each === i);
  if (!areFirst || rows === 0 || columns === 0 || columns % 4 !== 0) return undefined;
  const shape = keepDims === true ? [...axes.map(() => 1), ...kept] : kept;
  return outputOf(backend, heap!, inputs, shape, ({ inputs: at, output }) => {
    const sums = new Float32Array(heap!.buffer, output, columns);
    const totals = new Float64Array(columns);
    for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
      const end = Math.min(row + ROWS_AT_ONCE, rows);
      sums.fill(0);
      kernels.columnSums(at.x! + 4 * columns * row, at.x! + 4 * columns * end, 4 * columns, output);
      for (let i = 0; i < columns; i++) totals[i]! += sums[i]!;
    }
    const by = divisor(rows);
    for (let i = 0; i < columns; i++) sums[i] = totals[i]! / by;
    return true;
  });
}

/**
 * The gradient of `Sum` or `Mean`. tfjs's makes ones on the host to spread what comes back; this makes them where they are
 * needed.
 *
 * @param original tfjs's gradient, for other backends.
 * @returns The gradient to register in its place.
 */
export function withFastSpread(original: tf.GradConfig): tf.GradConfig {
  return {
    ...original,
    gradFunc: (dy, saved, attrs) => {
      const [x] = saved;
      const sums = dy as tf.Tensor; // both kernels have a single output
      if (tf.getBackend() !== 'wasm' || x === undefined) return original.gradFunc(dy, saved, attrs);
      // The registry types attributes loosely; both kernels have this one.
      const { axis } = attrs as { axis?: number | number[] };
      const axes = tf.util.parseAxisParam(axis ?? x.shape.map((_, i) => i), x.shape);
      const size = original.kernelName === tf.Mean ? axes.reduce((n, each) => n * x.shape[each]!, 1) : 1;
      return {
        x: () => {
          const shape = x.shape.map((length, i) => (axes.includes(i) ? 1 : length));
          return tf.mul(tf.div(tf.reshape(sums, shape), size), tf.fill(x.shape, 1));
        },
      };
    },
  };
}
