import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { type ResNet, resnet50 } from 'tfjs-prune/models';
import { readPth } from 'tfjs-prune/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../support/backend';
import fixture from './fixtures/resnet50.json' with { type: 'json' };
import { decode, logitsOf, rangeOf } from './resnet-logits';

const PYTHON = '/usr/bin/python3';
const SEED = '20240229';
const script = fileURLToPath(new URL('./generate/resnet.py', import.meta.url));

const versions = spawnSync(PYTHON, [
  '-c',
  'import torch, torchvision; print(torch.__version__, torchvision.__version__)',
]);
const hasTorch = versions.status === 0;
if (!hasTorch) console.log(`Skipped: ${PYTHON} has no torch and torchvision to write resnet50.pth with.`);

/** What torch gives for the weights that it wrote. */
interface Expected {
  readonly logits: Record<string, string>;
  readonly sha256: Record<string, string>;
}

// Without torch there is nothing to compare with; the committed fixtures cover the format.
describe.skipIf(!hasTorch)('the 102 MB file that torch writes for resnet50', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-live-'));
  const file = join(folder, 'resnet50.pth');
  let expected: Expected;

  beforeAll(async () => {
    const { status, stderr } = spawnSync(PYTHON, [script, 'live', folder, SEED]);
    if (status !== 0) throw new Error(`torch wrote no file: ${stderr}`);
    expected = JSON.parse(readFileSync(join(folder, 'logits.json'), 'utf8'));
    await useBackend('wasm');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is read bit for bit, without a second copy', async () => {
    const state = await readPth(file);
    const digests = [...state].map(([name, { data }]) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return [name, createHash('sha256').update(bytes).digest('hex')];
    });
    expect(Object.fromEntries(digests)).toEqual(expected.sha256);
    const buffers = new Set([...state.values()].map(({ data }) => data.buffer));
    expect([...buffers].map((buffer) => buffer.byteLength)).toEqual([statSync(file).size]);
  });

  it.each(['224x224', '97x65'])("gives torch's logits on wasm at %s", async (size) => {
    const [height, width] = size.split('x').map(Number) as [number, number];
    const before = tf.memory().numTensors;
    const model: ResNet = await resnet50({ weights: file, inputShape: [height, width, 3] });
    expect(tf.memory().numTensors - before).toBe(model.weights.length);
    const logits = decode(expected.logits[size]!);
    const actual = await logitsOf(model, size, fixture.inputSeed);
    expect(actual).toBeAllClose(logits, { rtol: 0, atol: 1e-4 * rangeOf(logits) });
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
