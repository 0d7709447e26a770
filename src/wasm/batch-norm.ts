import type * as tf from '@tensorflow/tfjs';
import type { Heap } from './heap';
import type { Kernels } from './kernels';
import { outputOf, type Placed } from './output';
import type { Workspace } from './workspace';

/** What batch normalisations run with. */
export interface Normaliser {
  readonly heap: Heap;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
}

/**
 * tfjs's FusedBatchNorm, `(x − mean) · scale ÷ √(variance + ε) + offset`, on SIMD. tfjs divides each element in double precision;
 * here each channel's factor is rounded once, so results differ by some units in the last place.
 *
 * @param args The kernel's arguments; of type float32.
 * @param normaliser What it runs with.
 * @returns The output; undefined where the statistics are not one number for each channel, or there is no memory left.
 */
export function fusedBatchNorm(
  { inputs, attrs, backend }: Parameters<tf.KernelFunc>[0],
  normaliser: Normaliser,
): tf.TensorInfo | undefined {
  const { x } = inputs;
  if (x === undefined) return undefined;
  const channels = x.shape.at(-1) ?? 0;
  const isOfChannels = ([name, input]: [string, tf.TensorInfo | null | undefined]): boolean =>
    name === 'x' || !input || (input.shape.length === 1 && input.shape[0] === channels);
  if (!Object.entries<tf.TensorInfo | null | undefined>(inputs).every(isOfChannels)) return undefined;
  const elements = x.shape.reduce((product, size) => product * size, 1);
  // tfjs has checked the attribute of its own kernel.
  const epsilon = attrs?.varianceEpsilon as number;
  return outputOf(backend, normaliser.heap, inputs, x.shape, (placed) =>
    normalise(normaliser, placed, elements, channels, epsilon),
  );
}

function normalise(
  { heap, kernels, workspace }: Normaliser,
  { inputs: { x, mean, variance, scale, offset }, output }: Placed,
  elements: number,
  channels: number,
  epsilon: number,
): boolean {
  const bytes = 4 * channels;
  const factor = workspace.reserve(2 * bytes);
  if (factor === undefined || x === undefined || mean === undefined || variance === undefined) return false;
  const zeros = factor + bytes;
  const floats = (address: number): Float32Array => new Float32Array(heap.buffer, address, channels);
  const [factors, variances] = [floats(factor), floats(variance)];
  const scales = scale === undefined ? undefined : floats(scale);
  for (let c = 0; c < channels; c++) factors[c] = (scales?.[c] ?? 1) / Math.sqrt(variances[c]! + epsilon);
  if (offset === undefined) floats(zeros).fill(0);
  kernels.normalise(x, output, 4 * elements, bytes, mean, factor, offset ?? zeros);
  return true;
}
