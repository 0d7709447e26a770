import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { withDilation } from './conv2d-dilated-gradient';
import { conv2dBackpropFilter } from './conv2d-filter-gradient';
import { depthwiseConv2dBackpropFilter, depthwiseConv2dBackpropInput } from './depthwise-gradients';

const KERNELS: ReadonlyMap<string, tf.KernelFunc> = new Map([
  [tf.Conv2DBackpropFilter, conv2dBackpropFilter],
  [tf.DepthwiseConv2dNativeBackpropFilter, depthwiseConv2dBackpropFilter],
  [tf.DepthwiseConv2dNativeBackpropInput, depthwiseConv2dBackpropInput],
]);

let conv2dGradient: tf.GradConfig | undefined;

/**
 * Adds to tfjs's wasm backend the gradient kernels that it lacks, so that convolutional networks train on it: with
 * `model.fit`, `model.fitDataset` or `optimizer.minimize`. They are the gradients of `tf.conv2d`'s filter and of
 * `tf.depthwiseConv2d`'s input and filter, made of operations that the backend has. A kernel that tfjs (or anyone
 * else) has registered is left alone.
 *
 * It also lets a dilated `tf.conv2d` be differentiated, which tfjs refuses on every backend. A dilated layer can be
 * trained if its activation is relu or elu; tfjs still refuses the others, in `tf.fused.conv2d`, where no gradient can
 * be registered.
 *
 * Call it once, before or after the backend becomes active; further calls change nothing.
 *
 * @returns The names of the kernels that this call added.
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
 * await model.fitDataset(dataset, { epochs: 1 });
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
  differentiateDilatedConvolutions();
  return added;
}

function differentiateDilatedConvolutions(): void {
  const current = tf.getGradient(tf.Conv2D);
  if (current === undefined || current === conv2dGradient) return;
  conv2dGradient = withDilation(current);
  tf.unregisterGradient(tf.Conv2D);
  tf.registerGradient(conv2dGradient);
}
