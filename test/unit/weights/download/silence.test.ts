import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fetchFile } from '../../../../src/weights/download/fetch-file';
import type { DownloadOptions } from '../../../../src/weights/download/remote-file';
import {
  type Answer,
  content,
  failureOf,
  folder,
  host,
  inTurn,
  QUICK,
  ranged,
  refusalOf,
  status,
} from './host';

const { bytes, name } = content(3_000_000);

const get = (url: string, options: DownloadOptions = { cache: false }): Promise<Uint8Array> =>
  fetchFile({ url: `${url}/${name}` }, options, QUICK);

describe('a host that falls silent', () => {
  it.each([
    { title: 'before it answers', answer: (() => {}) as Answer },
    {
      title: 'in the middle',
      answer: ((response) =>
        response.writeHead(200, { 'Content-Length': bytes.length }).write(bytes.subarray(0, 1000))) as Answer,
    },
  ])('$title is asked again', async ({ answer }) => {
    const { url, requests } = await host(inTurn(answer, ranged(bytes)));
    expect(bytes.equals(await get(url))).toBe(true);
    expect(requests).toHaveLength(2);
  });

  it('for ever is given up', async () => {
    const { url } = await host(() => {});
    expect((await refusalOf(get(url), 'network')).message).toMatch(
      /no byte came for 0\.5 s, 3 times in a row/,
    );
  });

  it('never, but slow, is waited for', async () => {
    const { url, requests } = await host((response) => {
      response.writeHead(200, { 'Content-Length': 10 });
      let sent = 0;
      const timer = setInterval(() => {
        response.write('x');
        if (++sent === 10) clearInterval(timer);
      }, 100);
    });
    const file = { url: `${url}/slow` };
    expect(await fetchFile(file, { cache: false }, { ...QUICK, stall: 400 })).toHaveLength(10);
    expect(requests).toHaveLength(1);
  });
});

describe('a signal', () => {
  const silent: Answer = (response) => response.writeHead(200, { 'Content-Length': bytes.length }).write('x');

  it.each([
    { title: 'before it starts', answer: ranged(bytes), after: undefined },
    { title: 'before the host answers', answer: (() => {}) as Answer, after: 50 },
    { title: 'in the middle', answer: silent, after: 50 },
    { title: 'in a pause', answer: status(503, { 'Retry-After': '60' }), after: 50 },
  ])('aborts $title, with its reason', async ({ answer, after }) => {
    const { url } = await host(answer);
    const cache = folder();
    const controller = new AbortController();
    if (after === undefined) controller.abort();
    else setTimeout(() => controller.abort(), after);
    const start = performance.now();
    const pace = { ...QUICK, longestPause: 60_000, stall: 60_000 };
    const error = await failureOf(
      fetchFile({ url: `${url}/other.bin` }, { cache, signal: controller.signal }, pace),
    );
    expect(error).toBe(controller.signal.reason);
    expect(error instanceof DOMException && error.name).toBe('AbortError');
    expect(performance.now() - start).toBeLessThan(1000);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('may have a reason of its own', async () => {
    const { url } = await host(silent);
    const error = await failureOf(get(url, { cache: false, signal: AbortSignal.timeout(50) }));
    expect(error instanceof DOMException && error.name).toBe('TimeoutError');
  });
});
