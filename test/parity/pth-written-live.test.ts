import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { readPth, type StateDict, type TensorData, writePth, writeSafetensors } from 'tfjs-prune/weights';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/weights/elements';
import { directory, localHeader } from '../../src/weights/pth/zip-writer';

const PYTHON = '/usr/bin/python3';
const script = (name: string): string => fileURLToPath(new URL(`./generate/${name}`, import.meta.url));
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/pth/${name}`, import.meta.url));
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0;
if (!hasTorch) console.log(`Skipped: ${PYTHON} has no torch to read the files with that were written here.`);

const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-written-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Python's own zip reader needs no torch. */
const python = (...args: string[]): string => execFileSync(PYTHON, args, { encoding: 'utf8' });

function contiguousStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((step, n) => step * Math.max(n, 1), 1));
}

/** Tensors as `pth_written.py` describes them. */
function described(state: StateDict): unknown[] {
  return [...state].map(([name, tensor]) => {
    const sha256 = createHash('sha256').update(bytesOf(tensor)).digest('hex');
    return [name, tensor.dtype, tensor.shape, contiguousStrides(tensor.shape), sha256];
  });
}

const odd: StateDict = new Map<string, TensorData>([
  ['größe 😀.weight', { shape: [2, 1], dtype: 'float32', data: Float32Array.of(-0, Number.NaN) }],
  ['', { shape: [], dtype: 'int64', data: BigInt64Array.of(-(2n ** 63n)) }],
  ['none', { shape: [3, 0, 2], dtype: 'float64', data: new Float64Array(0) }],
  ['10', { shape: [1], dtype: 'bool', data: Uint8Array.of(1) }],
  ['9', { shape: [300, 2], dtype: 'int16', data: new Int16Array(600).fill(-7) }],
  ['n'.repeat(300), { shape: [1, 1, 1, 1], dtype: 'bfloat16', data: Float32Array.of(1.5) }],
]);

// Without torch nothing says whether it accepts the files; what they are made of has tests of its own.
describe.skipIf(!hasTorch)(
  'torch.load, with weights_only=True and without, reads what writePth wrote',
  () => {
    it('of every type, with odd names and shapes, and of 1,000 tensors', async () => {
      const many: StateDict = new Map(
        Array.from({ length: 1000 }, (_, i) => [
          `layer${i}.weight`,
          { shape: [1], dtype: 'float32', data: Float32Array.of(i) },
        ]),
      );
      const states = [
        await readPth(fixture('dtypes.pth')),
        await readPth(fixture('half.pth')),
        odd,
        many,
        new Map(),
      ];
      const paths = states.map((_, i) => join(folder, `${i}.pth`));
      for (const [i, state] of states.entries()) await writePth(state, paths[i]!);
      const lines = python(script('pth_written.py'), ...paths)
        .trim()
        .split('\n');
      for (const [i, state] of states.entries()) expect(JSON.parse(lines[i]!)).toEqual(described(state));
    });

    it('and a reader of safetensors written from the specification reads what writeSafetensors wrote', async () => {
      const dtypes = await readPth(fixture('dtypes.pth'));
      for (const [name, state] of Object.entries({ dtypes, odd })) {
        const [st, pth] = [join(folder, `${name}.safetensors`), join(folder, `${name}.st.pth`)];
        await writeSafetensors(state, st);
        await writePth(state, pth);
        expect(JSON.parse(python(script('safetensors_reader.py'), st, pth))).toEqual({ format: 'pt' });
      }
    });
  },
);

const hasPython = spawnSync(PYTHON, ['-c', 'import zipfile']).status === 0;

// Python's zipfile is the second implementation.
describe.skipIf(!hasPython)('sizes beyond 32 bits', () => {
  it('are read by Python, from a file that is mostly a hole', () => {
    const path = join(folder, 'long.zip');
    const file = openSync(path, 'w');
    const entries = [
      { name: 'archive/a', size: 5, crc: crc32('short'), offset: 0 },
      { name: 'archive/long', size: 5_000_000_000, crc: 0, offset: 192 },
      { name: 'archive/b', size: 5, crc: crc32('short'), offset: 5_000_000_256 + 64 },
    ];
    for (const entry of entries) {
      const header = localHeader(entry);
      expect((entry.offset + header.length) % 64).toBe(0);
      writeSync(file, header, 0, header.length, entry.offset);
      if (entry.size === 5) writeSync(file, 'short', entry.offset + header.length);
    }
    // Python reads the directory only; the specification wants the same of the header before the data.
    const long = Buffer.from(localHeader(entries[1]!));
    const extra = 30 + 'archive/long'.length;
    expect([18, 22].map((at) => long.readUInt32LE(at))).toEqual([0xffffffff, 0xffffffff]);
    expect([long.readUInt16LE(extra), long.readUInt16LE(extra + 2)]).toEqual([1, 16]);
    expect([4, 12].map((at) => long.readBigUInt64LE(extra + at))).toEqual([5_000_000_000n, 5_000_000_000n]);
    const rest = directory(entries);
    const last = entries[2]!;
    writeSync(file, rest, 0, rest.length, last.offset + localHeader(last).length + last.size);
    closeSync(file);
    const program =
      'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]);' +
      "print([(i.filename, i.file_size, i.header_offset) for i in z.infolist()], z.read('archive/a'), z.read('archive/b'), z.open('archive/long').read(3))";
    const triples = entries.map(({ name, size, offset }) => `('${name}', ${size}, ${offset})`);
    expect(python('-c', program, path).trim()).toBe(
      `[${triples.join(', ')}] b'short' b'short' b'\\x00\\x00\\x00'`,
    );
  });
});
