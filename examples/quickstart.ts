/**
 * The whole job on a ResNet50: load, prune, look, fine-tune, prune everything, make it permanent, save, load.
 *
 *     npm run quickstart -- [--weights resnet50.pth | --random] [--save FOLDER] [--epochs 2] [--batches 5] [--freeze-bn]
 *
 * Without --weights the weights are torchvision's pretrained ones, from torch's cache or downloaded. With --random they are
 * drawn at random, and nothing is downloaded. With --freeze-bn fine-tuning keeps the statistics, scales and shifts of the
 * batch normalisations as they are.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { SingleBar } from 'cli-progress';
import * as prune from 'tfjs-prune';
import { type ResNet, ResNet50_Weights, resnet50 } from 'tfjs-prune/models';
import { freezeBatchNorm, registerTrainingKernels } from 'tfjs-prune/training';
import { digits } from './digits-data';
import { downloadBar } from './download-bar';
import { folder } from './file-io';
import { wholeNumber } from './whole-number';

const SIDE = 64;
const CLASSES = 1000;
const BATCH = 10; // one of each digit
const LEARNING_RATE = 0.002;
const PATIENCE = 10_000; // milliseconds until the first bytes of a download

interface Options {
  readonly weights: string | undefined;
  readonly random: boolean;
  readonly save: string | undefined;
  readonly epochs: number;
  readonly batches: number;
  readonly freezeBn: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      weights: { type: 'string' },
      random: { type: 'boolean', default: false },
      save: { type: 'string' },
      epochs: { type: 'string', default: '2' },
      batches: { type: 'string', default: '5' },
      'freeze-bn': { type: 'boolean', default: false },
    },
  });
  const { weights, random, save } = values;
  if (weights !== undefined && random) throw new Error('--weights and --random exclude each other.');
  const epochs = wholeNumber('epochs', values.epochs);
  const batches = wholeNumber('batches', values.batches);
  return { weights, random, save, epochs, batches, freezeBn: values['freeze-bn'] };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function heading(text: string): void {
  console.log(`\n${text}`);
}

/** Pretrained weights, from the cache or downloaded; undefined if they cannot be had, which it explains. */
async function pretrained(inputShape: readonly [number, number, 3]): Promise<ResNet | undefined> {
  const { name, url } = ResNet50_Weights.DEFAULT;
  const bar = downloadBar(`resnet50 ${name}`);
  const patience = new AbortController();
  const timer = setTimeout(() => {
    patience.abort(new Error(`Nothing of ${url} has come for ${PATIENCE / 1000} seconds.`));
  }, PATIENCE);
  const onProgress = (fraction: number): void => {
    if (fraction > 0) clearTimeout(timer);
    bar.onProgress(fraction);
  };
  try {
    return await resnet50({ weights: 'DEFAULT', inputShape, onProgress, signal: patience.signal });
  } catch (error) {
    const isOffline = patience.signal.aborted || prune.isPruneError(error, 'network');
    if (!isOffline || !(error instanceof Error)) throw error;
    console.log(error.message);
    return undefined;
  } finally {
    clearTimeout(timer);
    bar.stop();
  }
}

async function load({ weights, random }: Options): Promise<ResNet> {
  const inputShape = [SIDE, SIDE, 3] as const;
  if (weights !== undefined) {
    console.log(`Weights from ${weights}.`);
    return resnet50({ weights, inputShape });
  }
  const model = random ? undefined : await pretrained(inputShape);
  if (model !== undefined) {
    console.log(`torchvision's pretrained weights, ${ResNet50_Weights.DEFAULT.name}.`);
    return model;
  }
  console.log('Random weights: those that PyTorch initialises with after manual_seed(0).');
  return resnet50({ seed: 0, inputShape });
}

function pruneFirstLayer(model: ResNet): void {
  prune.manualSeed(0);
  prune.randomUnstructured(model.conv1, 'weight', 0.2);
  const weight = prune.parameter(model.conv1, 'weight');
  tf.tidy(() => weight.slice([0, 0, 0, 0], [1, 1, 7, 7]).reshape([7, 7]).print());
  weight.dispose();
  const { zeros, size, sparsity } = prune.sparsity(model.conv1, 'weight');
  console.log(
    `conv1: ${zeros.toLocaleString('en')} of ${size.toLocaleString('en')} weights are zero (${percent(sparsity)}).`,
  );
}

async function fineTune(model: ResNet, { epochs, batches, freezeBn }: Options): Promise<void> {
  if (freezeBn)
    console.log(`Batch normalisations that stay as they are: ${freezeBatchNorm(model).layers.length}.`);
  const bar = new SingleBar({
    format: '{bar} {value}/{total} batches, loss {loss}',
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  const losses: number[] = [];
  bar.start(epochs * batches, 0, { loss: '–' });
  model.compile({
    optimizer: tf.train.momentum(LEARNING_RATE, 0.9),
    loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
  });
  await model.fitDataset(digits(SIDE, CLASSES).batch(BATCH), {
    epochs,
    batchesPerEpoch: batches,
    verbose: 0,
    callbacks: {
      onBatchEnd: async (_batch, logs) => {
        losses.push(logs?.loss ?? Number.NaN);
        bar.increment({ loss: losses.at(-1)?.toFixed(3) });
      },
    },
  });
  bar.stop();
  console.log(`Loss per batch: ${losses.map((loss) => loss.toFixed(2)).join(', ')}.`);
  if (!(losses.at(-1)! < losses[0]!)) throw new Error('The loss has not fallen.');
}

function checkStillPruned(model: ResNet): void {
  const { zeros } = prune.sparsity(model.conv1, 'weight');
  console.log(`conv1 after training: ${zeros.toLocaleString('en')} weights are exactly zero.`);
  if (zeros !== 1882) throw new Error('Training has revived pruned weights.');
}

function pruneEverything(model: ResNet): void {
  prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
  console.table(
    prune.parameters(model).map(([layer, name]) => {
      const { zeros, size, sparsity } = prune.sparsity(layer, name);
      return {
        parameter: `${layer.name}.${name}`,
        size,
        zeros,
        sparsity: percent(sparsity),
      };
    }),
  );
  const { zeros, size, sparsity } = prune.sparsity(model);
  console.log(
    `ResNet50: ${zeros.toLocaleString('en')} of ${size.toLocaleString('en')} weights are zero (${percent(sparsity)}).`,
  );
  if (prune.sparsity(model.fc, 'weight').sparsity === 1) {
    console.log(
      'All of fc is below the cut: PyTorch initialises it within ±1/√2048 = ±0.022. The logits are its bias alone now.',
    );
  }
}

async function sameWeights(a: tf.LayersModel, b: tf.LayersModel): Promise<boolean> {
  const others = b.getWeights();
  const same = await Promise.all(
    a.getWeights().map(async (weight, i) => {
      const [left, right] = await Promise.all([weight.data(), others[i]!.data()]);
      return left.every((value, n) => value === right[n]);
    }),
  );
  return same.every(Boolean);
}

async function logitsOf(model: tf.LayersModel, images: tf.Tensor): Promise<Float32Array> {
  const logits = model.predict(images) as tf.Tensor; // one output, so not a list
  const values = await logits.data<'float32'>();
  logits.dispose();
  return values;
}

async function saveAndLoad(model: ResNet, path: string): Promise<void> {
  for (const [layer, name] of prune.parameters(model)) prune.remove(layer, name);
  await model.save(folder(path));
  const loaded = await tf.loadLayersModel(folder(path));
  const images = tf.randomUniform([2, SIDE, SIDE, 3], -1, 1, 'float32', 0);
  const before = await logitsOf(model, images);
  const after = await logitsOf(loaded, images);
  const equal = before.every((logit, i) => logit === after[i]) && (await sameWeights(model, loaded));
  console.log(
    `Saved to ${path}, loaded by tf.loadLayersModel: weights and outputs are ${equal ? 'equal' : 'NOT equal'}.`,
  );
  images.dispose();
  loaded.dispose();
  if (!equal) throw new Error('The loaded model differs from the saved one.');
}

async function main(): Promise<void> {
  const options = readOptions();
  await tf.setBackend('wasm');
  registerTrainingKernels();

  heading('1. Build ResNet50');
  const model = await load(options);

  heading("2. Prune conv1's weight by 20 %; its first filter's first channel:");
  pruneFirstLayer(model);

  heading('3. Fine-tune on handwritten digits');
  await fineTune(model, options);
  checkStillPruned(model);

  heading('4. Prune all 54 weights together by 80 %');
  pruneEverything(model);

  heading('5. Make it permanent, save, load');
  await saveAndLoad(model, options.save ?? (await mkdtemp(join(tmpdir(), 'resnet50-pruned-'))));
  model.dispose();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
