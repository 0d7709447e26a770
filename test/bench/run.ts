/**
 * `npm run bench [-- --rounds 5] [--only WORD] [--keep-memory]`: how fast the library is, as ratios of medians taken in
 * turns in one run. Ratios hold where milliseconds do not: both sides see the same machine and the same noise.
 * `--keep-memory` tells glibc on both sides to keep freed memory for itself, so that neither pays for fresh pages again
 * and again.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Loading, megabytes, milliseconds, type Row, type Speed } from './report';
import { startTorch } from './torch';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    'keep-memory': { type: 'boolean', default: false },
  },
});
const keepMemory = options['keep-memory'];
// Both sides are started with this process's environment.
if (keepMemory) for (const what of ['TRIM', 'MMAP']) process.env[`MALLOC_${what}_THRESHOLD_`] = '8000000000';

/** Runs a script in a process of its own and reads the last line that it prints. */
function runScript(name: string, args: readonly string[] = []): unknown {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const printed = execFileSync(process.execPath, ['--import', 'tsx', script, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '');
}

async function torchPeak(): Promise<number | undefined> {
  const torch = await startTorch();
  if (torch === undefined) return undefined;
  for (const kind of ['l1', 'random'] as const) {
    for (const amount of [0.2, 0.5, 0.8]) await torch.run({ kind, amount });
  }
  const peak = await torch.run({ kind: 'peak', amount: 0 });
  torch.close();
  return peak;
}

async function benchMemory(what: string): Promise<Row> {
  const ours = Number(runScript('./peak.ts'));
  const theirs = await torchPeak();
  return {
    what,
    target: '≥ 2',
    ratio: theirs === undefined ? 'no torch' : (theirs / ours).toFixed(2),
    torch: theirs === undefined ? '–' : megabytes(theirs),
    ours: megabytes(ours),
  };
}

async function benchGraph(what: string): Promise<Row> {
  const time = Number(runScript('./graph.ts'));
  return { what, target: '≤ 600 ms', ratio: '–', torch: '–', ours: milliseconds(time) };
}

async function benchResize(what: string): Promise<Row> {
  const time = Number(runScript('./resize.ts', [options.rounds]));
  return { what, target: '≤ 20 ms', ratio: '–', torch: '–', ours: milliseconds(time) };
}

async function benchLoading(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-bench-'));
  try {
    // The script's own contract, at its end.
    const loading = runScript('./loading.ts', [options.rounds, folder]) as Loading;
    const speed = (['pth', 'safetensors'] as const).map((format): Row => {
      const ratio = loading.torch === null ? 'no torch' : (loading.torch / loading[format]).toFixed(2);
      return {
        what: `ResNet50 from a .${format} of 102 MB, ready to predict: torch ÷ ours`,
        target: '≥ 0.5',
        ratio,
        torch: loading.torch === null ? '–' : milliseconds(loading.torch),
        ours: milliseconds(loading[format]),
      };
    });
    const memory = (['pth', 'safetensors'] as const).map((format): Row => {
      const peak = Number(runScript('./loading-peak.ts', [loading.files[format]]));
      const ratio = (peak / statSync(loading.files[format]).size).toFixed(2);
      return {
        what: `extra peak memory while loading it from .${format} ÷ the file's size`,
        target: '≤ 2.2',
        ratio,
        torch: '–',
        ours: megabytes(peak),
      };
    });
    return [...speed, ...memory];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// The script's own contract, at the end of speed.ts.
const speed = runScript('./speed.ts', [options.rounds, options.only]) as Speed;
console.log(
  speed.torch === null
    ? "PyTorch was not found: /usr/bin/python3 has no torch and torchvision (Debian's python3-torch and python3-torchvision). Its half is left out."
    : `Against PyTorch ${speed.torch.version}, ${speed.torch.threads} thread(s), taking turns; medians of ${options.rounds} rounds.`,
);
console.log(
  keepMemory
    ? 'Both keep the memory that they free (glibc).'
    : "Memory as the system's allocator has it by default.",
);
const rows = [...speed.rows];
for (const [what, bench] of [
  ['peak memory of the process, global runs: torch ÷ ours', benchMemory],
  ["ResNet50's graph alone, in a new process", benchGraph],
  ["imagenetTransforms, PIL's resize 500×375 → 256 on wasm", benchResize],
] as const) {
  if (what.includes(options.only)) rows.push(await bench(what));
}
if ('sparse'.includes(options.only)) rows.push(...(runScript('./sparse.ts', [options.rounds]) as Row[]));
if ('sparse-more'.includes(options.only))
  rows.push(...(runScript('./sparse-more.ts', [options.rounds]) as Row[]));
// It takes a quarter of an hour, so only where it is asked for.
if (options.only === 'sparse-each') rows.push(...(runScript('./sparse-each.ts', [options.rounds]) as Row[]));
if ('sparse-onnx'.includes(options.only)) {
  rows.push(...(runScript('./onnx/compare.ts', [options.rounds]) as Row[]));
}
if ('structured slim'.includes(options.only)) {
  rows.push(...(runScript('./slim.ts', [options.rounds]) as Row[]));
}
if ('training'.includes(options.only)) rows.push(...(runScript('./training.ts', [options.rounds]) as Row[]));
if ('ResNet50 loading'.includes(options.only)) rows.push(...(await benchLoading()));
console.table(rows);
