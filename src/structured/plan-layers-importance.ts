/** How much a model would miss each of its blocks. */
import * as tf from '@tensorflow/tfjs';
import { peek } from '../core/memory';
import { slotsOf } from '../core/parameter';
import type { Block } from './plan-layers-blocks';
import { keepingStates } from './states';

/**
 * Block influence: one minus the cosine of what goes into a block and what comes out of it, along the last axis, on
 * average over samples and positions. 0 for a block that changes no direction. Two zero vectors count as alike, one as
 * at right angles.
 *
 * Source: Men et al., "ShortGPT: Layers in Large Language Models are More Redundant Than You Expect", equation 1.
 *
 * @param model The model.
 * @param blocks Its blocks.
 * @param samples What goes into it, one batch for each of its inputs.
 * @returns One number for each block.
 */
export async function blockInfluence(
  model: tf.LayersModel,
  blocks: readonly Block[],
  samples: readonly tf.Tensor[],
): Promise<number[]> {
  if (blocks.length === 0) return [];
  const tensors = [...new Set(blocks.flatMap(({ input, output }) => [input, output]))];
  const means = keepingStates(model, () =>
    tf.tidy(() => {
      const values = valuesOf(model, tensors, samples);
      const at = (tensor: tf.SymbolicTensor): tf.Tensor => values[tensors.indexOf(tensor)]!;
      return tf.stack(blocks.map(({ input, output }) => meanCosine(at(input), at(output))));
    }),
  );
  const cosines = await means.data();
  means.dispose();
  return Array.from(cosines, (cosine) => 1 - cosine);
}

function valuesOf(
  model: tf.LayersModel,
  tensors: tf.SymbolicTensor[],
  samples: readonly tf.Tensor[],
): tf.Tensor[] {
  // It borrows the layers, and so is never disposed.
  const probe = tf.model({ inputs: model.inputs, outputs: tensors });
  const given = samples.length === 1 ? samples[0]! : [...samples];
  return [probe.predict(given, { batchSize: samples[0]!.shape[0]! })].flat();
}

function meanCosine(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  const [squaredA, squaredB] = [a.square().sum(-1), b.square().sum(-1)];
  const norms = squaredA.mul(squaredB).sqrt();
  const areBothZero = squaredA.equal(0).logicalAnd(squaredB.equal(0));
  const cosines = a.mul(b).sum(-1).divNoNan(norms);
  return tf.where(areBothZero, tf.onesLike(cosines), cosines).mean();
}

/**
 * The mean magnitude of the entries of a block's kernels; whatever they are inside a layer, they count alike.
 *
 * Source: the magnitude criterion of Kim et al., "Shortened LLaMA: Depth Pruning for Large Language Models with Comparison
 * of Retraining Methods", as a mean rather than a sum, so that wide blocks are not kept for their width.
 *
 * @param model The model.
 * @param blocks Its blocks.
 * @returns One number for each block; 0 for one without kernels.
 */
export function blockMagnitude(model: tf.LayersModel, blocks: readonly Block[]): number[] {
  return blocks.map(({ layers }) => {
    let [sum, count] = [0, 0];
    for (const { variable, role } of layers.flatMap((name) => slotsOf(model.getLayer(name)))) {
      if (variable === undefined || role !== 'kernel') continue;
      sum += sumOfMagnitudes(peek(variable));
      count += variable.size;
    }
    return count === 0 ? 0 : sum / count;
  });
}

function sumOfMagnitudes(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum;
}
