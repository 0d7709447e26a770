/**
 * Trains the network of `npm run digits` from a seed and writes its weights:
 *
 *     npx tsx examples/digits/train.ts [--epochs 10] [--seed 0] [--out examples/digits/resnet8.safetensors]
 *
 * Epochs and learning rate were chosen by the validation's accuracy, which it prints after each epoch. How it does on the
 * test is printed at the end; that was looked at once before images were shifted in training, and once after.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { stateDict, writeSafetensors } from 'tfjs-prune/weights';
import { wholeNumber } from '../whole-number';
import { loadDigits } from './data';
import { accuracyOf, trainNetwork } from './fit';
import { resnet8 } from './network';

const LEARNING_RATE = 0.05;

interface Options {
  readonly epochs: number;
  readonly seed: number;
  /** The file to write. */
  readonly out: string;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      epochs: { type: 'string', default: '10' },
      seed: { type: 'string', default: '0' },
      out: { type: 'string', default: fileURLToPath(new URL('resnet8.safetensors', import.meta.url)) },
    },
  });
  const epochs = wholeNumber('epochs', values.epochs);
  return { epochs, seed: wholeNumber('seed', values.seed, 0), out: values.out };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

async function main(): Promise<void> {
  const { epochs, seed, out } = readOptions();
  await tf.setBackend('wasm');
  registerTrainingKernels();
  const { training, validation, test } = loadDigits();
  const model = resnet8(seed);
  console.log(
    `${model.countParams().toLocaleString('en')} parameters, ${training.labels.length} digits to learn from.`,
  );
  const onEpoch = (epoch: number, loss: number): void => {
    const right = percent(accuracyOf(model, validation));
    console.log(`Epoch ${epoch + 1}: loss ${loss.toFixed(4)}, validation ${right}`);
  };
  await trainNetwork(model, training, { epochs, learningRate: LEARNING_RATE, seed, onEpoch });
  console.log(`Test: ${percent(accuracyOf(model, test))}`);
  await writeSafetensors(stateDict(model), out);
  console.log(`Written to ${out}`);
  model.dispose();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
