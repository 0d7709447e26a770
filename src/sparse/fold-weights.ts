/** Copies a layer's weights to a layer that was just built, with an affine function folded in. */
import * as tf from '@tensorflow/tfjs';
import { peek } from '../core/memory';
import { classNameOf, type Slot, slotsOf } from '../core/parameter';
import { type Built, checkSame, copyWeight, isBuilt, unchanged } from '../topology/copy-weights';
import { type Affine, scaleKernel, transformBias } from './affine';
import { outputKernelOf } from './foldable';

/**
 * @param from A layer, which stays as it is.
 * @param to One of the same configuration, which nobody has used yet; with a bias where there is an affine function.
 * @param affine What `to` is to do to the outputs of `from`.
 * @throws {@link PruneError} `unsupported` where the layers do not have the same weights. Some may have been copied.
 */
export function foldWeights(from: object, to: object, affine?: Affine): void {
  const kernel = affine && outputKernelOf(classNameOf(from) ?? '');
  const targets = slotsOf(to);
  for (const [i, source] of slotsOf(from).entries()) {
    const target = targets[i];
    if (affine !== undefined && source.property === 'bias') {
      if (target !== undefined && isBuilt(target)) foldBias(source, target, affine);
    } else if (isBuilt(source)) {
      checkSame(source, target);
      const isScaled = kernel?.property === source.property;
      const run = isScaled ? kernel.run(source.variable.shape) : 1;
      copyWeight(
        source,
        target,
        isScaled ? (values, result) => scaleKernel(values, affine!.scale, run, result) : unchanged,
      );
    }
  }
}

function foldBias({ variable: bias }: Slot, { variable }: Built, affine: Affine): void {
  const values = new Float32Array(variable.size);
  transformBias(bias && peek(bias), affine, values);
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}
