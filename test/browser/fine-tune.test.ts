import * as tf from '@tensorflow/tfjs';
import { pruneAndFineTune, registerTrainingKernels } from 'tfjs-prune/training';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type BrowserBackend, useBrowserBackend } from '../support/browser';
import { bitsOf, smallData, smallModel } from '../unit/training/small-model';

const PLACE = 'indexeddb://fine-tune-test';
const OPTIONS = { targetSparsity: 0.5, amountPerRound: 0.3, batchSize: 8 };

async function forget(): Promise<void> {
  const kept = Object.keys(await tf.io.listModels()).filter((url) => url.startsWith(PLACE));
  for (const url of kept) await tf.io.removeModel(url);
}

describe.each<BrowserBackend>(['wasm', 'webgl'])('pruneAndFineTune on %s', (backend) => {
  beforeAll(async () => {
    await useBrowserBackend(backend);
    registerTrainingKernels();
    await forget();
  });
  afterEach(forget);

  test('stopped and resumed through IndexedDB equals unbroken to the bit', async () => {
    const examples = smallData();
    const data = { train: examples, validation: examples };
    const unbroken = smallModel(tf.train.momentum(0.05, 0.9));
    await pruneAndFineTune(unbroken, data, OPTIONS);
    const controller = new AbortController();
    const stopped = pruneAndFineTune(smallModel(tf.train.momentum(0.05, 0.9)), data, {
      ...OPTIONS,
      checkpoint: PLACE,
      signal: controller.signal,
      onProgress: ({ steps }) => void (steps === 4 && controller.abort()),
    });
    await expect(stopped).rejects.toThrowError();
    const model = smallModel(tf.train.momentum(0.05, 0.9));
    await pruneAndFineTune(model, data, { ...OPTIONS, checkpoint: PLACE });
    expect(bitsOf(model)).toEqual(bitsOf(unbroken));
  });
});
