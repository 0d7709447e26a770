import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { heapOf } from '../wasm/heap';
import { outputOf } from '../wasm/output';

/**
 * tfjs's kernel `UnsortedSegmentSum`, the gradient of `tf.gather` and so of embeddings: `y[ids[i]] += x[i]`. Rows whose id is not
 * among the segments are left out, as on tfjs's cpu backend.
 */
export const unsortedSegmentSum: tf.KernelFunc = ({ inputs, attrs, backend }) => {
  // The registry types inputs and attributes loosely; these are the ones that tfjs passes under this kernel's name.
  const { x } = inputs as { x: tf.TensorInfo };
  const { numSegments } = attrs as tf.NamedAttrMap & tf.UnsortedSegmentSumAttrs;
  const heap = heapOf(backend);
  if (x.dtype !== 'float32' || heap === undefined) {
    throw new PruneError(
      'unsupported',
      `The wasm backend adds up segments of float32 only, not of ${x.dtype}.`,
      {
        given: x.dtype,
        allowed: ['float32'],
      },
    );
  }
  const [rows = 0, ...rest] = x.shape;
  const columns = tf.util.sizeFromShape(rest);
  const result = outputOf(backend, heap, inputs, [numSegments, ...rest], ({ inputs: at, output }) => {
    const ids = new Int32Array(heap.buffer, at.segmentIds!, rows);
    const values = new Float32Array(heap.buffer, at.x!, rows * columns);
    const sums = new Float32Array(heap.buffer, output, numSegments * columns).fill(0);
    for (let row = 0; row < rows; row++) {
      const id = ids[row]!;
      if (id < 0 || id >= numSegments) continue;
      const to = id * columns;
      const from = row * columns;
      for (let column = 0; column < columns; column++) sums[to + column]! += values[from + column]!;
    }
    return true;
  });
  if (result === undefined) throw new Error(`No memory for ${numSegments} segments of ${columns} numbers.`);
  return result;
};
