/**
 * `npm run bench [-- --rounds 5] [--only WORD]`: how fast the library is, as ratios of medians taken in turns in one run. Ratios hold
 * where milliseconds do not: both sides see the same machine and the same noise.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import type { ResNet } from 'tfjs-prune/models';
import { model, predict, run } from './ours';
import { type Case, startTorch, type Torch } from './torch';

interface Row {
  readonly what: string;
  readonly target: string;
  readonly ratio: string;
  readonly torch: string;
  readonly ours: string;
}

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', default: '' } },
});
const rounds = Number(options.rounds);

const PREDICT = 'model.predict, 224×224: after pruning ÷ before';
const MEMORY = 'peak memory of the process, global runs: torch ÷ ours';

function isWanted({ what }: { readonly what: string }): boolean {
  return what.includes(options.only);
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const milliseconds = (time: number): string => `${time.toFixed(1)} ms`;
const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

const pruning: ReadonlyArray<{ what: string; target: string; turns: number; cases: readonly Case[] }> = [
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
  for (const { what, target, turns, cases } of pruning.filter(isWanted)) {
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

async function benchMemory(): Promise<Row> {
  const ours = Number(
    execFileSync('npx', ['tsx', 'test/bench/peak.ts'], { encoding: 'utf8' }).trim().split('\n').at(-1),
  );
  const torch = await startTorch();
  const what = MEMORY;
  if (torch === undefined)
    return { what, target: '≥ 2', ratio: 'no torch', torch: '–', ours: megabytes(ours) };
  for (const kind of ['l1', 'random'] as const) {
    for (const amount of [0.2, 0.5, 0.8]) await torch.run({ kind, amount });
  }
  const theirs = await torch.run({ kind: 'peak', amount: 0 });
  torch.close();
  return {
    what,
    target: '≥ 2',
    ratio: (theirs / ours).toFixed(2),
    torch: megabytes(theirs),
    ours: megabytes(ours),
  };
}

const torch = await startTorch();
console.log(
  torch === undefined
    ? "PyTorch was not found: /usr/bin/python3 has no torch and torchvision (Debian's python3-torch and python3-torchvision). Its half is left out."
    : `Against PyTorch ${torch.version}, ${torch.threads} thread(s), taking turns; medians of ${rounds} rounds.`,
);
const resnet = await model();
const rows = await benchPruning(resnet, torch);
torch?.close();
for (const [what, bench] of [
  [PREDICT, () => benchPredict(resnet)],
  [MEMORY, benchMemory],
] as const) {
  if (isWanted({ what })) rows.push(await bench());
}
console.table(rows);
