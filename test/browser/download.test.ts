import { download } from 'tfjs-prune/weights';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { isPruneError } from '../../src/errors';
import { fetchFile } from '../../src/weights/download/fetch-file';
import type { Pace } from '../../src/weights/download/pace';
import { sha256 } from '../../src/weights/download/sha256.browser';

const host = inject('downloadHost');
const name = inject('downloadName');
const digest = name.slice('net-'.length, -'.pth'.length);
const QUICK: Pace = { failures: 3, firstPause: 1, longestPause: 1000, stall: 500 };

const counted = async (url: string): Promise<number> =>
  Number(await (await fetch(url.replace(host, `${host}/count`))).text());
const isWhole = async (bytes: Uint8Array<ArrayBuffer>): Promise<boolean> =>
  (await sha256(bytes)).startsWith(digest);

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  for (const key of await caches.keys()) await caches.delete(key);
});

describe('in a browser, a download', () => {
  it('is kept in the Cache API, and then needs no host', async () => {
    const url = `${host}/whole/kept/${name}`;
    const fractions: number[] = [];
    const onProgress = (fraction: number): void => {
      fractions.push(fraction);
    };
    const first = await download(url, { onProgress });
    expect(await isWhole(first)).toBe(true);
    expect(fractions[0]).toBe(0);
    expect(fractions.filter((fraction) => fraction === 1)).toHaveLength(1);
    expect(fractions).toEqual([...new Set(fractions)].sort((a, b) => a - b));
    expect(await isWhole(await download(url, { onProgress }))).toBe(true);
    expect(await counted(url)).toBe(1);
    const keys = await (await caches.open('tfjs-prune')).keys();
    expect(keys.map((key) => key.url)).toEqual([expect.stringMatching(`/${name}$`)]);
  });

  it('may have a cache of another name, or none', async () => {
    const url = `${host}/whole/named/${name}`;
    await download(url, { cache: 'mine' });
    expect(await caches.keys()).toEqual(['mine']);
    await download(url, { cache: false });
    expect(await counted(url)).toBe(2);
    expect(await caches.keys()).toEqual(['mine']);
  });

  it('replaces a bad file in the cache, with a warning', async () => {
    const url = `${host}/whole/bad/${name}`;
    await download(url);
    const cache = await caches.open('tfjs-prune');
    const [key] = await cache.keys();
    await cache.put(key ?? '', new Response('bad', { headers: { 'Content-Length': '3' } }));
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    expect(await isWhole(await download(url))).toBe(true);
    expect(warn.mock.calls.flat()).toEqual([expect.stringContaining(name)]);
    expect(await isWhole(await download(url))).toBe(true);
    expect(await counted(url)).toBe(2);
  });

  it.each([
    ['is longer than it says', new Response('far too long', { headers: { 'Content-Length': '3' } })],
    ['does not say its length', new Response('bad')],
  ])('replaces a file in the cache that %s', async (what, response) => {
    const url = `${host}/whole/${what.replaceAll(' ', '-')}/${name}`;
    await download(url);
    const cache = await caches.open('tfjs-prune');
    const [key] = await cache.keys();
    await cache.put(key ?? '', response);
    vi.spyOn(console, 'warn').mockReturnValue();
    expect(await isWhole(await download(url))).toBe(true);
    expect(await counted(url)).toBe(2);
  });

  it('needs no cache that does not work, and says so', async () => {
    const url = `${host}/whole/broken/${name}`;
    await download(url);
    vi.spyOn(Cache.prototype, 'match').mockRejectedValue(
      new DOMException('The disk is broken.', 'UnknownError'),
    );
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    expect(await isWhole(await download(url))).toBe(true);
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/The disk is broken/)]);
  });

  it.each([
    { what: 'cut', requests: 2 },
    { what: 'resumed', requests: 2 },
  ])(
    'that is cut off is taken up again, by a host that allows no preflight: $what',
    async ({ what, requests }) => {
      const url = `${host}/${what}/again/${name}`;
      expect(await isWhole(await fetchFile({ url }, { cache: false }, QUICK))).toBe(true);
      expect(await counted(url)).toBe(requests);
    },
  );

  it('of the wrong file is refused, and not kept', async () => {
    const error = await failureOf(download(`${host}/wrong/refused/${name}`));
    expect(isPruneError(error, 'integrity')).toBe(true);
    expect(await (await caches.open('tfjs-prune')).keys()).toEqual([]);
  });

  it('that fails says what a browser can know', async () => {
    const missing = await failureOf(fetchFile({ url: `${host}/missing/${name}` }, {}, QUICK));
    expect(isPruneError(missing, 'network') && missing.message).toMatch(/answered 404\. Or get the file/);
    const closed = await failureOf(fetchFile({ url: `${host}/closed/${name}` }, {}, QUICK));
    expect(isPruneError(closed, 'network') && closed.message).toMatch(/does not let other sites read/);
    const silent = await failureOf(fetchFile({ url: `${host}/silent/${name}` }, {}, QUICK));
    expect(isPruneError(silent, 'network') && silent.message).toMatch(/no byte came for 0\.5 s/);
  });

  it('is aborted with the reason of its signal', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const error = await failureOf(download(`${host}/silent/aborted/${name}`, { signal: controller.signal }));
    expect(error).toBe(controller.signal.reason);
    expect(error instanceof DOMException && error.name).toBe('AbortError');
  });
});

describe('without a cache, a download works, and warns once', () => {
  it.each([
    {
      title: 'on a page that is not served securely',
      spoil: () => vi.stubGlobal('caches', undefined),
      says: /localhost/,
    },
    {
      title: 'where the browser refuses one',
      spoil: () =>
        vi.spyOn(CacheStorage.prototype, 'open').mockRejectedValue(new DOMException('no', 'SecurityError')),
      says: /SecurityError/,
    },
    {
      title: 'where the disk is full',
      spoil: () =>
        vi.spyOn(Cache.prototype, 'put').mockRejectedValue(new DOMException('full', 'QuotaExceededError')),
      says: /QuotaExceededError/,
    },
  ])('$title', async ({ title, spoil, says }) => {
    const url = `${host}/whole/${encodeURIComponent(title)}/${name}`;
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    spoil();
    for (const turn of [1, 2]) {
      expect(await isWhole(await download(url))).toBe(true);
      expect(await counted(url)).toBe(turn);
    }
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(says)]);
  });

  it('checks the digest in JavaScript where there is no WebCrypto', async () => {
    vi.stubGlobal('crypto', {});
    expect(await download(`${host}/whole/software/${name}`, { cache: false })).toHaveLength(3_000_000);
    const error = await failureOf(download(`${host}/wrong/software/${name}`, { cache: false }));
    expect(isPruneError(error, 'integrity')).toBe(true);
  });
});
