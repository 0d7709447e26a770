/** Pruned ResNet50s on sparse kernels against tfjs's own, in Node and in a browser. */
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import {
  type AccelerateOptions,
  type Acceleration,
  accelerate,
  foldBatchNorm,
  optimizeForInference,
} from 'tfjs-prune/sparse';
import { model, predict } from './ours';
import { median, milliseconds, type Row } from './report';
import { worstLayer } from './sparse-layers';
import { inTurns } from './turns';

type Prune = (weights: readonly prune.NamedParameter[], amount: number) => void;

/**
 * Patterns, and how much faster a ResNet50 is to be at which share of zeros. Its weights are torch's initial ones, which
 * are larger in the early layers: ranked globally, these keep most of their weights, and with them most of the
 * multiplications. So every pattern is also tried with the same share in each layer.
 */
const PATTERNS: ReadonlyArray<{ name: string; targets: Readonly<Record<string, number>>; prune: Prune }> = [
  { name: 'nothing pruned', targets: { 0: 1 }, prune: () => undefined },
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

/**
 * Times all of them, on the wasm backend.
 *
 * @param rounds How long each is timed; five predictions a round.
 * @param only Only what has this word in its name.
 * @param report Called with each row as soon as it is known.
 * @param options How the networks are accelerated.
 */
export async function benchSparse(
  rounds: number,
  only: string,
  report: (row: Row) => void,
  options: AccelerateOptions = {},
): Promise<void> {
  const dense = await model();
  const image = tf.randomUniform([1, 224, 224, 3], -1, 1, 'float32', 0);

  async function compare(what: string, target: string, other: tf.LayersModel): Promise<void> {
    const [before, after] = await inTurns(
      5 * rounds,
      () => predict(dense, image),
      () => predict(other, image),
    );
    const times = `${milliseconds(before)} → ${milliseconds(after)}`;
    report({ what, target, ratio: (before / after).toFixed(2), torch: '–', ours: times });
  }

  const folding = 'ResNet50 with its normalisations folded: dense ÷ folded';
  if (folding.includes(only)) {
    const folded = foldBatchNorm(dense);
    await compare(folding, '≥ 1.18', folded);
    folded.dispose();
  }
  for (const { name, targets, prune: apply } of PATTERNS) {
    for (const [amount, target] of Object.entries(targets).sort()) {
      if (!`ResNet50, ${name} at ${amount}`.includes(only)) continue;
      const pruned = await model();
      apply(prune.parameters(pruned), Number(amount));
      const { model: fast, handle } = await optimizeForInference(pruned, options);
      const left = `${Math.round(100 * multiplicationsLeft(fast, handle))} % of multiplications`;
      await compare(`ResNet50, ${name} at ${amount} (${left}): dense ÷ optimized`, `≥ ${target}`, fast);
      if (name === 'L1 globally' && amount === '0.9') report(await packing(pruned, rounds));
      handle.dispose();
      fast.dispose();
      pruned.dispose();
    }
  }
  await benchLayers(only, report);
  image.dispose();
  dense.dispose();
}

/** The least gain of a layer, where half of the weights are left and sparse layers gain little. */
async function benchLayers(only: string, report: (row: Row) => void): Promise<void> {
  for (const measure of [false, true]) {
    const what = `ResNet50, L1 globally at 0.5, layers ${measure ? 'measured' : 'decided by expectation'}`;
    if (!what.includes(only)) continue;
    const [dense, fast] = [await model(), await model()];
    for (const each of [dense, fast]) {
      prune.globalUnstructured(prune.parameters(each), prune.L1Unstructured, { amount: 0.5 });
    }
    const handle = await accelerate(fast, { measure });
    report(worstLayer(what, fast, handle, dense));
    handle.dispose();
    fast.dispose();
    dense.dispose();
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
async function packing(pruned: tf.LayersModel, rounds: number): Promise<Row> {
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
