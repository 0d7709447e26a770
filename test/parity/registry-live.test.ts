import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const PYTHON = '/usr/bin/python3';
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, torchvision']).status === 0;
if (!hasTorch) console.log(`Skipped: ${PYTHON} has no torchvision to compare the registry with.`);

// Without torchvision there is nothing to compare with.
describe.skipIf(!hasTorch)('what the library knows of torchvision', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-registry-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is what torchvision says', () => {
    const { status, stderr } = spawnSync(PYTHON, [path('./generate/registry.py'), folder]);
    if (status !== 0) throw new Error(`The registry was not written: ${stderr}`);
    for (const file of ['registry-data.ts', 'imagenet-categories.ts']) {
      const committed = readFileSync(path(`../../src/models/${file}`), 'utf8');
      expect(readFileSync(join(folder, file), 'utf8'), file).toBe(committed);
    }
  });
});
