import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../examples/decode';

const PYTHON = '/usr/bin/python3';
const FRACTION = 0.6;
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, torchvision']).status === 0;
if (!hasTorch) console.log(`Skipped: ${PYTHON} has no torch and torchvision to classify images with.`);

/** A class and how probable torch finds it. */
type Guess = [name: string, probability: number];

interface Expected {
  readonly images: Record<string, { readonly width: number; readonly height: number; readonly rgb: string }>;
  readonly guesses: Record<string, { readonly before: Guess[]; readonly after: Guess[] }>;
}

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-classify-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the example as a process of its own, which has a cache of its own. */
function classify(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, ['--import', 'tsx', pathOf('../../examples/classify.ts'), ...args], {
    env: { ...process.env, TORCH_HOME: join(folder, 'torch') },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The rows that the example prints for an image: before and after pruning. */
function rowsOf(stdout: string, image: string): { before: Guess[]; after: Guess[] } {
  const section = stdout
    .slice(stdout.indexOf(`\n${image}\n`))
    .split('\n')
    .slice(3, 8);
  const rows = section.map((line) => /^ {2}\d {2}(.+?) +([\d.]+) % {4}(.+?) +([\d.]+) %$/.exec(line) ?? []);
  return {
    before: rows.map((row) => [row[1]!, Number(row[2]) / 100]),
    after: rows.map((row) => [row[3]!, Number(row[4]) / 100]),
  };
}

// Without torch there is nothing to compare with.
describe.skipIf(!hasTorch)('npm run classify', () => {
  let expected: Expected;

  beforeAll(() => {
    const args = [pathOf('./classify.py'), folder, String(FRACTION)];
    const { status, stdout, stderr } = spawnSync(PYTHON, args, { maxBuffer: 2 ** 26 });
    if (status !== 0) throw new Error(`torch classified nothing: ${stderr}`);
    expected = JSON.parse(stdout.toString());
  });

  it.each([
    ['rgb.png', 0],
    ['alpha.png', 0],
    ['grey.png', 0],
    ['palette.png', 0],
    ['lossless.webp', 0],
    // Decoders of JPEG may differ in how they round.
    ['photo.jpg', 3],
    ['lying.jpg', 3],
  ])("reads PIL's pixels of %s, upright, to within %i levels", async (name, levels) => {
    const { width, height, rgb } = expected.images[name]!;
    const { data, ...size } = await decode(join(folder, name));
    expect([size.width, size.height]).toEqual([width, height]);
    const pixels = Buffer.from(rgb, 'base64');
    expect(data.length).toBe(pixels.length);
    const farthest = pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i]!)), 0);
    expect(farthest).toBeLessThanOrEqual(levels);
  });

  it('prints what torchvision sees, before and after pruning', async () => {
    const names = Object.keys(expected.guesses);
    const { code, stdout, stderr } = await classify(
      ...names.map((name) => join(folder, name)),
      ...['--model', 'resnet18', '--weights', join(folder, 'resnet18.pth'), '--prune', String(FRACTION)],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('7,007,347 of 11,678,912 weights were pruned.');
    for (const name of names) {
      const rows = rowsOf(stdout, name);
      for (const when of ['before', 'after'] as const) {
        const [guesses, theirs] = [rows[when], expected.guesses[name]![when]];
        expect(guesses.map(([label]) => label)).toEqual(theirs.map(([label]) => label));
        // One decimal of a percent is printed, and a level of a JPEG's pixels shifts it a little.
        const tolerance = { rtol: 0, atol: name.endsWith('.jpg') ? 0.01 : 0.0006 };
        expect(guesses.map(([, p]) => p)).toBeAllClose(
          theirs.map(([, p]) => p),
          tolerance,
        );
      }
    }
  });
});

it('npm run classify -- --help says how it is used, and which models there are', async () => {
  const { code, stdout, stderr } = await classify('--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: npm run classify -- IMAGE… .*\nModels: resnet18, .*wide_resnet101_2\n$/);
});

describe('npm run classify ends with a message and without a stack', () => {
  let server: Server;
  let host: string;

  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // of a server that listens on a port
    writeFileSync(join(folder, 'text.png'), 'no image');
    const pixel =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
    writeFileSync(join(folder, 'pixel.png'), Buffer.from(pixel, 'base64'));
  });
  afterAll(() => server.close());

  const image = join(folder, 'pixel.png');
  it.each<[string, () => string[], RegExp]>([
    ['without an image', () => [], /^No image is given. Usage: npm run classify/],
    ['for an option that there is not', () => [image, '--size', '3'], /^Unknown option '--size'/],
    ['for another model', () => [image, '--model', 'vgg16'], /^--model must be one of resnet18, .*'vgg16'/],
    [
      'for a percentage',
      () => [image, '--prune', '80'],
      /^--prune must be a fraction from 0 to 1, but got '80'/,
    ],
    [
      'for no file',
      () => [join(folder, 'none.png')],
      /none.png cannot be read as an image: Input file is missing/,
    ],
    [
      'for a file of text',
      () => [join(folder, 'text.png')],
      /text.png cannot be read as an image: .*unsupported/,
    ],
    [
      'for weights that cannot be downloaded, and says what to do',
      () => [image, '--model', 'resnet18', '--weights', `${host}/resnet18-f37072fd.pth`],
      /404[\s\S]*resnet18-f37072fd\.pth/,
    ],
  ])('%s', async (_, args, says) => {
    const { code, stdout, stderr } = await classify(...args());
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});
