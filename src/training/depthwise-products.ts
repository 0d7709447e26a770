/** The gradients of depthwise convolutions with one filter a channel, on SIMD in the wasm backend's memory. */
import * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import { outputOf } from '../wasm/output';
import { trainingKernelsNow } from '../wasm/training-kernels';
import type { Conv2DInfo } from './conv2d-products';

/** A kernel that meets a row of the output's pixels at one tap, see wat/depthwise.ts. */
type MeetRow = (x: number, step: number, dy: number, dyEnd: number, bytes: number, tap: number) => void;

/** Where the tensors are: images, the output's gradient, and the filter. */
interface Places {
  readonly x: number;
  readonly dy: number;
  readonly filter: number;
}

/**
 * The gradient of the filter, as a kernel's output.
 *
 * @param args The kernel's arguments, x and dy.
 * @param info The convolution; NHWC.
 * @returns Undefined where it is not for these kernels: other types, several filters a channel, channels that are no multiple of four.
 */
export function depthwiseFilterGradient(
  args: Parameters<tf.KernelFunc>[0],
  info: Conv2DInfo,
): tf.TensorInfo | undefined {
  return run(args, info, info.filterShape, 'depthwiseFilter', ({ x = 0, dy = 0 }, filter) => ({
    x,
    dy,
    filter,
  }));
}

/**
 * The gradient of the input, likewise.
 *
 * @param args The kernel's arguments, dy and filter.
 * @param info The convolution; NHWC.
 * @returns As of {@link depthwiseFilterGradient}.
 */
export function depthwiseInputGradient(
  args: Parameters<tf.KernelFunc>[0],
  info: Conv2DInfo,
): tf.TensorInfo | undefined {
  return run(args, info, info.inShape, 'depthwiseInput', ({ dy = 0, filter = 0 }, x) => ({ x, dy, filter }));
}

function run(
  { inputs, backend }: Parameters<tf.KernelFunc>[0],
  info: Conv2DInfo,
  shape: readonly number[],
  kernel: 'depthwiseFilter' | 'depthwiseInput',
  placesOf: (inputs: Readonly<Record<string, number>>, output: number) => Places,
): tf.TensorInfo | undefined {
  const heap = heapOf(backend);
  const kernels = heap && trainingKernelsNow(heap);
  const isPlain = info.outChannels === info.inChannels && info.inChannels % 4 === 0;
  const isFloat = Object.values<tf.TensorInfo | undefined>(inputs).every(
    (input) => input?.dtype === 'float32' && !input.shape.includes(0),
  );
  if (heap === undefined || kernels === undefined || !isPlain || !isFloat) return undefined;
  return outputOf(backend, heap, inputs, shape, (placed) => {
    new Float32Array(heap.buffer, placed.output, tf.util.sizeFromShape([...shape])).fill(0);
    meetAll(kernels[kernel], info, placesOf(placed.inputs, placed.output));
    return true;
  });
}

/** Meets every row of the output at every tap, its pixels that are inside of the image there. */
function meetAll(meetRow: MeetRow, info: Conv2DInfo, { x, dy, filter }: Places): void {
  const { inHeight, inWidth, outHeight, outWidth, strideWidth, filterWidth } = info;
  const bytes = 4 * info.inChannels;
  for (let tap = 0; tap < info.filterHeight * filterWidth; tap++) {
    const top = Math.floor(tap / filterWidth) * info.dilationHeight - info.padInfo.top;
    const left = (tap % filterWidth) * info.dilationWidth - info.padInfo.left;
    const first = Math.max(0, Math.ceil(-left / strideWidth));
    const end = Math.min(outWidth, Math.floor((inWidth - 1 - left) / strideWidth) + 1);
    if (first >= end) continue;
    for (let row = 0; row < info.batchSize * outHeight; row++) {
      const y = (row % outHeight) * info.strideHeight + top;
      if (y < 0 || y >= inHeight) continue;
      const line = (Math.floor(row / outHeight) * inHeight + y) * inWidth;
      const pixels = x + bytes * (line + first * strideWidth + left);
      const out = dy + bytes * row * outWidth;
      meetRow(
        pixels,
        bytes * strideWidth,
        out + bytes * first,
        out + bytes * end,
        bytes,
        filter + bytes * tap,
      );
    }
  }
}
