import * as tf from '@tensorflow/tfjs';
import { peek } from '../core/memory';
import { fusedBatchNorm } from '../wasm/batch-norm';
import { activeHeap, type Heap, heapOf } from '../wasm/heap';
import { kernelsNow } from '../wasm/kernels';
import { type TrainingKernels, trainingKernelsNow } from '../wasm/training-kernels';
import { makeWorkspace, type Workspace } from '../wasm/workspace';
import type { Attempt } from './fast-kernels';

const workspaces = new WeakMap<Heap, Workspace>();

/** tfjs's `FusedBatchNorm` while a gradient is taken; predictions stay with tfjs's, which rounds otherwise. */
export const fastBatchNorm: Attempt = (args) => {
  const { inputs, backend } = args;
  const heap = heapOf(backend);
  const kernels = heap && kernelsNow(heap);
  if (tf.engine().state.gradientDepth === 0 || heap === undefined || kernels === undefined) return undefined;
  const given = Object.values<tf.TensorInfo | null | undefined>(inputs).filter((input) => !!input);
  if (given.some(({ dtype }) => dtype !== 'float32')) return undefined;
  const workspace = workspaces.get(heap) ?? makeWorkspace(heap);
  workspaces.set(heap, workspace);
  return fusedBatchNorm(args, { heap, kernels, workspace });
};

/** Rows that are added up in single precision before their sums are added in double. */
const ROWS_AT_ONCE = 256;

/**
 * tfjs composes the gradient of a batch normalisation of a dozen operations over the images. On wasm, one pass adds up what
 * all of its parts need, and one product makes the gradient of the images.
 *
 * @param original tfjs's gradient of the kernel `FusedBatchNorm`, for other backends and for channels that are no multiple of
 *   four.
 * @returns The gradient to register in its place.
 */
export function withFastBatchNorm(original: tf.GradConfig): tf.GradConfig {
  return {
    ...original,
    gradFunc: (dy, saved, attrs) => {
      const [x, mean, variance, scale] = saved;
      const images = dy as tf.Tensor; // the kernel has a single output
      const heap = activeHeap();
      const kernels = heap && trainingKernelsNow(heap);
      const channels = mean?.size ?? 0;
      const isPlain = [mean, variance, scale].every((each) => each?.rank === 1 && each.size === channels);
      const isFloat = [x, images, mean, variance, scale].every((each) => each?.dtype === 'float32');
      const takes = kernels && isPlain && isFloat && channels % 4 === 0 && x?.shape.at(-1) === channels;
      if (!takes || x === undefined || mean === undefined || images.size === 0) {
        return original.gradFunc(dy, saved, attrs);
      }
      const sums = channelSums(heap, kernels, x, images, mean);
      if (sums === undefined) return original.gradFunc(dy, saved, attrs);
      // tfjs has checked the attribute of its own kernel.
      const factors = gradientsOf(sums, peek(variance!), peek(scale!), attrs.varianceEpsilon as number);
      return {
        x: () => tf.reshape(tf.mul(images, tf.tensor1d(factors.x)), x.shape),
        mean: () => tf.tensor1d(factors.mean),
        variance: () => tf.tensor1d(factors.variance),
        scale: () => tf.tensor1d(factors.scale),
        offset: () => tf.tensor1d(factors.offset),
      };
    },
  };
}

interface ChannelSums {
  readonly dy: Float64Array;
  /** Of dy · (x − mean). */
  readonly products: Float64Array;
}

type Gradients = Readonly<Record<'x' | 'mean' | 'variance' | 'scale' | 'offset', Float32Array>>;

/** The gradients of each channel, and for x what the gradient of the output is multiplied by. */
function gradientsOf(
  sums: ChannelSums,
  variance: Float32Array,
  scale: Float32Array,
  epsilon: number,
): Gradients {
  const channels = variance.length;
  const make = (): Float32Array => new Float32Array(channels);
  const gradients = { x: make(), mean: make(), variance: make(), scale: make(), offset: make() };
  for (let c = 0; c < channels; c++) {
    const deviation = 1 / Math.sqrt(variance[c]! + epsilon);
    const factor = scale[c]! * deviation;
    gradients.x[c] = factor;
    gradients.mean[c] = -factor * sums.dy[c]!;
    gradients.variance[c] = -0.5 * factor * deviation * deviation * sums.products[c]!;
    gradients.scale[c] = deviation * sums.products[c]!;
    gradients.offset[c] = sums.dy[c]!;
  }
  return gradients;
}

/** Undefined where there is no memory for it. */
function channelSums(
  heap: Heap,
  kernels: TrainingKernels,
  x: tf.Tensor,
  dy: tf.Tensor,
  mean: tf.Tensor,
): ChannelSums | undefined {
  const [xAddress, dyAddress, meanAddress] = [x, dy, mean].map(({ dataId }) => heap.addressOf(dataId));
  const channels = mean.size;
  const scratch = heap.allocate(8 * channels);
  if (scratch === undefined) return undefined;
  try {
    if (xAddress === undefined || dyAddress === undefined || meanAddress === undefined) return undefined;
    const partial = new Float32Array(heap.buffer, scratch, 2 * channels);
    const totals = new Float64Array(2 * channels);
    const bytes = 4 * dy.size;
    const step = 4 * channels * ROWS_AT_ONCE;
    for (let from = 0; from < bytes; from += step) {
      partial.fill(0);
      const end = dyAddress + Math.min(from + step, bytes);
      const products = scratch + 4 * channels;
      kernels.channelSums(
        xAddress + from,
        dyAddress + from,
        end,
        4 * channels,
        meanAddress,
        scratch,
        products,
      );
      for (let i = 0; i < totals.length; i++) totals[i]! += partial[i]!;
    }
    return { dy: totals.subarray(0, channels), products: totals.subarray(channels) };
  } finally {
    heap.free(scratch);
  }
}
