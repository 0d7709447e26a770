import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../support/backend';
import { expectNoLeak } from '../support/memory';
import fixture from './fixtures/resnet-family.json' with { type: 'json' };
import { decode, logitsOf, rangeOf } from './resnet-logits';
import { MODELS, modelNamed } from './resnet-models';

const PYTHON = '/usr/bin/python3';
const SEED = '20240301';
const script = fileURLToPath(new URL('./generate/resnet.py', import.meta.url));

const versions = spawnSync(PYTHON, ['-c', 'import torch, torchvision']);
const hasTorch = versions.status === 0;
if (!hasTorch)
  console.log(`Skipped: ${PYTHON} has no torch and torchvision to write the ResNets' files with.`);

// Without torch there are no weights to compare with. ResNet50's file has a test of its own.
describe.skipIf(!hasTorch)('the file that torch writes for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-family-'));

  beforeAll(async () => {
    const { status, stderr } = spawnSync(PYTHON, [script, 'family', folder, SEED]);
    if (status !== 0) throw new Error(`torch wrote no files: ${stderr}`);
    await useBackend('wasm');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const others = Object.keys(MODELS).filter((name) => name !== 'resnet50');
  it.each(others)("%s gives torch's logits", async (name) => {
    const weights = join(folder, `${name}.pth`);
    const expected: { logits: string } = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
    const logits = decode(expected.logits);
    await expectNoLeak(async () => {
      const model = await MODELS[modelNamed(name)]({ weights, inputShape: [64, 64, 3] });
      const actual = await logitsOf(model, '64x64', fixture.inputSeed);
      expect(actual).toBeAllClose(logits, { rtol: 0, atol: 1e-4 * rangeOf(logits) });
      model.dispose();
    });
    rmSync(weights);
  });
});
