import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs the example; only with options that it refuses, since the whole takes minutes. */
function quickstart(...args: string[]): { status: number | null; stderr: string } {
  const example = pathOf('../../examples/quickstart.ts');
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', example, ...args]);
  return { status, stderr: stderr.toString() };
}

it.each([
  [['--weights', 'resnet50.pth', '--random'], /^--weights and --random exclude each other/],
  [['--epochs', '0'], /^--epochs must be a whole number of at least 1, but got '0'/],
  [['--seed', '1'], /^Unknown option '--seed'/],
  [['--weights', 'none.pth'], /^Cannot read the file 'none\.pth'/],
])('npm run quickstart %j ends with a message and without a stack', (args, says) => {
  const { status, stderr } = quickstart(...args);
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(1);
});

it('is run by all checks without a download', () => {
  const runs = readFileSync(pathOf('../../.ci/run'), 'utf8').match(/^.*npm run quickstart.*$/gm);
  expect(runs).toEqual(['step npm run quickstart -- --random']);
});
