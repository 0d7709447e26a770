import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { download } from 'tfjs-prune/weights';
import { describe, expect, it, vi } from 'vitest';
import { fetchFile } from '../../../../src/weights/download/fetch-file';
import { content, cutOff, folder, host, QUICK, ranged, refusalOf } from './host';

describe('download', () => {
  it('returns the bytes, keeps the file under the name that torch uses, and then needs no host', async () => {
    const { bytes, name } = content(300_000);
    const { url, requests, close } = await host(ranged(bytes));
    const cache = join(folder(), 'made', 'when needed');
    const first = await download(`${url}/models/${name}`, { cache });
    expect(bytes.equals(first)).toBe(true);
    expect(first.buffer.byteLength).toBe(bytes.length);
    expect(readdirSync(cache)).toEqual([name]);
    expect(readFileSync(join(cache, name)).equals(bytes)).toBe(true);
    await close();
    expect(bytes.equals(await download(`${url}/models/${name}`, { cache }))).toBe(true);
    expect(requests).toHaveLength(1);
  });

  it('keeps nothing with { cache: false }', async () => {
    const { bytes, name } = content(1000);
    const { url, requests } = await host(ranged(bytes));
    vi.stubEnv('TORCH_HOME', folder());
    for (const turn of [1, 2]) {
      expect(await download(`${url}/${name}`, { cache: false })).toEqual(new Uint8Array(bytes));
      expect(requests).toHaveLength(turn);
    }
    expect(readdirSync(process.env.TORCH_HOME ?? '')).toEqual([]);
    vi.unstubAllEnvs();
  });

  it('does not take a file for another one of the same name from elsewhere', async () => {
    const [a, b] = [content(100), content(100)];
    const { url } = await host((response, { url }) =>
      response.end(url === '/a/model.bin' ? a.bytes : b.bytes),
    );
    const cache = folder();
    for (const turn of ['first', 'again']) {
      expect(await download(`${url}/a/model.bin`, { cache }), turn).toEqual(new Uint8Array(a.bytes));
      expect(await download(`${url}/b/model.bin`, { cache }), turn).toEqual(new Uint8Array(b.bytes));
    }
    expect(await download({ url: `${url}/a/model.bin`, name: 'mine.bin' }, { cache })).toHaveLength(100);
    expect(readdirSync(cache)).toContain('mine.bin');
  });

  it('takes an empty file', async () => {
    const { url } = await host((response) => response.end());
    expect(await download({ url: `${url}/empty`, size: 0 }, { cache: folder() })).toEqual(new Uint8Array());
  });

  it('takes a file without a length, and one that comes compressed', async () => {
    const { bytes, name } = content(9_000_000);
    const { url } = await host((response, _, turn) => {
      if (turn === 0)
        response.write(bytes.subarray(0, 4_000_000), () => response.end(bytes.subarray(4_000_000)));
      else response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(bytes));
    });
    for (const file of [{ url: `${url}/${name}` }, { url: `${url}/${name}`, size: bytes.length }]) {
      const received = await download(file, { cache: false });
      expect(Buffer.from(received).equals(bytes)).toBe(true);
      expect(received.buffer.byteLength).toBe(bytes.length);
    }
  });
});

describe('progress', () => {
  const track = (): { fractions: number[]; onProgress: (fraction: number) => void } => {
    const fractions: number[] = [];
    return { fractions, onProgress: (fraction) => fractions.push(fraction) };
  };
  const expectProgress = (fractions: readonly number[]): void => {
    expect(fractions[0]).toBe(0);
    expect(fractions.filter((fraction) => fraction === 1)).toHaveLength(1);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...new Set(fractions)].sort((a, b) => a - b));
  };

  it('goes from 0 to 1, also over a download that starts again, and is 1 for a cached file', async () => {
    const { bytes, name } = content(2_000_000);
    const { url } = await host((response, request, turn) => {
      const answer = turn === 0 ? cutOff(bytes, 1_500_000) : ranged(bytes);
      // Not the range asked for: all of it.
      if (turn === 1) delete request.headers.range;
      answer(response, request, turn);
    });
    const cache = folder();
    const first = track();
    await fetchFile({ url: `${url}/${name}` }, { cache, onProgress: first.onProgress }, QUICK);
    expectProgress(first.fractions);
    expect(first.fractions.length).toBeGreaterThan(5);
    const second = track();
    await fetchFile({ url: `${url}/${name}` }, { cache, onProgress: second.onProgress }, QUICK);
    expect(second.fractions).toEqual([1]);
  });

  it('is 0 and 1 where the length is not known', async () => {
    const { bytes } = content(1_000_000);
    const { url } = await host((response) => response.write(bytes, () => response.end()));
    const { fractions, onProgress } = track();
    await download(`${url}/unknown`, { cache: false, onProgress });
    expect(fractions).toEqual([0, 1]);
  });

  it('lets what the callback throws through, once, and leaves no whole file', async () => {
    const { bytes, name } = content(2_000_000);
    const { url, requests } = await host(ranged(bytes));
    const cache = folder();
    const onProgress = (fraction: number): void => {
      if (fraction > 0.1) throw new RangeError('mine');
    };
    await expect(download(`${url}/${name}`, { cache, onProgress })).rejects.toThrow('mine');
    expect(requests).toHaveLength(1);
    expect(existsSync(join(cache, name))).toBe(false);
  });
});

describe('a cached file', () => {
  it.each([
    { title: 'of another digest', wrong: Buffer.alloc(5000, 1), by: {} },
    { title: 'of another length', wrong: Buffer.alloc(4999), by: { sha256: false as const, size: 5000 } },
    { title: 'that is empty', wrong: Buffer.alloc(0), by: {} },
  ])('$title is replaced, with a warning', async ({ wrong, by }) => {
    const { bytes, name } = content(5000);
    const { url, requests } = await host(ranged(bytes));
    const cache = folder();
    writeFileSync(join(cache, name), wrong);
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    expect(await download({ url: `${url}/${name}`, ...by }, { cache })).toEqual(new Uint8Array(bytes));
    expect(warn.mock.calls.flat()).toEqual([expect.stringContaining(join(cache, name))]);
    warn.mockRestore();
    expect(readFileSync(join(cache, name)).equals(bytes)).toBe(true);
    expect(requests).toHaveLength(1);
  });

  it('is left as it is if it cannot be replaced', async () => {
    const { name } = content(5000);
    const { url, close } = await host((response) => response.end());
    await close();
    const cache = folder();
    writeFileSync(join(cache, name), 'not it');
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    await refusalOf(fetchFile({ url: `${url}/${name}` }, { cache }, QUICK), 'network');
    warn.mockRestore();
    expect(readFileSync(join(cache, name), 'utf8')).toBe('not it');
    expect(readdirSync(cache)).toEqual([name]);
  });
});
