/**
 * What pruning costs and gains: a small ResNet, trained on handwritten digits, pruned by several methods to several
 * sparsities and fine-tuned, as a table of accuracies, sizes and times.
 *
 *     npm run digits -- [--quick] [--methods l1,global] [--sparsities 0.5,0.9] [--epochs 1] [--images 7001] [--seed 0]
 *                       [--weights FILE] [--save FOLDER] [--out FILE]
 *
 * --quick takes few digits, two methods and one sparsity: seconds in place of minutes. --images is how many digits it
 * fine-tunes with. --weights are those of a network that examples/digits/train.ts trained. --save keeps the pruned
 * networks, one folder each, with what was done to them in their metadata; --out keeps the results as JSON.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { SingleBar } from 'cli-progress';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { readSafetensors } from 'tfjs-prune/weights';
import { denseNetwork, measure, pruneAndMeasure, type Setting, TIMED } from './digits/compare';
import { loadDigits, someOf } from './digits/data';
import { BATCH } from './digits/fit';
import { isMethodName, type MethodName, TITLES } from './digits/methods';
import { machine, type Pruned, type Results } from './digits/results';
import { markdownTable } from './digits/table';
import { folder } from './file-io';
import { wholeNumber } from './whole-number';

const ALL_METHODS = Object.keys(TITLES).join(',');
const EVERY = '10000';
const QUICK = { methods: 'global,scheduled', sparsities: '0.9', images: '640', tested: 500 };

interface Options {
  readonly methods: readonly MethodName[];
  readonly sparsities: readonly number[];
  readonly epochs: number;
  /** How many digits to fine-tune with, and to test with. */
  readonly images: number;
  readonly tested: number;
  readonly seed: number;
  readonly weights: string;
  readonly save: string | undefined;
  readonly out: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      methods: { type: 'string' },
      sparsities: { type: 'string' },
      epochs: { type: 'string', default: '1' },
      images: { type: 'string' },
      seed: { type: 'string', default: '0' },
      weights: { type: 'string' },
      save: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const { quick, weights, save, out } = values;
  return {
    methods: methodsIn(values.methods ?? (quick ? QUICK.methods : ALL_METHODS)),
    sparsities: sparsitiesIn(values.sparsities ?? (quick ? QUICK.sparsities : '0.5,0.8,0.9,0.95')),
    epochs: wholeNumber('epochs', values.epochs),
    images: wholeNumber('images', values.images ?? (quick ? QUICK.images : EVERY), BATCH),
    tested: quick ? QUICK.tested : Number.POSITIVE_INFINITY,
    seed: wholeNumber('seed', values.seed, 0),
    weights: weights ?? fileURLToPath(new URL('digits/resnet8.safetensors', import.meta.url)),
    save,
    out,
  };
}

function methodsIn(given: string): MethodName[] {
  return given.split(',').map((name) => {
    if (isMethodName(name)) return name;
    throw new Error(`--methods must be some of ${ALL_METHODS}, with commas between, but got '${name}'.`);
  });
}

function sparsitiesIn(given: string): number[] {
  return given.split(',').map((text) => {
    const sparsity = Number(text);
    if (text.trim() !== '' && sparsity > 0 && sparsity < 1) return sparsity;
    throw new Error(
      `--sparsities must be fractions between 0 and 1, with commas between, but got '${text}'.`,
    );
  });
}

/** The networks of a table, one after the other, each saved if that is asked for. */
async function prunedNetworks(
  options: Options,
  dense: number,
  setting: Setting,
  keep: (results: readonly Pruned[]) => Promise<void>,
): Promise<Pruned[]> {
  const { methods, sparsities, save } = options;
  const results: Pruned[] = [];
  const bar = new SingleBar({
    format: 'Pruning and fine-tuning {bar} {value}/{total} networks, {eta_formatted} left',
    noTTYOutput: true,
    notTTYSchedule: 30_000,
  });
  bar.start(methods.length * sparsities.length, 0);
  try {
    for (const method of methods) {
      for (const sparsity of sparsities) {
        const { model, result } = await pruneAndMeasure(method, sparsity, dense, setting);
        if (save !== undefined) await model.save(folder(join(save, `${method}-${sparsity}`)));
        model.dispose();
        results.push(result);
        await keep(results);
        bar.increment();
      }
    }
  } finally {
    bar.stop();
  }
  return results;
}

/** How much a global pruning of 90 % cost, if it is in the table. */
function conclusion({ dense, pruned }: Results): string {
  const found = pruned.find(({ method, asked }) => method === 'global' && asked === 0.9);
  if (found === undefined) return '';
  const points = (100 * (dense.accuracy - found.accuracy)).toFixed(2);
  return `\nWithout 90 % of its weights the network is right ${points} points less often (L1, global).`;
}

async function main(): Promise<void> {
  const options = readOptions();
  const { epochs, seed, images, tested } = options;
  await tf.setBackend('wasm');
  registerTrainingKernels();
  const weights = await readSafetensors(options.weights);
  const digits = loadDigits();
  const [training, test] = [someOf(digits.training, images), someOf(digits.test, tested)];
  const setting: Setting = { weights, training, test, epochs, seed };
  const model = denseNetwork(setting);
  const dense = await measure(model, setting);
  model.dispose();
  const counts = { training: training.labels.length, test: test.labels.length, batch: TIMED };
  const conditions = { ...machine(), seed, epochs, digits: counts };
  const resultsOf = (pruned: readonly Pruned[]): Results => ({ conditions, dense, pruned });
  // After each network, so that a run that is broken off has not been for nothing.
  const keep = async (pruned: readonly Pruned[]): Promise<void> => {
    if (options.out === undefined) return;
    await writeFile(options.out, `${JSON.stringify(resultsOf(pruned), undefined, 2)}\n`);
  };
  const results = resultsOf(await prunedNetworks(options, dense.accuracy, setting, keep));
  console.log(`\n${markdownTable(results)}\n${conclusion(results)}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
