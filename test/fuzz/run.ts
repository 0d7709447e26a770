/**
 * `npm run fuzz [-- --seconds 60] [--seed 1] [--only WORD]`: reads real files that are damaged at random, for as long as it is
 * told. It stops at the first one that is neither read right nor refused, or takes long, and writes it down.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Generator } from '../../src/masks/generator';
import { corpus, isRefused, type Sample } from './corpus';
import { mutate } from './mutate';

const SLOWEST = 5_000;
const LARGEST_GROWTH = 2 ** 30;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    only: { type: 'string', default: '' },
  },
});

function give(sample: Sample, bytes: Uint8Array, error: unknown): never {
  const path = join(tmpdir(), `fuzz-${options.seed}-${sample.name}`);
  writeFileSync(path, bytes);
  console.error(`Seed ${options.seed}: ${sample.name}, damaged as in ${path}:`, error);
  process.exit(1);
}

const samples = corpus.filter(({ name }) => name.includes(options.only));
if (samples.length === 0) throw new Error(`no fixture has '${options.only}' in its name`);
const random = new Generator(Number(options.seed));
const end = performance.now() + 1000 * Number(options.seconds);
const start = process.memoryUsage().rss;
let [files, refused, slowest] = [0, 0, 0];
console.log(`Seed ${options.seed}, ${samples.length} files, ${options.seconds} s.`);
for (; performance.now() < end; files++) {
  const sample = samples[files % samples.length]!;
  let bytes = mutate(sample.bytes, random);
  for (let n = random.random() % 3; n > 0; n--) bytes = mutate(bytes, random);
  const before = performance.now();
  try {
    if (isRefused(sample, bytes)) refused++;
  } catch (error) {
    give(sample, bytes, error);
  }
  const time = performance.now() - before;
  slowest = Math.max(slowest, time);
  if (time > SLOWEST) give(sample, bytes, `it took ${Math.round(time)} ms`);
  const growth = process.memoryUsage.rss() - start;
  if (growth > LARGEST_GROWTH) give(sample, bytes, `memory grew by ${growth} bytes`);
}
const share = Math.round((100 * refused) / Math.max(files, 1));
console.log(
  `${files} damaged files: ${share} % refused, the others read; the slowest took ${Math.round(slowest)} ms.`,
);
