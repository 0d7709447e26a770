import type * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import { outputOf, type Placed } from '../wasm/output';
import { makeRegistry } from './registry';
import type { Engine } from './sparse-weight';

/** By the identity of the moving mean's data, which changes when it is trained or set. */
const normalisers = makeRegistry<Engine>();

/**
 * Lets the batch normalisation of a mean run on the SIMD kernel.
 *
 * @param dataId The mean's.
 * @param normaliser What it runs with.
 */
export function setNormaliser(dataId: object, normaliser: Engine): void {
  normalisers.add(dataId, normaliser);
}

/**
 * Lets it run as it did before.
 *
 * @param dataId The mean's.
 * @param normaliser What it ran with.
 */
export function clearNormaliser(dataId: object, normaliser: Engine): void {
  normalisers.remove(dataId, normaliser);
}

/**
 * tfjs's FusedBatchNorm, for the means that have been set: `(x − mean) · scale ÷ √(variance + ε) + offset`. tfjs divides
 * each element in double precision; here each channel's factor is rounded once, so results differ by some units in the
 * last place.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runBatchNorm({
  inputs,
  attrs,
  backend,
}: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  const { x, mean } = inputs;
  const normaliser = mean && normalisers.get(mean.dataId);
  if (normaliser === undefined || x === undefined || mean === undefined) return undefined;
  if (heapOf(backend) !== normaliser.heap) return undefined;
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
  { heap, kernels, workspace }: Engine,
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
