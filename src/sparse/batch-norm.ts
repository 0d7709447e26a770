import type * as tf from '@tensorflow/tfjs';
import { fusedBatchNorm } from '../wasm/batch-norm';
import { heapOf } from '../wasm/heap';
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
 * tfjs's FusedBatchNorm, for the means that have been set.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runBatchNorm(args: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  const { mean } = args.inputs;
  const normaliser = mean && normalisers.get(mean.dataId);
  if (normaliser === undefined || heapOf(args.backend) !== normaliser.heap) return undefined;
  return fusedBatchNorm(args, normaliser);
}
