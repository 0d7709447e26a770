/** Times a ResNet50's training step and prints {@link Row}s as JSON: `training.ts ROUNDS`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { median, milliseconds, type Row } from './report';
import { startTorch } from './torch';
import { makeStep } from './training-step';
import { inTurns } from './turns';

const what = 'ResNet50 training step, 4 images of 64×64';
const rounds = Number(process.argv[2]);

/** After which the cpu backend is no longer waited for: its gradient of filters takes minutes. */
const PATIENCE = 60_000;

/** The milliseconds of a step on tfjs's cpu backend; undefined where it takes longer than is waited for. */
function cpuStep(): number | undefined {
  const script = fileURLToPath(new URL('./training-cpu.ts', import.meta.url));
  const { stdout, status, error, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script], {
    encoding: 'utf8',
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
  });
  if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT') return undefined;
  if (status !== 0) throw new Error(`The step on the cpu backend failed: ${stderr}`);
  return Number(stdout.trim().split('\n').at(-1));
}

/** What a process that only trains has in memory after 2 steps and after 50. */
function memoryRow(optimizer: 'momentum' | 'adam'): Row {
  const script = fileURLToPath(new URL('./training-memory.ts', import.meta.url));
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, optimizer], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`Training with ${optimizer} failed: ${stderr}`);
  // What the script prints last.
  const [early, late] = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as [string, string];
  return {
    what: `${what}: memory after 2 and 50 steps, ${optimizer}`,
    target: 'equal',
    ratio: early === late ? 'equal' : 'differs',
    torch: '–',
    ours: early === late ? early : `${early} → ${late}`,
  };
}

await tf.setBackend('wasm');
registerTrainingKernels();
const step = await makeStep();
const torch = await startTorch();
const ours: number[] = [];
const theirs: number[] = [];
for (let steps = 0; steps < 5 + 3 * rounds; steps++) {
  const isInTurns = torch !== undefined && steps >= 5;
  if (steps === 4) await torch?.run({ kind: 'step' });
  if (isInTurns) theirs.push(await torch.run({ kind: 'step' }));
  const time = await step();
  if (isInTurns || torch === undefined) ours.push(time);
}
torch?.close();
const dense = median(ours);
const [before, after] = await inTurns(2 * rounds, step, await makeStep({ amount: 0.9 }));
const cpu = cpuStep();

const hasTorch = torch !== undefined;
const rows: Row[] = [
  {
    what: `${what}: torch, one thread ÷ ours`,
    target: '≥ 1.5',
    ratio: hasTorch ? (median(theirs) / dense).toFixed(2) : 'no torch',
    torch: hasTorch ? milliseconds(median(theirs)) : '–',
    ours: milliseconds(dense),
  },
  {
    what: `${what}: tfjs's cpu backend (${cpu === undefined ? 'more than ' : ''}${milliseconds(cpu ?? PATIENCE)}) ÷ ours on wasm`,
    target: '≥ 10',
    ratio: `${cpu === undefined ? '> ' : ''}${((cpu ?? PATIENCE) / dense).toFixed(1)}`,
    torch: '–',
    ours: milliseconds(dense),
  },
  {
    what: `${what}: dense ÷ 90 % pruned`,
    target: '≥ 1.5',
    ratio: (before / after).toFixed(2),
    torch: '–',
    ours: `${milliseconds(before)} → ${milliseconds(after)}`,
  },
  memoryRow('momentum'),
  memoryRow('adam'),
];
console.log(JSON.stringify(rows));
