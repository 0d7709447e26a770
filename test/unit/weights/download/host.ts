import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { isPruneError, type PruneError, type PruneErrorKind } from '../../../../src/errors';
import type { Pace } from '../../../../src/weights/download/pace';

/** A loopback host. */
export interface Host {
  /** Its address, without a slash at the end. */
  readonly url: string;
  /** The headers of all requests so far. */
  readonly requests: IncomingHttpHeaders[];
  /** From now on refuses connections. */
  close(): Promise<void>;
}

/** Answers a request; `turn` counts from 0. */
export type Answer = (response: ServerResponse, request: IncomingMessage, turn: number) => void;

/** As the default, but without the waiting. */
export const QUICK: Pace = { failures: 3, firstPause: 1, longestPause: 1500, stall: 500 };

const open: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Starts a host that is gone after the test. */
export async function host(answer: Answer): Promise<Host> {
  const requests: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    requests.push(request.headers);
    answer(response, request, requests.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  open.push(close);
  return { url: `http://127.0.0.1:${port}`, requests, close };
}

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tfjs-prune-download-'));
  open.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Bytes that compress badly, and the name that torch would give them. */
export function content(length: number): { bytes: Buffer; name: string; sha256: string } {
  const bytes = randomBytes(length);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { bytes, sha256, name: `net-${sha256.slice(0, 8)}.pth` };
}

/** A host that knows ranges and sends ETags, as torchvision's does. */
export function ranged(bytes: Buffer, etag = '"1"'): Answer {
  return (response, request) => {
    const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const condition = request.headers['if-range'];
    if (first === undefined || (condition !== undefined && condition !== etag)) {
      response.writeHead(200, { 'Content-Length': bytes.length, ETag: etag }).end(bytes);
    } else if (Number(first) >= bytes.length) {
      response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
    } else {
      const range = `bytes ${first}-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { 'Content-Range': range, ETag: etag }).end(bytes.subarray(Number(first)));
    }
  };
}

/** Sends the headers of a whole file and only its first bytes, then cuts the connection. */
export function cutOff(bytes: Buffer, after: number, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(200, { 'Content-Length': bytes.length, ...headers });
    // What the client has not read by then is lost to it.
    response.write(bytes.subarray(0, after), () => setTimeout(() => response.destroy(), 100));
  };
}

/** Answers with a status and no body. */
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(code, headers).end();
  };

/** Answers in turn, the last one for ever. */
export const inTurn =
  (...answers: readonly Answer[]): Answer =>
  (response, request, turn) => {
    answers[Math.min(turn, answers.length - 1)]?.(response, request, turn);
  };

/** The error of a promise that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It should have failed.');
}

/** The PruneError of a promise that must fail with one. */
export async function refusalOf(promise: Promise<unknown>, kind: PruneErrorKind): Promise<PruneError> {
  const error = await failureOf(promise);
  if (!isPruneError(error, kind)) {
    throw new Error(`A PruneError of the kind ${kind} was expected, not ${String(error)}`, { cause: error });
  }
  return error;
}
