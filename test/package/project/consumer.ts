// Type-checked in a fresh project under each way of resolving modules. A type that cannot be found would be `any`, to
// which the refused assignments below would be allowed.
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { l1Unstructured } from 'tfjs-prune/masks';
import { resnet50 } from 'tfjs-prune/models';
import { type ModelSummary, summary } from 'tfjs-prune/structured';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { readPth, type StateDict } from 'tfjs-prune/weights';

const amount: prune.Amount = { fraction: 0.5 };
export const added: string[] = registerTrainingKernels();
export const mask: Uint8Array = l1Unstructured(new Float32Array(4), amount);

export async function main(): Promise<tf.Tensor> {
  const model = await resnet50({ seed: 0 });
  const weights: StateDict = await readPth('model.pth');
  // @ts-expect-error A tensor of weights is no string.
  const wrong: string | undefined = weights.get('conv1.weight');
  // @ts-expect-error An amount is no text.
  prune.l1Unstructured(model.conv1, 'weight', '20 %');
  prune.l1Unstructured(model.conv1, 'weight', amount);
  // @ts-expect-error Names are of type string.
  const names: number[] = added;
  const counts: ModelSummary = summary(model);
  // @ts-expect-error A count is no text.
  const macs: string = counts.macs;
  const zeros: number = prune.sparsity(model).zeros;
  return tf.addN([
    prune.parameter(model.conv1, 'weight'),
    tf.scalar(zeros + names.length + macs.length + (wrong?.length ?? 0)),
  ]);
}
