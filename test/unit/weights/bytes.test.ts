import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPth } from 'tfjs-prune/weights';
import { afterAll, expect, it } from 'vitest';
import { isPruneError } from '../../../src/errors';
import { readBytes as refuseBytes } from '../../../src/weights/bytes.browser';
import { readBytes } from '../../../src/weights/bytes.node';

const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-'));
afterAll(() => rmSync(folder, { recursive: true }));

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

it('reads a file into a buffer of its own', async () => {
  const path = join(folder, 'some.bin');
  writeFileSync(
    path,
    Uint8Array.from({ length: 100_000 }, (_, i) => i),
  );
  const bytes = await readBytes(path);
  expect(bytes.byteOffset).toBe(0);
  expect(bytes.buffer.byteLength).toBe(100_000);
  expect(bytes[70_001]).toBe(70_001 % 256);
});

it('names a file that is missing, or that is a folder', async () => {
  for (const path of [join(folder, 'missing.pth'), folder]) {
    const error = await failure(readPth(path));
    expect(isPruneError(error, 'file') && error.message).toContain(path);
    expect(isPruneError(error) && error.given).toBe(path);
  }
});

it('says in a browser that bytes are needed instead', async () => {
  const error = await failure(refuseBytes('resnet50.pth'));
  expect(isPruneError(error, 'unsupported') && error.message).toMatch(/'resnet50\.pth'.*ArrayBuffer/);
});

it('refuses a source of another type', async () => {
  for (const json of ['42', 'null', '[1, 2]', '{"path": "x.pth"}']) {
    const error = await failure(readPth(JSON.parse(json)));
    expect(isPruneError(error, 'argument')).toBe(true);
  }
});
