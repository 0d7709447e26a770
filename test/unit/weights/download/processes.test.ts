import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fetchFile } from '../../../../src/weights/download/fetch-file';
import { content, folder, host, QUICK, ranged } from './host';

const child = fileURLToPath(new URL('./child.ts', import.meta.url));

function start(url: string, cache: string, shell?: string): ChildProcess {
  const node = [process.execPath, '--import', 'tsx', child, url, cache];
  const [command = '', ...args] =
    shell === undefined ? node : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...node];
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function outputOf(process: ChildProcess): Promise<string> {
  let text = '';
  process.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  await new Promise((resolve) => process.once('close', resolve));
  return text.trim();
}

/** Sends a file in small parts, so that others can look on. */
function trickle(
  response: ServerResponse,
  bytes: Buffer,
  headers: Record<string, string | number> = {},
): void {
  response.writeHead(200, { 'Content-Length': bytes.length, ...headers });
  let at = 0;
  const next = (): void => {
    const part = bytes.subarray(at, at + 200_000);
    at += part.length;
    response.write(part, () => (at < bytes.length ? setTimeout(next, 5) : response.end()));
  };
  next();
}

it('lets two processes download the same file at once', async () => {
  const { bytes, name, sha256 } = content(8_000_000);
  const waiting: ServerResponse[] = [];
  // Neither gets a byte before both have asked.
  const { url, requests } = await host((response) => {
    waiting.push(response);
    if (waiting.length === 2) for (const each of waiting) trickle(each, bytes);
  });
  const cache = folder();
  const place = join(cache, name);
  const partials = new Set<string>();
  const lookOn = setInterval(() => {
    for (const entry of readdirSync(cache)) if (entry !== name) partials.add(entry);
    if (existsSync(place)) expect(readFileSync(place).equals(bytes)).toBe(true);
  }, 5);
  const digests = await Promise.all([1, 2].map(() => outputOf(start(`${url}/${name}`, cache))));
  clearInterval(lookOn);
  expect(digests).toEqual([sha256, sha256]);
  expect(partials.size).toBeGreaterThanOrEqual(2);
  expect(requests).toHaveLength(2);
  expect(readdirSync(cache)).toEqual([name]);
  expect(readFileSync(place).equals(bytes)).toBe(true);
});

it('goes on from where a process was killed', async () => {
  const { bytes, name } = content(8_000_000);
  const { url, requests } = await host((response, request, turn) => {
    if (turn > 0) ranged(bytes)(response, request, turn);
    else response.writeHead(200, { 'Content-Length': bytes.length }).write(bytes.subarray(0, 3_000_000));
  });
  const cache = folder();
  const first = start(`${url}/${name}`, cache);
  const partial = (): number =>
    readdirSync(cache).reduce((sum, entry) => sum + readFileSync(join(cache, entry)).length, 0);
  await expect.poll(partial, { timeout: 20_000 }).toBe(3_000_000);
  first.kill('SIGKILL');
  await outputOf(first);
  const fractions: number[] = [];
  const onProgress = (fraction: number): void => {
    fractions.push(fraction);
  };
  const received = await fetchFile({ url: `${url}/${name}` }, { cache, onProgress }, QUICK);
  expect(bytes.equals(received)).toBe(true);
  expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=3000000-']);
  expect(fractions[1]).toBeGreaterThan(3 / 8);
  expect(readdirSync(cache)).toEqual([name]);
});

it('reports a disk that takes no more, and leaves it as it was', async () => {
  const { bytes, name } = content(4_000_000);
  const { url } = await host(ranged(bytes));
  const cache = folder();
  // The largest file that the process may write, in blocks of 512 bytes.
  const output = await outputOf(start(`${url}/${name}`, cache, 'ulimit -f 2000'));
  expect(output).toMatch(/PruneError: The cache folder '.*' cannot be used: EFBIG.*\{ cache: false \}/);
  expect(output).toContain(cache);
  expect(readdirSync(cache)).toEqual([]);
});
