import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSafetensors, writeSafetensors } from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { readStateDict } from '../../src/weights/read-state-dict';
import { type Described, expectAsDescribed } from './described';

const path = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const expected: Record<string, Array<[string, Described]>> = JSON.parse(
  readFileSync(path('safetensors/expected.json'), 'utf8'),
).files;

describe('readSafetensors reads what the reference implementation wrote', () => {
  it.each(['dtypes', 'names', 'shapes', 'nothing', 'net'])(
    '%s.safetensors, from a path, a Uint8Array, an ArrayBuffer and a stream',
    async (name) => {
      const file = path(`safetensors/${name}.safetensors`);
      expectAsDescribed(await readSafetensors(file), expected[name]!);
      const bytes = new Uint8Array(readFileSync(file));
      expectAsDescribed(await readSafetensors(bytes), expected[name]!);
      expectAsDescribed(await readSafetensors(bytes.buffer), expected[name]!);
      expectAsDescribed(await readSafetensors(new Blob([bytes]).stream()), expected[name]!);
    },
  );

  it('wherever its bytes lie', async () => {
    const bytes = readFileSync(path('safetensors/dtypes.safetensors'));
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + 8).subarray(shift, shift + bytes.length);
      moved.set(bytes);
      expectAsDescribed(await readSafetensors(moved), expected.dtypes!);
    }
  });

  it('without copying what it need not widen', async () => {
    const state = await readSafetensors(path('safetensors/net.safetensors'));
    expect(new Set([...state.values()].map(({ data }) => data.buffer)).size).toBe(1);
  });

  it('a model in several files, by their index', async () => {
    const file = path('safetensors/sharded.safetensors.index.json');
    expectAsDescribed(await readSafetensors(file), expected.sharded!);
  });
});

describe('writeSafetensors', () => {
  it.each(['dtypes', 'names', 'shapes', 'nothing', 'net'])(
    'writes %s.safetensors byte for byte',
    async (name) => {
      const written = readFileSync(path(`safetensors/${name}.safetensors`));
      const header = written.subarray(8, 8 + Number(written.readBigUInt64LE()));
      // The reference implementation's order of metadata is random.
      const metadata = JSON.parse(header.toString()).__metadata__ ?? {};
      const state = await readSafetensors(path(`safetensors/${name}.safetensors`));
      const reversed = new Map([...state].reverse());
      expect(Buffer.from(await writeSafetensors(reversed, undefined, { metadata }))).toEqual(written);
    },
  );
});

describe('a file of either format is known by its content', () => {
  it.each(['pth/plain.pth', 'pth/legacy.pth', 'safetensors/net.safetensors'])('%s', async (name) => {
    const bytes = new Uint8Array(readFileSync(path(name)));
    const state = await readStateDict(bytes, 'a test');
    expect([...state.keys()].sort()).toEqual(expected.sharded!.map(([key]) => key).sort());
    expect(await readStateDict(path(name), 'a test')).toEqual(state);
  });

  it('and an index by its name', async () => {
    const file = path('safetensors/sharded.safetensors.index.json');
    expectAsDescribed(await readStateDict(file, 'a test'), expected.sharded!);
  });
});
