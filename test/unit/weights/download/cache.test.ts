import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { torchCheckpoints } from '../../../../src/weights/download/cache.node';
import { fetchFile } from '../../../../src/weights/download/fetch-file';
import { content, cutOff, failureOf, folder, host, QUICK, ranged, refusalOf } from './host';

const { bytes, name } = content(3_000_000);
const partialName = (of: string = name): string => `${of}.${crypto.randomUUID()}.partial`;

describe("torch's folder", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const below = (...parts: string[]): string => resolve(...parts, 'hub', 'checkpoints');
  it.each([
    { torch: '/t', xdg: '/x', expected: below('/t') },
    { torch: undefined, xdg: '/x', expected: below('/x/torch') },
    { torch: undefined, xdg: undefined, expected: below(homedir(), '.cache/torch') },
    { torch: '', xdg: '', expected: below(homedir(), '.cache/torch') },
    { torch: '~/t', xdg: undefined, expected: below(homedir(), 't') },
    { torch: '~', xdg: undefined, expected: below(homedir()) },
    { torch: undefined, xdg: '~/x', expected: below(homedir(), 'x/torch') },
    { torch: 'relative', xdg: undefined, expected: below('relative') },
  ])('is $expected for TORCH_HOME=$torch and XDG_CACHE_HOME=$xdg', ({ torch, xdg, expected }) => {
    vi.stubEnv('TORCH_HOME', torch);
    vi.stubEnv('XDG_CACHE_HOME', xdg);
    expect(torchCheckpoints()).toBe(expected);
  });

  it('is where files go', async () => {
    const home = folder();
    vi.stubEnv('TORCH_HOME', home);
    const { url } = await host(ranged(bytes));
    await fetchFile({ url: `${url}/${name}` });
    expect(readdirSync(join(home, 'hub', 'checkpoints'))).toEqual([name]);
  });
});

describe('what is left over', () => {
  it('is kept by a download that fails, used by the next, and then gone', async () => {
    const { url, requests, close } = await host(cutOff(bytes, 1_500_000));
    const cache = folder();
    await refusalOf(fetchFile({ url: `${url}/${name}` }, { cache }, QUICK), 'network');
    expect(requests[1]?.range).toMatch(/^bytes=\d{7}-$/);
    await close();
    const [left = ''] = readdirSync(cache);
    const { size } = statSync(join(cache, left));
    expect(size).toBeGreaterThan(0);
    const good = await host(ranged(bytes));
    expect(bytes.equals(await fetchFile({ url: `${good.url}/${name}` }, { cache }, QUICK))).toBe(true);
    expect(good.requests.map(({ range }) => range)).toEqual([`bytes=${size}-`]);
    expect(readdirSync(cache)).toEqual([name]);
  });

  it('is the longest only', async () => {
    const cache = folder();
    for (const length of [10, 2_000_000, 1000]) {
      writeFileSync(join(cache, partialName()), bytes.subarray(0, length));
    }
    const { url, requests, close } = await host(ranged(bytes));
    await close();
    await refusalOf(fetchFile({ url: `${url}/${name}` }, { cache }, QUICK), 'network');
    expect(requests).toEqual([]);
    expect(readdirSync(cache).map((entry) => readFileSync(join(cache, entry)).length)).toEqual([2_000_000]);
  });

  it('of wrong bytes costs a second request and is gone', async () => {
    const cache = folder();
    writeFileSync(join(cache, partialName()), Buffer.alloc(2_000_000));
    const { url, requests } = await host(ranged(bytes));
    expect(bytes.equals(await fetchFile({ url: `${url}/${name}` }, { cache }, QUICK))).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual(['bytes=2000000-', undefined]);
    expect(readdirSync(cache)).toEqual([name]);
  });

  it.each([
    { title: 'as long as the file', length: bytes.length, size: undefined },
    { title: 'longer than the file', length: bytes.length + 1, size: undefined },
    { title: 'longer than the file is known to be', length: bytes.length + 1, size: bytes.length },
  ])('$title does no harm', async ({ length, size }) => {
    const cache = folder();
    writeFileSync(join(cache, partialName()), Buffer.concat([bytes, Buffer.alloc(1)]).subarray(0, length));
    const { url, requests } = await host(ranged(bytes));
    const file = { url: `${url}/${name}`, ...(size === undefined ? {} : { size }) };
    expect(bytes.equals(await fetchFile(file, { cache }, QUICK))).toBe(true);
    expect(requests.length).toBeLessThanOrEqual(2);
    expect(readdirSync(cache)).toEqual([name]);
  });

  it('is not used for a file without a digest, of which nothing is kept', async () => {
    const cache = folder();
    writeFileSync(join(cache, partialName('plain.bin')), Buffer.alloc(1000));
    const { url, requests } = await host((response, request, turn) =>
      (turn === 0 ? ranged(bytes) : cutOff(bytes, 1000))(response, request, turn),
    );
    const file = { url: `${url}/x`, name: 'plain.bin' };
    expect(bytes.equals(await fetchFile(file, { cache }, QUICK))).toBe(true);
    expect(requests[0]?.range).toBe(undefined);
    await refusalOf(fetchFile({ ...file, name: 'other.bin' }, { cache }, QUICK), 'network');
    expect(readdirSync(cache)).toEqual(['plain.bin']);
  });

  it('of other files is left alone', async () => {
    const cache = folder();
    const others = [
      partialName('x.pth'),
      `${name}.partial`,
      `${name}.old.partial`,
      partialName(`${name}.old`),
    ];
    for (const other of others) writeFileSync(join(cache, other), 'x');
    const { url } = await host(ranged(bytes));
    await fetchFile({ url: `${url}/${name}` }, { cache }, QUICK);
    expect(readdirSync(cache).sort()).toEqual([name, ...others].sort());
  });

  it('that is no file is left alone', async () => {
    const cache = folder();
    const stray = partialName();
    mkdirSync(join(cache, stray));
    const { url } = await host(ranged(bytes));
    expect(bytes.equals(await fetchFile({ url: `${url}/${name}` }, { cache }, QUICK))).toBe(true);
    expect(readdirSync(cache).sort()).toEqual([stray, name].sort());
  });

  it('may be of a download that goes on, and is no worse off', async () => {
    const cache = folder();
    let release = (): void => {};
    const { url, requests } = await host((response, request, turn) => {
      if (turn > 0) return ranged(bytes)(response, request, turn);
      response.writeHead(200, { 'Content-Length': bytes.length }).write(bytes.subarray(0, 1_000_000));
      release = () => response.end(bytes.subarray(1_000_000));
    });
    const file = { url: `${url}/${name}` };
    const pace = { ...QUICK, stall: 20_000 };
    const first = fetchFile(file, { cache }, pace);
    const written = (): number[] =>
      readdirSync(cache).map((entry) => readFileSync(join(cache, entry)).length);
    await expect.poll(written).toEqual([1_000_000]);
    expect(bytes.equals(await fetchFile(file, { cache }, pace))).toBe(true);
    expect(requests[1]?.range).toBe('bytes=1000000-');
    expect(readdirSync(cache)).toEqual([name]);
    release();
    expect(bytes.equals(await first)).toBe(true);
    expect(readdirSync(cache)).toEqual([name]);
    expect(readFileSync(join(cache, name)).equals(bytes)).toBe(true);
  });

  it('is kept when a signal aborts', async () => {
    const cache = folder();
    const { url } = await host((response) => {
      response.writeHead(200, { 'Content-Length': bytes.length }).write(bytes.subarray(0, 1000));
    });
    const controller = new AbortController();
    const onProgress = (fraction: number): void => {
      if (fraction > 0) controller.abort();
    };
    const options = { cache, onProgress, signal: controller.signal };
    const error = await failureOf(fetchFile({ url: `${url}/${name}` }, options, QUICK));
    expect(error).toBe(controller.signal.reason);
    expect(readdirSync(cache)).toHaveLength(1);
    expect(existsSync(join(cache, name))).toBe(false);
  });
});

describe('a folder that cannot be used', () => {
  it('because it is a file is refused before any request', async () => {
    const cache = join(folder(), 'file');
    writeFileSync(cache, '');
    const { url, requests } = await host(ranged(bytes));
    const error = await refusalOf(fetchFile({ url: `${url}/${name}` }, { cache }, QUICK), 'file');
    expect(error.message).toContain(`'${cache}'`);
    expect(error.message).toMatch(/\{ cache: FOLDER \}.*\{ cache: false \}/);
    expect(requests).toEqual([]);
  });

  it("because a folder has the file's name is named", async () => {
    const cache = folder();
    mkdirSync(join(cache, name));
    const { url } = await host(ranged(bytes));
    const error = await refusalOf(fetchFile({ url: `${url}/${name}` }, { cache }, QUICK), 'file');
    expect(error.message).toContain(join(cache, name));
    expect(readdirSync(cache)).toEqual([name]);
  });

  // Windows has no named pipes.
  it.runIf(process.platform !== 'win32')("because a pipe has the file's name waits for nothing", async () => {
    const cache = folder();
    execFileSync('mkfifo', [join(cache, name)]);
    const { url, requests } = await host(ranged(bytes));
    const error = await refusalOf(fetchFile({ url: `${url}/${name}` }, { cache }, QUICK), 'file');
    expect(error.message).toMatch(/not a file/);
    expect(requests).toEqual([]);
    expect(readdirSync(cache)).toEqual([name]);
  });
});
