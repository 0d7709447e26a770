/** Times PyTorch and this library in turns and prints a {@link Speed} as JSON: `speed.ts ROUNDS WORD`. */
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import type { ResNet } from 'tfjs-prune/models';
import { model, predict, run } from './ours';
import { median, milliseconds, type Row, type Speed } from './report';
import { type PruningCase, startTorch, type Torch } from './torch';

const rounds = Number(process.argv[2]);
const only = process.argv[3] ?? '';

const PREDICT = 'model.predict, 224×224: after pruning ÷ before';

const pruning: ReadonlyArray<{ what: string; target: string; turns: number; cases: readonly PruningCase[] }> =
  [
    ...[
      { kind: 'l1' as const, target: '≥ 15' },
      { kind: 'random' as const, target: '≥ 6' },
    ].map(({ kind, target }) => ({
      what: `globalUnstructured ${kind}, ResNet50's 54 weights, .2/.5/.8: torch ÷ ours`,
      target,
      turns: 1,
      cases: [0.2, 0.5, 0.8].map((amount) => ({ kind, amount })),
    })),
    {
      what: 'l1Unstructured, 2,359,296 weights, .2/.5/.8: torch ÷ ours',
      target: '≥ 8',
      turns: 3,
      cases: [0.2, 0.5, 0.8].map((amount) => ({ kind: 'local-l1', amount })),
    },
    {
      what: 'lnStructured n = 2, the same weights: torch ÷ ours',
      target: '≥ 0.8',
      turns: 10,
      cases: [{ kind: 'ln', amount: 0.5 }],
    },
  ];

async function benchPruning(resnet: ResNet, torch: Torch | undefined): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { what, target, turns, cases } of pruning.filter(({ what }) => what.includes(only))) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (const question of cases) run(resnet, question);
    for (let round = 0; round < rounds * turns; round++) {
      for (const question of cases) {
        if (torch !== undefined) theirs.push(await torch.run(question));
        ours.push(run(resnet, question));
      }
    }
    rows.push({
      what,
      target,
      ratio: torch === undefined ? 'no torch' : (median(theirs) / median(ours)).toFixed(2),
      torch: torch === undefined ? '–' : milliseconds(median(theirs)),
      ours: milliseconds(median(ours)),
    });
  }
  return rows;
}

async function benchPredict(dense: ResNet): Promise<Row> {
  const pruned = await model();
  prune.globalUnstructured(prune.parameters(pruned), prune.L1Unstructured, { amount: 0.8 });
  const image = tf.randomUniform([1, 224, 224, 3], -1, 1, 'float32', 0);
  const before: number[] = [];
  const after: number[] = [];
  for (let warmup = 0; warmup < 3; warmup++) {
    await predict(dense, image);
    await predict(pruned, image);
  }
  for (let round = 0; round < rounds * 6; round++) {
    before.push(await predict(dense, image));
    after.push(await predict(pruned, image));
  }
  image.dispose();
  pruned.dispose();
  return {
    what: PREDICT,
    target: '≤ 1.02',
    ratio: (median(after) / median(before)).toFixed(3),
    torch: '–',
    ours: `${milliseconds(median(before))} → ${milliseconds(median(after))}`,
  };
}

const torch = await startTorch();
const resnet = await model();
const rows = await benchPruning(resnet, torch);
torch?.close();
if (PREDICT.includes(only)) rows.push(await benchPredict(resnet));
const speed: Speed = {
  torch: torch === undefined ? null : { version: torch.version, threads: torch.threads },
  rows,
};
console.log(JSON.stringify(speed));
