import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { readPth, readSafetensors, type StateDict, writePth, writeSafetensors } from 'tfjs-prune/weights';
import { afterAll, describe, expect, it } from 'vitest';
import { isPruneError, type PruneErrorKind } from '../../../src/errors';

const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-'));
afterAll(() => rmSync(folder, { recursive: true }));

const state: StateDict = new Map([['w', { shape: [2], dtype: 'float32', data: Float32Array.of(1, 2) }]]);

async function refusal(promise: Promise<unknown>, kind: PruneErrorKind = 'file'): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isPruneError(error, kind)) throw error ?? new Error('It was not refused.');
  return error.message;
}

function pipe(name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

/** Windows has neither named pipes nor /dev. */
const posix = process.platform !== 'win32';

describe.each([
  { name: 'readPth', read: readPth, other: 'readSafetensors', wrong: () => writeSafetensors(state) },
  { name: 'readSafetensors', read: readSafetensors, other: 'readPth', wrong: () => writePth(state) },
])('$name', ({ name, read, other, wrong }) => {
  it('says that a path is a folder', async () => {
    expect(await refusal(read(folder))).toBe(`Cannot read the file '${folder}': it is a folder.`);
  });

  it.runIf(posix)('waits for no pipe and no device', async () => {
    for (const path of [pipe(`${name}.fifo`), '/dev/zero']) {
      expect(await refusal(read(path))).toMatch(/it is a pipe or a device.*createReadStream/);
    }
  });

  it.each(['https://example.org/net.pth', 'HTTP://example.org/model.safetensors.index.json'])(
    'says how to read what is at %s',
    async (address) => {
      const says = await refusal(read(address), 'argument');
      expect(says).toMatch(new RegExp(`^${name} needs a path, but got an address`));
      expect(says).toContain(`await download('${address}')`);
    },
  );

  it('names the path in place of an address of a file', async () => {
    expect(await refusal(read('file:///a/net.pth'), 'argument')).toMatch(/fileURLToPath/);
  });

  it('says that a file is empty', async () => {
    const path = join(folder, `${name}.empty`);
    writeFileSync(path, '');
    expect(await refusal(read(path))).toMatch(/: it is empty\.$/);
    expect(await refusal(read(new Uint8Array(0)))).toMatch(/the bytes given .*: it is empty\.$/);
  });

  it('says which function reads the other format', async () => {
    expect(await refusal(read(await wrong()))).toContain(`read it with ${other}`);
  });

  it.each([
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0123', /Git LFS.*git lfs pull/],
    ['\n<!DOCTYPE html><html>', /web page/],
    ['{"weight_map": {"w": "model-00001-of-00002.safetensors"}}', /JSON.*path/],
  ])('says what %j is', async (text, says) => {
    expect(await refusal(read(new TextEncoder().encode(text)))).toMatch(says);
  });

  it('says what to pass in place of a promise, a blob and a response', async () => {
    for (const [source, says] of [
      [Promise.resolve(new Uint8Array(1)), /await/],
      [new Blob(['x']), /arrayBuffer\(\)/],
      [new Response('x'), /\.body/],
    ] as const) {
      // Untyped code may give anything.
      expect(await refusal(read(source as never), 'argument')).toMatch(says);
    }
  });
});

describe.each([
  { name: 'writePth', write: writePth, read: readPth },
  { name: 'writeSafetensors', write: writeSafetensors, read: readSafetensors },
])('$name', ({ name, write, read }) => {
  it("writes to Node's streams, whose files Node's streams read", async () => {
    const path = join(folder, name);
    await write(state, createWriteStream(path));
    expect(await read(createReadStream(path, { highWaterMark: 7 }))).toEqual(state);
    expect(readFileSync(path).equals(await write(state))).toBe(true);
  });

  it("passes on why one of Node's streams fails", async () => {
    expect(await refusal(read(createReadStream(join(folder, 'missing'))))).toMatch(/ENOENT/);
    expect(await refusal(write(state, createWriteStream(join(folder, 'no', 'file'))))).toMatch(/ENOENT/);
    const full = new Writable({ write: (_, __, done) => done(new Error('the disk is full')) });
    expect(await refusal(write(state, full))).toMatch(/the disk is full/);
    expect(full.destroyed).toBe(true);
  });

  it.runIf(posix)('puts no file in the place of a folder, a pipe or a device', async () => {
    expect(await refusal(write(state, folder))).toMatch(/it is a folder/);
    const path = pipe(`${name}.fifo`);
    expect(await refusal(write(state, path))).toMatch(/it is a pipe or a device.*createWriteStream/);
    expect(lstatSync(path).isFIFO()).toBe(true);
    expect(readdirSync(folder).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  it.runIf(posix)('keeps links and permissions', async () => {
    const path = join(folder, `${name}.kept`);
    const link = join(folder, `${name}.link`);
    writeFileSync(path, 'before');
    chmodSync(path, 0o660);
    symlinkSync(path, link);
    await write(state, link);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(await read(path)).toEqual(state);
  });
});
