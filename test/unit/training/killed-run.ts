/**
 * Prunes and fine-tunes a small model and writes its weights to result.json; for the test that kills it.
 *
 *     tsx killed-run.ts FOLDER [step|save NUMBER]
 *
 * With a number it kills itself: after that step, or half-way through writing that save.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { pruneAndFineTune } from 'tfjs-prune/training';
import { folder } from '../../../examples/file-io';
import { bitsOf, smallData, smallModel } from './small-model';

const [path = '.', how, number] = process.argv.slice(2);
let saves = 0;

function kill(): void {
  process.kill(process.pid, 'SIGKILL');
}

function place(slot: string): tf.io.IOHandler {
  const handler = folder(join(path, slot));
  return {
    ...handler,
    save: async (artifacts) => {
      if (how === 'save' && ++saves === Number(number)) {
        const bytes = tf.io.CompositeArrayBuffer.join(artifacts.weightData);
        await handler.save!({ ...artifacts, weightData: bytes.slice(0, bytes.byteLength / 2) });
        kill();
      }
      return handler.save!(artifacts);
    },
  };
}

async function main(): Promise<void> {
  await tf.setBackend('cpu');
  prune.manualSeed(11);
  const model = smallModel(tf.train.adam(0.01));
  const { xs, ys } = smallData();
  await pruneAndFineTune(
    model,
    { train: { xs, ys }, validation: { xs, ys } },
    {
      targetSparsity: 0.5,
      amountPerRound: 0.3, // 0.3, 0.5: two rounds of two epochs of four batches
      epochs: 2,
      batchSize: 6,
      method: prune.RandomUnstructured,
      checkpoint: place,
      onProgress: ({ phase, steps }) => {
        if (phase !== 'step') return;
        console.log(`step ${steps}`);
        if (how === 'step' && steps === Number(number)) kill();
      },
    },
  );
  await writeFile(join(path, 'result.json'), JSON.stringify(bitsOf(model)));
}

await main();
