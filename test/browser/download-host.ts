import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of a host on another origin than the page's. */
    downloadHost: string;
    /** The file that it has, by the name that torch would give it. */
    downloadName: string;
  }
}

const bytes = Buffer.alloc(3_000_000).map((_, index) => (index * index) >> 3);
const name = `net-${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}.pth`;

/** How often each path was asked for. */
const turns = new Map<string, number>();

function whole(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
}

/** Sends the rest, and only that. */
function rest(response: ServerResponse, range = 'none'): void {
  const from = Number(/\d+/.exec(range)?.[0]);
  if (Number.isNaN(from)) {
    response.writeHead(404).end();
    return;
  }
  const part = { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`, ETag: '"1"' };
  response.writeHead(206, part).end(bytes.subarray(from));
}

function cutOff(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'Content-Length': bytes.length, ...headers });
  response.write(bytes.subarray(0, 2_000_000), () => setTimeout(() => response.destroy(), 50));
}

/**
 * Starts a host for the browser's downloads: `/<what it does>/<test>/<name>`, where the test's own part of the path keeps
 * the counts apart; `/count/…` says how often a path was asked for.
 *
 * @param project Is told where the host is.
 * @returns What stops it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const [, what, ...others] = path.split('/');
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (what === 'count') return response.end(String(turns.get(`/${others.join('/')}`) ?? 0));
    // A preflight, which this host does not expect, as many do not.
    if (request.method === 'OPTIONS') return response.writeHead(405).end();
    const turn = turns.get(path) ?? 0;
    turns.set(path, turn + 1);
    switch (what) {
      case 'whole':
        return whole(response);
      case 'wrong':
        return response.end('<html>sign in</html>');
      case 'silent':
        return response.writeHead(200, { 'Content-Length': bytes.length }).write('x');
      case 'cut':
        return turn === 0 ? cutOff(response) : whole(response);
      case 'resumed':
        response.setHeader('Access-Control-Expose-Headers', 'Content-Range, ETag');
        return turn === 0 ? cutOff(response, { ETag: '"1"' }) : rest(response, request.headers.range);
      case 'closed':
        response.removeHeader('Access-Control-Allow-Origin');
        return whole(response);
      default:
        return response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  project.provide('downloadHost', `http://127.0.0.1:${port}`);
  project.provide('downloadName', name);
  return () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
}
