import { readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { fetchFile } from '../../../../src/weights/download/fetch-file';
import type { DownloadOptions } from '../../../../src/weights/download/remote-file';
import { type Answer, content, folder, host, inTurn, QUICK, ranged, refusalOf, status } from './host';

const { bytes, name, sha256 } = content(3_000_000);

const get = (url: string, options: DownloadOptions = { cache: false }): Promise<Uint8Array> =>
  fetchFile({ url: `${url}/${name}` }, options, QUICK);

describe('a host that refuses', () => {
  it.each([404, 403, 410, 401, 400, 501, 204])('with %i is asked once', async (code) => {
    const { url, requests } = await host(status(code));
    const cache = folder();
    const error = await refusalOf(get(url, { cache }), 'network');
    expect(error.message).toMatch(
      new RegExp(`${url}/${name}: the host answered ${code}\\. You can get .*${cache}/${name}'`),
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
    expect(error.message).toContain(
      `You can get the file elsewhere and put it there by hand: '${cache}/${name}'.`,
    );
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('at each of its addresses is named with all of them', async () => {
    // What Node throws for a name with an address of each sort; the error around them says nothing.
    const causes = ['connect ECONNREFUSED ::1:1', 'connect ENETUNREACH 127.0.0.1:1'].map(
      (text) => new Error(text),
    );
    const failed = new TypeError('fetch failed', { cause: new AggregateError(causes) });
    vi.stubGlobal('fetch', () => Promise.reject(failed));
    try {
      const error = await refusalOf(get('http://host.example'), 'network');
      expect(error.message).toMatch(
        /fetch failed: connect ECONNREFUSED ::1:1; connect ENETUNREACH 127\.0\.0\.1:1, 3/,
      );
    } finally {
      vi.unstubAllGlobals();
    }
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
