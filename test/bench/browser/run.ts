/**
 * `npm run bench:browser [-- --rounds 1] [--only WORD] [--isolated] [--threads 2] [--relaxed]`: the table of sparse networks in
 * headless Chromium. `--isolated` serves the page such that tfjs may use threads;
 * `--relaxed` accelerates with that option.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright';
import { launchOptions } from '../../../vitest.config';
import type { Row } from '../report';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    isolated: { type: 'boolean', default: false },
    threads: { type: 'string', default: '0' },
    relaxed: { type: 'boolean', default: false },
  },
});

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const WASM = at('../../../node_modules/@tensorflow/tfjs-backend-wasm/dist');
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

async function bundle(): Promise<Uint8Array> {
  const source = (name: string): string => at(`../../../src/weights/${name}.browser.ts`);
  const { outputFiles } = await build({
    entryPoints: [at('./page.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    alias: {
      '#bytes': source('bytes'),
      '#cache': source('download/cache'),
      '#sha256': source('download/sha256'),
    },
    // What tfjs and Emscripten ask for in Node alone.
    external: ['fs', 'path', 'worker_threads', 'perf_hooks', 'os', 'crypto', 'util', 'string_decoder'],
    logLevel: 'error',
  });
  return outputFiles[0]!.contents;
}

function serve(script: Uint8Array): Promise<Server> {
  const server = createServer(async ({ url = '/' }, response) => {
    const headers = options.isolated ? ISOLATION : {};
    const send = (type: string, body: string | Uint8Array): void =>
      void response.writeHead(200, { 'Content-Type': type, ...headers }).end(body);
    if (url === '/') send('text/html', '<!doctype html><script type="module" src="/page.js"></script>');
    else if (url === '/page.js') send('text/javascript', script);
    else if (/^\/[\w-]+\.wasm$/.test(url)) send('application/wasm', await readFile(WASM + url));
    else response.writeHead(404, headers).end();
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const server = await serve(await bundle());
const browser = await chromium.launch(launchOptions());
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  const rows: Row[] = [];
  await page.exposeFunction('report', (row: Row) => rows.push(row));
  // listen() was given a port to pick.
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => 'bench' in window);
  const threads = await page.evaluate(
    ([rounds, only, count, relaxed]) => window.bench(Number(rounds), only, Number(count), relaxed),
    [options.rounds, options.only, options.threads, options.relaxed] as const,
  );
  console.log(`Chromium ${browser.version()}, tfjs's wasm backend on ${threads}; medians.`);
  console.table(rows);
} finally {
  await browser.close();
  server.close();
}
