import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { type ResNet, resnet50 } from 'tfjs-prune/models';
import type { PruningCase } from './torch';

const methods = { l1: prune.L1Unstructured, random: prune.RandomUnstructured };

/** A ResNet50 on the wasm backend. */
export async function model(): Promise<ResNet> {
  await tf.setBackend('wasm');
  return resnet50({ seed: 0 });
}

function timed(parameters: readonly prune.NamedParameter[], action: () => void): number {
  const start = performance.now();
  action();
  const elapsed = performance.now() - start;
  for (const [layer, name] of parameters) prune.revert(layer, name);
  return elapsed;
}

/** Times one case and undoes it; milliseconds. */
export function run(resnet: ResNet, { kind, amount }: PruningCase): number {
  const largest = resnet.layer4[0]!.conv2;
  const all = prune.parameters(resnet);
  switch (kind) {
    case 'l1':
    case 'random':
      return timed(all, () => prune.globalUnstructured(all, methods[kind], { amount }));
    case 'local-l1':
      return timed([[largest, 'weight']], () => prune.l1Unstructured(largest, 'weight', amount));
    case 'ln':
      return timed([[largest, 'weight']], () => prune.lnStructured(largest, 'weight', amount, 2, 0));
    case 'peak':
      return process.resourceUsage().maxRSS * 1024;
  }
}

/** Milliseconds of one prediction of a 224×224 image, its output read. */
export async function predict(resnet: tf.LayersModel, image: tf.Tensor): Promise<number> {
  const start = performance.now();
  const logits = resnet.predict(image) as tf.Tensor; // one output, so not a list
  await logits.data();
  logits.dispose();
  return performance.now() - start;
}
