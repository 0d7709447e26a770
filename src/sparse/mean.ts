import * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import { kernelsNow } from '../wasm/kernels';
import { outputOf } from '../wasm/output';

/**
 * tfjs's Mean over all axes but the first and the last, which is a global average pooling. tfjs transposes images before it
 * adds their pixels up; here they are added up in the same order where they are, so the result is equal to the bit.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runMean({ inputs, attrs, backend }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  const { x } = inputs;
  const heap = heapOf(backend);
  if (x === undefined || heap === undefined || x.dtype !== 'float32' || x.shape.length < 3) return undefined;
  // tfjs has checked the attributes of its own kernel.
  const { axis, keepDims } = attrs as unknown as { axis: number | number[]; keepDims: boolean };
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
  const isInner = axes.length === x.shape.length - 2 && axes.every((each, i) => each === i + 1);
  const [images, channels] = [x.shape[0]!, x.shape.at(-1)!];
  const pixels = x.shape.slice(1, -1).reduce((product, size) => product * size, 1);
  const kernels = kernelsNow(heap);
  if (!isInner || channels % 4 !== 0 || pixels === 0 || kernels === undefined) return undefined;
  const shape = [images, ...(keepDims ? axes.map(() => 1) : []), channels];
  return outputOf(backend, heap, inputs, shape, ({ inputs: { x: from }, output }) => {
    const rowBytes = 4 * channels;
    const means = new Float32Array(heap.buffer, output, images * channels).fill(0);
    for (let image = 0; image < images; image++) {
      const first = from! + image * pixels * rowBytes;
      kernels.columnSums(first, first + pixels * rowBytes, rowBytes, output + image * rowBytes);
    }
    for (let i = 0; i < means.length; i++) means[i]! /= pixels;
    return true;
  });
}
