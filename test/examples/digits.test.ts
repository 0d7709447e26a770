import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { parseHTML } from 'linkedom';
import * as prune from 'tfjs-prune';
import { Experiment, registerTrainingKernels } from 'tfjs-prune/training';
import { loadStateDict, readSafetensors } from 'tfjs-prune/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { batchesOf, type Digits, loadDigits, someOf } from '../../examples/digits/data';
import { accuracyOf, trainNetwork } from '../../examples/digits/fit';
import { storedBytes } from '../../examples/digits/measure';
import { METHODS, type OneShot, TITLES } from '../../examples/digits/methods';
import { resnet8 } from '../../examples/digits/network';
import { accuracyPlot } from '../../examples/digits/plot';
import type { Results } from '../../examples/digits/results';
import { folder } from '../../examples/file-io';
import { useBackend } from '../support/backend';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const WEIGHTS = pathOf('../../examples/digits/resnet8.safetensors');
const PIXELS = 28 * 28;

const { training, validation, test } = loadDigits();

/** Each image as text, by which equal ones are found. */
function keysOf({ images, labels }: Digits): string[] {
  return Array.from(labels, (_, i) => images.subarray(PIXELS * i, PIXELS * (i + 1)).join());
}

async function trained(): Promise<tf.LayersModel> {
  const model = resnet8(0);
  loadStateDict(model, await readSafetensors(WEIGHTS));
  return model;
}

const valuesOf = (model: tf.LayersModel): Float32Array[] =>
  model.getWeights().map((weight) => weight.dataSync<'float32'>().slice());

beforeAll(async () => {
  await useBackend('wasm');
  registerTrainingKernels();
});

describe('the digits', () => {
  it('are 10,000, of which none is in two splits', () => {
    const keys = [training, validation, test].flatMap(keysOf);
    expect(keys.length).toBe(10_000);
    expect(new Set(keys).size).toBe(10_000);
    for (const { labels } of [training, validation, test]) expect(new Set(labels).size).toBe(10);
    expect(test.labels.length).toBeGreaterThanOrEqual(1990);
  });

  it('come in an order that follows from the seed, another one each epoch, shifted but whole', async () => {
    const some = someOf(test, 40);
    const labelsOf = async (dataset: ReturnType<typeof batchesOf>): Promise<number[]> => {
      const labels: number[] = [];
      await dataset.forEachAsync(({ ys }) => void labels.push(...ys.argMax(-1).dataSync()));
      return labels;
    };
    const [a, b] = [batchesOf(some, 20, 3), batchesOf(some, 20, 3)];
    const first = await labelsOf(a);
    expect(await labelsOf(b)).toEqual(first);
    expect(await labelsOf(a)).not.toEqual(first);
    expect([...first].sort()).toEqual(Array.from(some.labels).sort());
  });
});

describe('the trained network', () => {
  it('is small, and right about 97.5 % of the digits that it was not trained on', async () => {
    const model = await trained();
    expect(statSync(WEIGHTS).size).toBeLessThanOrEqual(2 ** 20);
    expect(accuracyOf(model, test)).toBeGreaterThanOrEqual(0.975);
    model.dispose();
  });

  it('starts and learns the same from the same seed', async () => {
    const some = someOf(training, 128);
    const runs: Float32Array[][] = [];
    for (const seed of [1, 1, 2]) {
      const model = resnet8(seed);
      await trainNetwork(model, some, { epochs: 1, learningRate: 0.05, seed });
      runs.push(valuesOf(model));
      model.dispose();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
  });
});

describe('the methods', () => {
  it.each<OneShot>(['random', 'l1', 'global', 'block'])('%s prunes the share asked for', async (method) => {
    const model = await trained();
    const weights = prune.parameters(model);
    METHODS[method](weights, 0.9);
    // Each layer's count is rounded. Blocks have eight weights, but the last ones of the ten classes, 64 in all, two.
    const { zeros, size } = prune.sparsity(model);
    expect(Math.abs(zeros - 0.9 * size)).toBeLessThanOrEqual(
      method === 'block' ? 8 + 6 * 64 : weights.length,
    );
    model.dispose();
  });

  it('ln leaves every class its output', async () => {
    const model = await trained();
    METHODS.ln(prune.parameters(model), 0.5);
    expect(prune.sparsity(model.getLayer('fc')).zeros).toBe(0);
    expect(prune.sparsity(model.getLayer('layer1.0.conv1'), 'weight').sparsity).toBe(0.5);
    model.dispose();
  });
});

it('counts the bytes of the file that tfjs saves, after gzip', async () => {
  const model = await trained();
  METHODS.global(prune.parameters(model), 0.9);
  const values = valuesOf(model);
  const raw = Buffer.concat(
    values.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  );
  expect(await storedBytes(model)).toBe(gzipSync(raw, { level: 9 }).length);
  model.dispose();
});

/** Runs the example as a process of its own. */
function digits(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const example = pathOf('../../examples/digits.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', example, ...args]);
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe('npm run digits', () => {
  it('-- --quick prints a table, and saves networks as sparse as it says, with a record', async () => {
    const saved = mkdtempSync(join(tmpdir(), 'tfjs-prune-digits-'));
    const { status, stdout } = digits('--quick', '--methods', 'global,scheduled', '--save', saved);
    expect(status).toBe(0);
    const rows = stdout.split('\n').filter((line) => line.startsWith('| '));
    expect(rows.map((row) => row.split('|')[2]?.trim())).toEqual([
      'zeros',
      '-----:',
      '0.0 %',
      '90.0 %',
      '90.0 %',
    ]);
    for (const method of ['global', 'scheduled']) {
      const model = await tf.loadLayersModel(folder(join(saved, `${method}-0.9`)));
      const { zeros, size } = prune.sparsity(model);
      expect(Math.abs(zeros - 0.9 * size)).toBeLessThanOrEqual(1);
      const record = Experiment.of(model)?.toJSON();
      expect(record?.prunings[0]?.sparsity).toBe(zeros / size);
      expect(record?.finetunings[0]?.steps).toBe(10);
      model.dispose();
    }
    rmSync(saved, { recursive: true });
  });

  it.each([
    [['--methods', 'l2'], /^--methods must be some of random,l1,.* but got 'l2'/],
    [['--sparsities', '90'], /^--sparsities must be fractions between 0 and 1, .* but got '90'/],
    [['--images', '10'], /^--images must be a whole number of at least 64, but got '10'/],
    [['--seed', ''], /^--seed must be a whole number of at least 0, but got ''/],
    [['--fast'], /^Unknown option '--fast'/],
    [['--weights', 'none.safetensors'], /^Cannot read the file 'none\.safetensors'/],
  ])('%j ends with a message and without a stack', (args, says) => {
    const { status, stdout, stderr } = digits(...args);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});

describe('the picture', () => {
  const latency = { plain: 2, optimized: 1 };
  const measured = (accuracy: number, sparsity: number) => ({ accuracy, sparsity, bytes: 1000, latency });
  const results: Results = {
    conditions: {
      cpu: '',
      node: '',
      tfjs: '',
      seed: 0,
      epochs: 1,
      digits: { training: 1, test: 1, batch: 1 },
    },
    dense: measured(0.98, 0),
    pruned: (['l1', 'global'] as const).flatMap((method, i) =>
      [0.5, 0.9].map((asked) => ({ ...measured(0.97 - 0.2 * asked - 0.001 * i, asked), method, asked })),
    ),
  };

  it('has a line and a name for each method, a point for each network, and the sparsities below', () => {
    const { document } = parseHTML(accuracyPlot(results));
    const textsOf = (selector: string): string[] =>
      [...document.querySelectorAll(selector)].map((text) => text.textContent ?? '');
    expect(document.querySelectorAll('[aria-label=line] path')).toHaveLength(2);
    expect(document.querySelectorAll('[aria-label=dot] circle')).toHaveLength(4);
    expect(textsOf('[aria-label=text] text')).toEqual(['not pruned', TITLES.l1, TITLES.global]);
    expect(textsOf('[aria-label="x-axis tick label"] text')).toEqual(['50 %', '90 %']);
  });

  it('keeps names apart that would cover each other', () => {
    const { document } = parseHTML(accuracyPlot(results));
    const heights = [...document.querySelectorAll('[aria-label=text] text')].map((text) =>
      Number(/translate\([^,]+,([^)]+)\)/.exec(text.getAttribute('transform') ?? '')?.[1]),
    );
    expect(heights[2]! - heights[1]!).toBeGreaterThan(12);
  });
});
