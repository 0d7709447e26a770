/**
 * What a ResNet sees in images, before and after pruning:
 *
 *     npm run classify -- IMAGE… [--model resnet50] [--weights DEFAULT|FILE] [--prune 0.8]
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { IMAGENET_CATEGORIES } from 'tfjs-prune/models';
import { decode } from './decode';
import { downloadBar } from './download-bar';
import { isModelName, MODELS, type ModelName, preprocessingFor } from './pretrained';

const USAGE = 'npm run classify -- IMAGE… [--model resnet50] [--weights DEFAULT|FILE] [--prune 0.8]';
const SHOWN = 5;

interface Options {
  readonly paths: readonly string[];
  readonly model: ModelName;
  readonly weights: string;
  /** The fraction of all weights to prune. */
  readonly fraction: number;
}

/** A class and how probable it is. */
interface Guess {
  readonly name: string;
  readonly probability: number;
}

/** What the command line asks for; undefined for help. */
function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: 'string', default: 'resnet50' },
      weights: { type: 'string', default: 'DEFAULT' },
      prune: { type: 'string', default: '0.8' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { model, weights } = values;
  const fraction = Number(values.prune);
  if (positionals.length === 0) throw new Error(`No image is given. Usage: ${USAGE}`);
  if (!isModelName(model)) {
    throw new Error(`--model must be one of ${Object.keys(MODELS).join(', ')}, but got '${model}'.`);
  }
  if (values.prune.trim() === '' || !(fraction >= 0 && fraction <= 1)) {
    throw new Error(`--prune must be a fraction from 0 to 1, but got '${values.prune}'.`);
  }
  return { paths: positionals, model, weights, fraction };
}

async function load({ model, weights }: Options): Promise<tf.LayersModel> {
  const bar = downloadBar(`${model} ${weights}`);
  try {
    return await MODELS[model].build({ weights, onProgress: bar.onProgress });
  } finally {
    bar.stop();
  }
}

async function classify(model: tf.LayersModel, image: tf.Tensor3D): Promise<Guess[]> {
  const [values, indices] = tf.tidy(() => {
    const logits = model.predict(image.expandDims()) as tf.Tensor; // one output, so not a list
    const top = tf.topk(logits.softmax().squeeze(), SHOWN);
    return [top.values, top.indices] as const;
  });
  const [probabilities, classes] = await Promise.all([values.data(), indices.data()]);
  tf.dispose([values, indices]);
  return Array.from(classes, (index, i) => ({
    name: IMAGENET_CATEGORIES[index]!,
    probability: probabilities[i]!,
  }));
}

async function classifyAll(model: tf.LayersModel, images: readonly tf.Tensor3D[]): Promise<Guess[][]> {
  const guesses: Guess[][] = [];
  for (const image of images) guesses.push(await classify(model, image));
  return guesses;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Two lists of guesses side by side. */
function table(before: readonly Guess[], after: readonly Guess[], fraction: number): string {
  const width = Math.max(...[...before, ...after].map(({ name }) => name.length));
  const cell = ({ name, probability }: Guess): string =>
    `${name.padEnd(width)}  ${percent(probability).padStart(7)}`;
  const head = `     ${'before pruning'.padEnd(width + 9)}    after pruning ${percent(fraction)}`;
  const rows = before.map((guess, i) => `  ${i + 1}  ${cell(guess)}    ${cell(after[i]!)}`);
  return [head, ...rows].join('\n');
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) {
    console.log(`Usage: ${USAGE}\nModels: ${Object.keys(MODELS).join(', ')}`);
    return;
  }
  const { paths, fraction } = options;
  const pixels = await Promise.all(paths.map(decode));
  await tf.setBackend('wasm');
  const model = await load(options);
  const images = pixels.map(preprocessingFor(options.model, options.weights));
  const before = await classifyAll(model, images);
  prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: { fraction } });
  const after = await classifyAll(model, images);
  for (const [i, path] of paths.entries()) {
    console.log(`\n${basename(path)}\n${table(before[i]!, after[i]!, fraction)}`);
  }
  const { zeros, size } = prune.sparsity(model);
  console.log(`\n${zeros.toLocaleString('en')} of ${size.toLocaleString('en')} weights were pruned.`);
  tf.dispose(images);
  model.dispose();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
