import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Runs the example. */
function slim(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const example = fileURLToPath(new URL('../../examples/slim.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', example, ...args]);
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** The numbers before and after in a line of the table. */
function pair(table: string, what: string): number[] {
  const line = table.split('\n').find((each) => each.includes(what)) ?? '';
  return [...line.matchAll(/'([\d.]+) /g)].map(([, number]) => Number(number));
}

describe('npm run slim', () => {
  it('halves the multiply-accumulates of a ResNet50, which stock tfjs loads, and fine-tunes on digits', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slim-'));
    try {
      const { stdout, status } = slim('--side', '32', '--images', '640', '--save', folder);
      expect(status).toBe(0);
      const [macsBefore, macsAfter] = pair(stdout, 'multiply-accumulates');
      expect(macsAfter! / macsBefore!).toBeGreaterThan(0.45);
      expect(macsAfter! / macsBefore!).toBeLessThanOrEqual(0.5);
      const [before, after] = pair(stdout, 'parameters');
      expect(before).toBe(25.6); // torchvision's 25,557,032
      expect(statSync(join(folder, 'weights.bin')).size / 4e6).toBeCloseTo(after!, 0);
      expect(stdout).toContain('outputs are equal');
      const accuracies = [...stdout.matchAll(/([\d.]+) % (?:of|after)/g)].map(([, share]) => Number(share));
      const [dense, removed, tuned] = accuracies;
      expect(dense).toBe(98.15);
      expect(tuned).toBeGreaterThan(removed!);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    [['--macs', '2'], /^targetMacs must be a number in \(0, 1\), but got 2/],
    [['--side', '16'], /^--side must be a whole number of at least 32, but got '16'/],
    [['--ratio', '1'], /^Unknown option '--ratio'/],
  ])('%j ends with a message and without a stack', (args, says) => {
    const { status, stderr } = slim(...args);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(1);
  });
});
