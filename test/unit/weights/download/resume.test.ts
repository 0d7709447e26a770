import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fetchFile } from '../../../../src/weights/download/fetch-file';
import type { DownloadOptions } from '../../../../src/weights/download/remote-file';
import { type Answer, content, cutOff, folder, host, inTurn, QUICK, ranged, refusalOf, status } from './host';

const { bytes, name } = content(3_000_000);

const get = (url: string, options: DownloadOptions = { cache: false }): Promise<Uint8Array> =>
  fetchFile({ url: `${url}/${name}` }, options, QUICK);

const whole: Answer = (response) => {
  response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
};

describe('a host that breaks off', () => {
  it('is asked for the rest, if it has not changed', async () => {
    const { url, requests } = await host(inTurn(cutOff(bytes, 1_000_000, { ETag: '"1"' }), ranged(bytes)));
    const cache = folder();
    expect(bytes.equals(await get(url, { cache }))).toBe(true);
    expect(readdirSync(cache)).toEqual([name]);
    expect(requests.map(({ range }) => range)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
    expect(requests[1]?.['if-range']).toBe('"1"');
  });

  it('many times is asked as long as it gets on', async () => {
    const large = content(16_000_000);
    let cut = (): void => {};
    let cutAt = 0;
    const { url, requests } = await host((response, request) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
      const range = `bytes ${from}-${large.bytes.length - 1}/${large.bytes.length}`;
      const length = large.bytes.length - from;
      response.writeHead(from === 0 ? 200 : 206, { 'Content-Length': length, 'Content-Range': range });
      cutAt = from + 2_000_000;
      cut = () => response.destroy();
      response.write(large.bytes.subarray(from, cutAt));
    });
    const onProgress = (fraction: number): void => {
      if (fraction * large.bytes.length >= cutAt - 1) cut();
    };
    const file = { url: `${url}/${large.name}` };
    const received = await fetchFile(file, { cache: false, onProgress }, QUICK);
    expect(large.bytes.equals(received)).toBe(true);
    expect(requests).toHaveLength(8);
  });

  it('and never gets on is given up', async () => {
    const { url, requests } = await host(cutOff(bytes, 1000));
    const error = await refusalOf(get(url), 'network');
    expect(error.message).toMatch(/3 times in a row/);
    expect(requests.length).toBe(3);
  });

  it('and has another file then is asked for all of it', async () => {
    const other = content(bytes.length);
    const answer = inTurn(cutOff(other.bytes, 1_000_000, { ETag: '"old"' }), ranged(bytes, '"new"'));
    const { url, requests } = await host(answer);
    for (const file of [{ url: `${url}/${name}` }, { url: `${url}/${name}`, sha256: false as const }]) {
      requests.length = 0;
      expect(bytes.equals(await fetchFile(file, { cache: false }, QUICK))).toBe(true);
      expect(requests).toHaveLength(2);
    }
  });

  it.each([
    { title: 'with neither digest nor version', headers: {}, resumes: false },
    { title: 'with a weak version', headers: { ETag: 'W/"1"' }, resumes: false },
    { title: 'with a date', headers: { 'Last-Modified': 'Wed, 21 Oct 2015 07:28:00 GMT' }, resumes: true },
    { title: 'with a version', headers: { ETag: '"1"' }, resumes: true },
  ])('$title: asked for the rest only where that is safe', async ({ headers, resumes }) => {
    const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
    const rest: Answer = (response, request, turn) =>
      ranged(bytes, headers['Last-Modified'] === undefined ? '"1"' : date)(response, request, turn);
    const { url, requests } = await host(inTurn(cutOff(bytes, 1_000_000, headers), rest));
    const file = { url: `${url}/${name}`, sha256: false as const };
    expect(bytes.equals(await fetchFile(file, { cache: false }, QUICK))).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual([
      undefined,
      resumes ? expect.stringMatching(/^bytes=\d+-$/) : undefined,
    ]);
  });

  /** Sends the rest, but with other headers or another body. */
  const rest =
    (change: {
      from?: number;
      last?: number;
      total?: number | '*';
      headers?: Record<string, string>;
      body?: (rest: Buffer) => Buffer;
    }): Answer =>
    (response, request) => {
      const asked = Number(/\d+/.exec(request.headers.range ?? '')?.[0]);
      const { from = asked, last = bytes.length - 1, total = bytes.length, headers, body } = change;
      response.writeHead(206, { 'Content-Range': `bytes ${from}-${last}/${total}`, ETag: '"1"', ...headers });
      const bytesFrom = bytes.subarray(from);
      response.end(body === undefined ? bytesFrom : body(bytesFrom));
    };
  it.each([
    { title: 'ignores Range', answer: whole, requests: 2 },
    { title: 'says no range', answer: status(206) },
    { title: 'sends another range', answer: rest({ from: 0 }) },
    { title: 'sends a range of another length', answer: rest({ total: bytes.length + 1 }) },
    { title: 'sends a range beyond the end', answer: rest({ last: bytes.length }) },
    { title: 'sends a range of nonsense', answer: rest({ last: 0 }) },
    { title: 'sends a range of unknown length', answer: rest({ total: '*' }) },
    { title: 'sends a range of another version', answer: rest({ headers: { ETag: '"2"' } }) },
    {
      title: 'sends a compressed range',
      answer: rest({ headers: { 'Content-Encoding': 'gzip' }, body: gzipSync }),
    },
    { title: 'sends a range of wrong bytes', answer: rest({ body: ({ length }) => Buffer.alloc(length) }) },
    { title: 'knows no such range', answer: status(416, { 'Content-Range': 'bytes */10' }) },
    { title: 'knows no ranges', answer: status(416) },
    { title: 'sends the right range', answer: rest({}), requests: 2 },
  ])('and $title then is asked from the start if need be', async ({ answer, requests: expected = 3 }) => {
    const { url, requests } = await host(
      inTurn(cutOff(bytes, 1_000_000, { ETag: '"1"' }), answer, ranged(bytes)),
    );
    const cache = folder();
    expect(bytes.equals(await get(url, { cache }))).toBe(true);
    expect(readdirSync(cache)).toEqual([name]);
    expect(requests).toHaveLength(expected);
    expect(requests[2]?.range).toBe(undefined);
  });

  it('while compressing starts from the start', async () => {
    const packed = gzipSync(bytes);
    const { url, requests } = await host(
      inTurn(cutOff(packed, 1_000_000, { 'Content-Encoding': 'gzip', ETag: '"1"' }), ranged(bytes)),
    );
    expect(bytes.equals(await get(url))).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual([undefined, undefined]);
  });
});
