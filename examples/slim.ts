/**
 * Channels removed for real: a ResNet50 at half of its multiply-accumulates, timed, saved, and loaded by stock tfjs; then a
 * small network that reads handwritten digits, with what that costs in accuracy and what fine-tuning brings back.
 *
 *     npm run slim -- [--weights resnet50.pth] [--macs 0.5] [--side 64] [--epochs 1] [--images 7001] [--save FOLDER]
 *
 * Without --weights the ResNet50's are random; its speed does not depend on them. --macs is the share that is left, --side the
 * height and width of its images, --epochs and --images how long and with how many digits the small network is fine-tuned.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { resnet50 } from 'tfjs-prune/models';
import { applyPlan, explain, planChannels, summary } from 'tfjs-prune/structured';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { loadStateDict, readSafetensors } from 'tfjs-prune/weights';
import { loadDigits, someOf } from './digits/data';
import { accuracyOf, BATCH, trainNetwork } from './digits/fit';
import { resnet8 } from './digits/network';
import { folder } from './file-io';
import { wholeNumber } from './whole-number';

const TIMED = { wasm: 15, cpu: 2 } as const;
const LEARNING_RATE = 0.05;

interface Options {
  readonly weights: string | undefined;
  readonly macs: number;
  readonly side: number;
  readonly epochs: number;
  readonly images: number;
  readonly save: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      weights: { type: 'string' },
      macs: { type: 'string', default: '0.5' },
      side: { type: 'string', default: '64' },
      epochs: { type: 'string', default: '1' },
      images: { type: 'string', default: '10000' },
      save: { type: 'string' },
    },
  });
  const { weights, save } = values;
  return {
    weights,
    macs: Number(values.macs),
    side: wholeNumber('side', values.side, 32),
    epochs: wholeNumber('epochs', values.epochs),
    images: wholeNumber('images', values.images, BATCH),
    save,
  };
}

async function logitsOf(model: tf.LayersModel, images: tf.Tensor): Promise<Float32Array> {
  const logits = model.predict(images) as tf.Tensor; // one output, so not a list
  const values = await logits.data<'float32'>();
  logits.dispose();
  return values;
}

/** The quickest of some predictions by each model, in turns, in milliseconds. */
async function latencies(
  models: readonly tf.LayersModel[],
  images: tf.Tensor,
  rounds: number,
): Promise<number[]> {
  const best = models.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, model] of models.entries()) {
      const start = performance.now();
      await logitsOf(model, images);
      best[i] = Math.min(best[i]!, performance.now() - start);
    }
  }
  return best;
}

const millions = (count: number): string => `${(count / 1e6).toFixed(1)} M`;

async function printTable(dense: tf.LayersModel, slim: tf.LayersModel, side: number): Promise<void> {
  const models = [dense, slim];
  const images = tf.randomUniform([1, side, side, 3], -1, 1, 'float32', 0);
  const counts = models.map((model) => summary(model));
  const rows: Record<string, string[]> = {
    parameters: counts.map(({ parameters }) => millions(parameters)),
    'multiply-accumulates': counts.map(({ macs }) => millions(macs)),
  };
  for (const backend of ['wasm', 'cpu'] as const) {
    await tf.setBackend(backend);
    const times = await latencies(models, images, TIMED[backend]);
    rows[`a prediction on ${backend}`] = times.map((time) => `${time.toFixed(1)} ms`);
  }
  await tf.setBackend('wasm');
  images.dispose();
  console.table(
    Object.fromEntries(Object.entries(rows).map(([what, [before, after]]) => [what, { before, after }])),
  );
}

async function saveAndLoad(model: tf.LayersModel, path: string, side: number): Promise<void> {
  await model.save(folder(path));
  const loaded = await tf.loadLayersModel(folder(path));
  const images = tf.randomUniform([2, side, side, 3], -1, 1, 'float32', 1);
  const [before, after] = [await logitsOf(model, images), await logitsOf(loaded, images)];
  const isEqual = before.every((logit, i) => logit === after[i]);
  console.log(
    `Saved to ${path}, loaded by tf.loadLayersModel: outputs are ${isEqual ? 'equal' : 'NOT equal'}.`,
  );
  images.dispose();
  loaded.dispose();
  if (!isEqual) throw new Error('The loaded model differs from the saved one.');
}

async function slimResNet50({ weights, macs, side, save }: Options): Promise<void> {
  const from = weights === undefined ? { seed: 0 } : { weights };
  const dense = await resnet50({ ...from, inputShape: [side, side, 3] });
  const plan = await planChannels(dense, { targetMacs: macs, importance: 'l2' });
  console.log(explain(plan));
  const { model: slim } = applyPlan(dense, plan);
  console.log(
    `\nResNet50, one image of ${side}×${side}, the quickest of ${TIMED.wasm} and of ${TIMED.cpu} runs:`,
  );
  await printTable(dense, slim, side);
  await saveAndLoad(slim, save ?? (await mkdtemp(join(tmpdir(), 'resnet50-slim-'))), side);
  slim.dispose();
  dense.dispose();
}

async function slimDigits({ macs, epochs, images }: Options): Promise<void> {
  const { training, test } = loadDigits();
  const dense = resnet8(0);
  const file = fileURLToPath(new URL('digits/resnet8.safetensors', import.meta.url));
  loadStateDict(dense, await readSafetensors(file));
  const samples = tf.tidy(() => tf.tensor4d(someOf(training, BATCH).images, [BATCH, 28, 28, 1]));
  const plan = await planChannels(dense, {
    targetMacs: macs,
    importance: 'activation',
    samples,
    global: true,
  });
  samples.dispose();
  const { model: slim } = applyPlan(dense, plan);
  const [before, removed] = [accuracyOf(dense, test), accuracyOf(slim, test)];
  await trainNetwork(slim, someOf(training, images), { epochs, learningRate: LEARNING_RATE, seed: 0 });
  const tuned = accuracyOf(slim, test);
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const [whole, left] = [summary(dense), summary(slim)];
  console.log(
    `A ResNet of eight layers for digits, from ${millions(whole.macs)} to ${millions(left.macs)} multiply-accumulates and from ${whole.parameters.toLocaleString('en')} to ${left.parameters.toLocaleString('en')} parameters:`,
  );
  console.log(
    `it is right about ${percent(before)} of ${test.labels.length} digits before, ${percent(removed)} after removal, ${percent(tuned)} after fine-tuning.`,
  );
  slim.dispose();
  dense.dispose();
}

async function main(): Promise<void> {
  const options = readOptions();
  await tf.setBackend('wasm');
  registerTrainingKernels();
  console.log('1. A ResNet50 with fewer channels\n');
  await slimResNet50(options);
  console.log('\n2. What it costs: handwritten digits\n');
  await slimDigits(options);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
