import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'killed-run-'));
afterAll(() => rmSync(root, { recursive: true }));

interface Outcome {
  readonly signal: string | null;
  /** The steps that it has made. */
  readonly steps: readonly number[];
  readonly result: string | undefined;
}

function run(name: string, ...args: string[]): Outcome {
  const folder = join(root, name);
  const script = join(import.meta.dirname, 'killed-run.ts');
  const { signal, stdout } = spawnSync(process.execPath, ['--import', 'tsx', script, folder, ...args], {
    encoding: 'utf8',
  });
  const path = join(folder, 'result.json');
  return {
    signal,
    steps: [...stdout.matchAll(/step (\d+)/g)].map(([, step]) => Number(step)),
    result: existsSync(path) ? readFileSync(path, 'utf8') : undefined,
  };
}

let unbroken: Outcome;
beforeAll(() => {
  unbroken = run('unbroken');
});

const through = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('an unbroken run makes all steps', () => {
  expect(unbroken.steps).toEqual(through(1, 16));
  expect(unbroken.result?.length).toBeGreaterThan(100);
});

test('a process killed mid-epoch loses nothing but the current step', () => {
  const killed = run('step', 'step', '6');
  expect(killed).toEqual({ signal: 'SIGKILL', steps: through(1, 6), result: undefined });
  const resumed = run('step');
  expect(resumed.steps).toEqual(through(7, 16));
  expect(resumed.result).toBe(unbroken.result);
});

test('one killed while it writes the checkpoint goes on from the save before', () => {
  // The first save comes before the first step, and one more after the four steps of an epoch: the 13th follows step 10.
  const killed = run('save', 'save', '13');
  expect(killed.signal).toBe('SIGKILL');
  const resumed = run('save');
  expect(resumed.steps[0]).toBeLessThanOrEqual(killed.steps.at(-1)! + 1);
  expect(resumed.steps).toEqual(through(resumed.steps[0]!, 16));
  expect(resumed.steps[0]).toBeGreaterThanOrEqual(killed.steps.at(-1)!);
  expect(resumed.result).toBe(unbroken.result);
});
