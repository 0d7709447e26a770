import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { fetchFile } from '../../../../src/weights/download/fetch-file';
import type { DownloadOptions } from '../../../../src/weights/download/remote-file';
import { type Answer, content, cutOff, failureOf, folder, host, QUICK, ranged, refusalOf } from './host';

const { bytes, name, sha256 } = content(3_000_000);

const get = (url: string, options: DownloadOptions = { cache: false }): Promise<Uint8Array> =>
  fetchFile({ url: `${url}/${name}` }, options, QUICK);

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(code, headers).end();
  };

const whole: Answer = (response) => {
  response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
};

/** Answers in turn, the last one for ever. */
const inTurn =
  (...answers: readonly Answer[]): Answer =>
  (response, request, turn) => {
    answers[Math.min(turn, answers.length - 1)]?.(response, request, turn);
  };

describe('a host that refuses', () => {
  it.each([404, 403, 410, 401, 400, 501, 204])('with %i is asked once', async (code) => {
    const { url, requests } = await host(status(code));
    const cache = folder();
    const error = await refusalOf(get(url, { cache }), 'network');
    expect(error.message).toMatch(
      new RegExp(`${url}/${name}: the host answered ${code}\\. Or put .*${cache}/${name}'`),
    );
    expect(error.given).toBe(`${url}/${name}`);
    expect(requests).toHaveLength(1);
    expect(readdirSync(cache)).toEqual([]);
  });

  it.each([429, 500, 502, 503, 504, 408])('with %i is asked again', async (code) => {
    const { url, requests } = await host(inTurn(status(code), status(code), ranged(bytes)));
    expect(bytes.equals(await get(url))).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('for ever is given up', async () => {
    const { url, requests } = await host(status(503));
    const error = await refusalOf(get(url), 'network');
    expect(error.message).toMatch(/the host answered 503, 3 times in a row\. Or get the file in another way/);
    expect(requests).toHaveLength(3);
  });

  it.each([
    { title: 'seconds', header: () => '1' },
    { title: 'a date', header: () => new Date(Date.now() + 2000).toUTCString() },
  ])('says in $title when to come back', async ({ header }) => {
    const { url } = await host((...args) =>
      inTurn(status(429, { 'Retry-After': header() }), ranged(bytes))(...args),
    );
    const start = performance.now();
    expect(
      bytes.equals(
        await fetchFile({ url: `${url}/${name}` }, { cache: false }, { ...QUICK, longestPause: 9000 }),
      ),
    ).toBe(true);
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  it('and wants a longer pause than anyone waits is given up', async () => {
    const { url, requests } = await host(status(503, { 'Retry-After': '3600' }));
    const error = await refusalOf(get(url), 'network');
    expect(error.message).toContain('answered 503 and asks to come back in 3600 s');
    expect(requests).toHaveLength(1);
  });

  it('connections is asked again, and named', async () => {
    const { url, close } = await host(status(200));
    await close();
    const cache = folder();
    const error = await refusalOf(get(url, { cache }), 'network');
    expect(error.message).toMatch(/ECONNREFUSED.*3 times in a row/);
    expect(error.message).toContain(`Or put the file there by hand: '${cache}/${name}'.`);
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe('a host that redirects', () => {
  it('is followed', async () => {
    const { url } = await host((response, request, turn) => {
      if (request.url === '/moved') ranged(bytes)(response, request, turn);
      else status(302, { Location: '/moved' })(response, request, turn);
    });
    const cache = folder();
    expect(bytes.equals(await get(url, { cache }))).toBe(true);
    expect(readdirSync(cache)).toEqual([name]);
  });

  it('in a circle is given up', async () => {
    const { url } = await host(status(302, { Location: `/${name}` }));
    expect((await refusalOf(get(url), 'network')).message).toMatch(/redirect/);
  });

  it('from https to http is refused', async () => {
    // There is no loopback https without a certificate that Node would trust.
    const answer = new Response(Uint8Array.from(bytes));
    Object.defineProperty(answer, 'url', { value: `http://mirror.example/${name}` });
    const fetch = vi.fn(async () => answer);
    vi.stubGlobal('fetch', fetch);
    try {
      const error = await refusalOf(get('https://host.example'), 'network');
      expect(error.message).toMatch(/leads to http:\/\/mirror\.example.*not encrypted/);
      expect(fetch).toHaveBeenCalledTimes(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('a host that serves the wrong file', () => {
  const wrong = content(bytes.length).bytes;
  const chunked: Answer = (response) => response.write(bytes, () => response.end(wrong));

  it.each([
    {
      title: 'other bytes',
      answer: ranged(wrong),
      by: {},
      says: new RegExp(`start with ${sha256.slice(0, 8)}, but is [0-9a-f]{64}`),
    },
    { title: 'a page', answer: ranged(Buffer.from('<html>sign in</html>')), by: {}, says: /SHA-256/ },
    {
      title: 'fewer bytes',
      answer: ranged(bytes.subarray(1)),
      by: { size: bytes.length },
      says: /3000000 bytes, but the host offers 2999999/,
    },
    {
      title: 'more bytes',
      answer: ranged(bytes),
      by: { size: 2_999_999 },
      says: /2999999 bytes, but the host offers 3000000/,
    },
    {
      title: 'more bytes, unsaid',
      answer: chunked,
      by: { size: bytes.length },
      says: /3000000 bytes, but the host goes on/,
    },
    {
      title: 'an impossible length',
      answer: inTurn((response) => response.writeHead(200, { 'Content-Length': 2 ** 40 }).write('x')),
      by: {},
      kind: 'unsupported' as const,
      says: /4 GiB/,
    },
  ])('$title: nothing is kept', async ({ answer, by, says, kind }) => {
    const { url, requests } = await host(answer);
    const cache = folder();
    const error = await refusalOf(
      fetchFile({ url: `${url}/${name}`, ...by }, { cache }, QUICK),
      kind ?? 'integrity',
    );
    expect(error.message).toMatch(says);
    expect(error.message).toContain(url);
    expect(readdirSync(cache)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('unless no digest is asked for', async () => {
    const { url } = await host(ranged(wrong));
    const file = { url: `${url}/${name}`, sha256: false as const };
    expect(wrong.equals(await fetchFile(file, { cache: false }, QUICK))).toBe(true);
  });

  it.each([sha256, sha256.toUpperCase(), sha256.slice(0, 12)])('as the digest %s shows', async (digest) => {
    const { url } = await host((response, request, turn) =>
      ranged(request.url === '/right' ? bytes : wrong)(response, request, turn),
    );
    const options = { cache: false as const };
    expect(bytes.equals(await fetchFile({ url: `${url}/right`, sha256: digest }, options, QUICK))).toBe(true);
    await refusalOf(fetchFile({ url: `${url}/wrong`, sha256: digest }, options, QUICK), 'integrity');
  });
});

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
