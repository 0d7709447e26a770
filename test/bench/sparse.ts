/** Times pruned ResNet50s on sparse kernels against tfjs's own and prints {@link Row}s as JSON: `sparse.ts ROUNDS`. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { type Acceleration, accelerate, foldBatchNorm, optimizeForInference } from 'tfjs-prune/sparse';
import { model, predict } from './ours';
import { median, milliseconds, type Row } from './report';

const rounds = Number(process.argv[2]);

type Prune = (weights: readonly prune.NamedParameter[], amount: number) => void;

/**
 * Patterns, and how much faster a ResNet50 is to be at which share of zeros. Its weights are torch's initial ones, which
 * are larger in the early layers: ranked globally, these keep most of their weights, and with them most of the
 * multiplications. So every pattern is also tried with the same share in each layer.
 */
const PATTERNS: ReadonlyArray<{ name: string; targets: Readonly<Record<string, number>>; prune: Prune }> = [
  {
    name: 'L1 globally',
    targets: { 0.5: 1.9, 0.7: 3, 0.8: 4.2, 0.9: 8, 0.95: 11 },
    prune: (weights, amount) => prune.globalUnstructured(weights, prune.L1Unstructured, { amount }),
  },
  {
    name: 'L1 in each layer',
    targets: { 0.5: 1.9, 0.7: 3, 0.8: 4.2, 0.9: 8, 0.95: 11 },
    prune: (weights, amount) => {
      for (const [layer, name] of weights) prune.l1Unstructured(layer, name, amount);
    },
  },
  {
    name: 'blocks of 16×1 globally',
    targets: { 0.8: 6, 0.9: 10, 0.95: 13 },
    prune: (weights, amount) => prune.globalBlockStructured(weights, amount, { size: 16 }),
  },
  {
    name: 'blocks of 16×1 in each layer',
    targets: { 0.8: 6, 0.9: 10, 0.95: 13 },
    prune: (weights, amount) => {
      for (const [layer, name] of weights) prune.blockStructured(layer, name, amount, { size: 16 });
    },
  },
];

const dense = await model();
const image = tf.randomUniform([1, 224, 224, 3], -1, 1, 'float32', 0);
const rows: Row[] = [];

/** Medians of predictions by the dense network and by another, in turns. */
async function inTurns(other: tf.LayersModel): Promise<{ before: number; after: number }> {
  const before: number[] = [];
  const after: number[] = [];
  for (let warmup = 0; warmup < 5; warmup++) {
    await predict(dense, image);
    await predict(other, image);
  }
  for (let round = 0; round < 5 * rounds; round++) {
    before.push(await predict(dense, image));
    after.push(await predict(other, image));
  }
  return { before: median(before), after: median(after) };
}

async function compare(what: string, target: string, other: tf.LayersModel): Promise<void> {
  const { before, after } = await inTurns(other);
  rows.push({
    what,
    target,
    ratio: (before / after).toFixed(2),
    torch: '–',
    ours: `${milliseconds(before)} → ${milliseconds(after)}`,
  });
}

const folded = foldBatchNorm(dense);
await compare('ResNet50 with its normalisations folded: dense ÷ folded', '≥ 1.18', folded);
folded.dispose();

for (const { name, targets, prune: apply } of PATTERNS) {
  for (const [amount, target] of Object.entries(targets).sort()) {
    const pruned = await model();
    apply(prune.parameters(pruned), Number(amount));
    const { model: fast, handle } = await optimizeForInference(pruned);
    const left = `${Math.round(100 * multiplicationsLeft(fast, handle))} % of multiplications`;
    await compare(`ResNet50, ${name} at ${amount} (${left}): dense ÷ optimized`, `≥ ${target}`, fast);
    if (name === 'L1 globally' && amount === '0.9') rows.push(await packing(pruned));
    handle.dispose();
    fast.dispose();
    pruned.dispose();
  }
}

/** The share of a network's multiplications that its zeros leave. */
function multiplicationsLeft(network: tf.LayersModel, { layers }: Acceleration): number {
  let [all, left] = [0, 0];
  for (const { layer, size, nonzeros } of layers) {
    const [, height = 1, width = 1] = network.getLayer(layer).outputShape as number[];
    const pixels = network.getLayer(layer).outputShape.length === 4 ? height * width : 1;
    all += pixels * size;
    left += pixels * nonzeros;
  }
  return left / all;
}

/** What packing takes once the engine has compiled it, and how many bytes. */
async function packing(pruned: tf.LayersModel): Promise<Row> {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < 2 + rounds; round++) {
    const start = performance.now();
    const handle = await accelerate(pruned);
    if (round >= 2) times.push(performance.now() - start);
    bytes = handle.bytes / handle.layers.reduce((sum, { nonzeros }) => sum + nonzeros, 0);
    handle.dispose();
  }
  return {
    what: 'accelerate ResNet50 at 0.9: time, and bytes for each weight that is left',
    target: '≤ 300 ms, 8',
    ratio: '–',
    torch: '–',
    ours: `${milliseconds(median(times))}, ${bytes.toFixed(2)}`,
  };
}

console.log(JSON.stringify(rows));
