import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { fastBatchNorm, withFastBatchNorm } from './batch-norm';
import { withDilation } from './conv2d-dilated-gradient';
import { conv2dBackpropFilter } from './conv2d-filter-gradient';
import { depthwiseConv2dBackpropFilter, depthwiseConv2dBackpropInput } from './depthwise-gradients';
import { type Attempt, fastConvolution, fastInputGradient, fastMatMul } from './fast-kernels';
import { fuseOptimizers } from './optimizers/fused';
import { fastMean, fastSum, withFastSpread } from './reductions';
import { unsortedSegmentSum } from './segment-sum';
import { fastCast, fastIdentity } from './sharing';

const KERNELS: ReadonlyMap<string, tf.KernelFunc> = new Map([
  [tf.Conv2DBackpropFilter, conv2dBackpropFilter],
  [tf.DepthwiseConv2dNativeBackpropFilter, depthwiseConv2dBackpropFilter],
  [tf.DepthwiseConv2dNativeBackpropInput, depthwiseConv2dBackpropInput],
  [tf.UnsortedSegmentSum, unsortedSegmentSum],
]);

/** Kernels that tfjs has and that these run faster. */
const FASTER: ReadonlyMap<string, Attempt> = new Map([
  [tf.Conv2DBackpropInput, fastInputGradient],
  [tf.Conv2D, fastConvolution],
  [tf.FusedConv2D, fastConvolution],
  [tf.BatchMatMul, fastMatMul],
  [tf._FusedMatMul, fastMatMul],
  [tf.FusedBatchNorm, fastBatchNorm],
  [tf.Sum, fastSum],
  [tf.Mean, fastMean],
  [tf.Identity, fastIdentity],
  [tf.Cast, fastCast],
]);

const registered = new WeakSet<object>();

/**
 * Adds to tfjs's wasm backend the gradient kernels that it lacks, so that convolutional networks train on it: with
 * `model.fit`, `model.fitDataset` or `optimizer.minimize`. They are the gradients of `tf.conv2d`'s filter, of
 * `tf.depthwiseConv2d`'s input and filter, and of `tf.gather`, which embeddings need; each left alone where somebody has registered one.
 *
 * It replaces kernels and gradients that tfjs has but that are slow in training: the gradient of `tf.conv2d`'s input, the
 * convolution itself and `tf.matMul` while a gradient is taken, `tf.matMul` with a matrix transposed at any time, batch
 * normalisations while a gradient is taken and their gradient, `tf.sum` and `tf.mean` along the first axes with their gradients, and `tf.clone`, which copies
 * there what all other backends share. What the replacements do not take, such as other types than float32, runs on the
 * kernel that was there. They are checked against tfjs's cpu backend; sums are added up in another order than there, so that
 * results differ by rounding. They keep about 1 MB of the backend's memory to work in, more for layers with very many
 * inputs. Where they cannot be compiled (no SIMD, or a content security policy without `'wasm-unsafe-eval'`), tfjs's own
 * operations do the same.
 *
 * Where 70 % or more of a `tf.conv2d`'s filter are pruned, its zeros are left out while a gradient is taken, also in the gradients
 * of input and filter. An infinite or NaN input that only meets pruned weights then does not turn the output to NaN. The places
 * of the weights that are left take 32 bytes each in the backend's memory until the mask changes or is removed.
 *
 * SGD, momentum and Adam take their steps in one pass over each weight, also those optimizers that have been made before. Weights
 * and moments stay where they are in the backend's memory unless somebody holds a copy, so it does not grow from step to step;
 * what they come to is the same to the bit.
 *
 * It also lets a dilated `tf.conv2d` be differentiated, which tfjs refuses on every backend. A dilated layer can be
 * trained if its activation is relu or elu; tfjs still refuses the others, in `tf.fused.conv2d`, where no gradient can
 * be registered.
 *
 * Call it once, before or after the backend becomes active; further calls change nothing.
 *
 * @returns The names of the kernels that this call added or replaced.
 * @throws {@link PruneError} of kind `unsupported` when `@tensorflow/tfjs-backend-wasm` has not been imported, or an
 * imported copy of it belongs to another copy of tfjs.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import '@tensorflow/tfjs-backend-wasm';
 * import { registerTrainingKernels } from 'tfjs-prune/training';
 *
 * await tf.setBackend('wasm');
 * registerTrainingKernels();
 * await model.fitDataset(train, { epochs: 1 });
 * ```
 */
export function registerTrainingKernels(): string[] {
  // tfjs declares that the factory is always there.
  const factory: unknown = tf.findBackendFactory('wasm');
  if (typeof factory !== 'function') {
    throw new PruneError(
      'unsupported',
      "registerTrainingKernels() extends tfjs's wasm backend, but no backend of that name is registered. " +
        "Import '@tensorflow/tfjs-backend-wasm' first.",
    );
  }
  const added: string[] = [];
  for (const [kernelName, kernelFunc] of KERNELS) {
    if (tf.getKernel(kernelName, 'wasm') !== undefined) continue;
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
    added.push(kernelName);
  }
  for (const [kernelName, attempt] of FASTER) {
    if (replaceKernel(kernelName, attempt)) added.push(kernelName);
  }
  replaceGradient(tf.Conv2D, withDilation);
  replaceGradient(tf.FusedBatchNorm, withFastBatchNorm);
  for (const name of [tf.Sum, tf.Mean]) replaceGradient(name, withFastSpread);
  fuseOptimizers();
  return added;
}

function replaceKernel(kernelName: string, attempt: Attempt): boolean {
  const current = tf.getKernel(kernelName, 'wasm');
  if (current === undefined || registered.has(current.kernelFunc)) return false;
  const original = current.kernelFunc;
  const kernelFunc: tf.KernelFunc = (args) => attempt(args) ?? original(args);
  registered.add(kernelFunc);
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...current, kernelFunc });
  return true;
}

function replaceGradient(kernelName: string, replace: (original: tf.GradConfig) => tf.GradConfig): void {
  const current = tf.getGradient(kernelName);
  if (current === undefined || registered.has(current)) return;
  const gradient = replace(current);
  registered.add(gradient);
  tf.unregisterGradient(kernelName);
  tf.registerGradient(gradient);
}
