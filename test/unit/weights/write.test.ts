import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type FileTarget,
  readPth,
  readSafetensors,
  type StateDict,
  type TensorData,
  type WriteSafetensorsOptions,
  writePth,
  writeSafetensors,
} from 'tfjs-prune/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPruneError, type PruneErrorKind } from '../../../src/errors';
import { writeBytes as refuseToWrite } from '../../../src/weights/bytes.browser';

const one: TensorData = { shape: [1], dtype: 'float32', data: Float32Array.of(1) };
const large: TensorData = { shape: [100_000], dtype: 'int32', data: new Int32Array(100_000).fill(-5) };
const state: StateDict = new Map([
  ['one', one],
  ['large', large],
]);

async function expectRejected(
  promise: Promise<unknown>,
  message: RegExp,
  kind: PruneErrorKind = 'file',
): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isPruneError(error) ? `${error.kind}: ${error.message}` : error).toMatch(
    new RegExp(`^${kind}: .*${message.source}`),
  );
  return error;
}

const formats = [
  { name: 'writePth', write: writePth, read: readPth },
  { name: 'writeSafetensors', write: writeSafetensors, read: readSafetensors },
] as const;

describe.each(formats)('$name', ({ name, write, read }) => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('writes the same to a path, to a stream and to bytes', async () => {
    const bytes = Buffer.from(await write(state));
    const path = join(folder, 'file');
    writeFileSync(path, 'what was there before');
    expect(await write(state, path)).toBeUndefined();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual(['file']);
    const pieces: Uint8Array[] = [];
    let closed = false;
    const stream = new WritableStream<Uint8Array>({
      write: (piece) => void pieces.push(piece.slice()),
      close: () => {
        closed = true;
      },
    });
    await write(state, stream);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    expect({ closed, locked: stream.locked }).toEqual({ closed: true, locked: false });
    expect(new Map([...(await read(path))].sort().reverse())).toEqual(state);
  });

  it('does not copy what it writes to a stream', async () => {
    const seen: Uint8Array[] = [];
    await write(state, new WritableStream({ write: (piece) => void seen.push(piece) }));
    expect(seen.some(({ buffer }) => buffer === large.data.buffer)).toBe(true);
  });

  it('leaves nothing behind, and what was there as it was, if a file cannot be written', async () => {
    await expectRejected(
      write(state, join(folder, 'no', 'file')),
      /Cannot write the file '.*no\/file': ENOENT/,
    );
    const path = join(folder, 'file');
    writeFileSync(path, 'what was there before');
    await expectRejected(write(state, join(path, 'file')), /ENOTDIR/);
    mkdirSync(join(folder, 'folder'));
    await expectRejected(write(state, join(folder, 'folder')), /Cannot write/);
    expect(readdirSync(folder)).toEqual(['file', 'folder']);
    expect(readFileSync(path, 'utf8')).toBe('what was there before');
  });

  it('aborts a stream that fails, and passes the cause on', async () => {
    const cause = new Error('the disk is full');
    const stream = new WritableStream<Uint8Array>({
      write: ({ length }) => {
        if (length > 1000) throw cause;
      },
    });
    const error = await expectRejected(
      write(state, stream),
      /could not be written to its end: the disk is full/,
    );
    expect(isPruneError(error) && error.cause).toBe(cause);
    expect(stream.locked).toBe(false);
  });

  it('refuses a stream that something else writes to, and other targets', async () => {
    const stream = new WritableStream<Uint8Array>();
    stream.getWriter();
    await expectRejected(write(state, stream), /locked/, 'argument');
    for (const target of [5, {}, null]) {
      // Untyped code may give anything.
      await expectRejected(
        write(state, target as never as FileTarget),
        /a path or a WritableStream/,
        'argument',
      );
    }
  });

  it.each<[string, unknown, RegExp, PruneErrorKind]>([
    ['an object', { one }, /needs a Map<string, TensorData>.*but got/, 'argument'],
    ['a promise', Promise.resolve(new Map()), /class Promise: await it\./, 'argument'],
    ['names that are no text', new Map([[5, one]]), /names that are text, but got 5/, 'argument'],
    ['half a character', new Map([['\ud800', one]]), /names that are text/, 'argument'],
    ['null', new Map([['w', null]]), /'w' is null, not \{ shape, dtype, data \}/, 'argument'],
    ['no shape', new Map([['w', { ...one, shape: 1 }]]), /'w' is .*not \{ shape, dtype, data \}/, 'argument'],
    ['a negative size', new Map([['w', { ...one, shape: [-1] }]]), /'w' is .*not \{ shape/, 'argument'],
    ['a type that there is not', new Map([['w', { ...one, dtype: 'toString' }]]), /'w' is .*not/, 'argument'],
    ['data in a list', new Map([['w', { ...one, data: [1] }]]), /'w' is .*not/, 'argument'],
    [
      'data of another type',
      new Map([['w', { ...one, dtype: 'int64' }]]),
      /'w' of type int64 needs a BigInt64Array, but has an object of class Float32Array/,
      'argument',
    ],
    [
      'halves in their own bits',
      new Map([['w', { ...one, dtype: 'float16', data: new Int16Array(1) }]]),
      /needs a Float32Array/,
      'argument',
    ],
    [
      'too few elements',
      new Map([['w', { ...one, shape: [2, 3] }]]),
      /'w' of shape \[2, 3\] needs 6 elements, but has 1/,
      'shape',
    ],
    [
      'booleans of 2',
      new Map([['w', { shape: [1], dtype: 'bool', data: Uint8Array.of(2) }]]),
      /besides 0 and 1/,
      'argument',
    ],
  ])('refuses %s before it writes anything', async (_, dict, message, kind) => {
    const path = join(folder, 'file');
    // Untyped code may give anything.
    const promise = write(dict as StateDict, path);
    await expectRejected(promise, new RegExp(`${name}.*${message.source}`), kind);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('writeSafetensors', () => {
  it('keeps the name of the metadata free', async () => {
    await expectRejected(
      writeSafetensors(new Map([['__metadata__', one]])),
      /may be called '__metadata__'/,
      'argument',
    );
  });

  it('writes metadata', async () => {
    const bytes = await writeSafetensors(state, undefined, { metadata: { b: 'größe "x"', a: '' } });
    expect(new TextDecoder().decode(bytes)).toContain('{"__metadata__":{"b":"größe \\"x\\"","a":""},');
  });

  it.each([null, 5, { metadata: 5 }, { metadata: { a: 1 } }, { metadata: { '\ud800': '' } }])(
    'refuses %j as options',
    async (options) => {
      // Untyped code may give anything.
      const promise = writeSafetensors(state, undefined, options as WriteSafetensorsOptions);
      await expectRejected(promise, /the options must be \{ metadata/, 'argument');
    },
  );
});

it('refuses options that would be ignored, as those of save_file', async () => {
  const options: object = { format: 'pt' };
  const promise = writeSafetensors(state, undefined, options);
  await expectRejected(promise, /no option 'format'; there are: metadata/, 'argument');
});

it('says in a browser where bytes can go instead', async () => {
  await expectRejected(
    refuseToWrite('pruned.pth'),
    /'pruned\.pth': a browser has no file system\. .*WritableStream/,
    'unsupported',
  );
});
