import { isPruneError } from 'tfjs-prune';
import { readPth, readSafetensors, type StateDict, writePth, writeSafetensors } from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { commands } from 'vitest/browser';
import expected from '../parity/fixtures/pth/expected-legacy.json' with { type: 'json' };

/** A fixture as if it had been downloaded. */
async function fixture(name: string): Promise<Response> {
  const base64 = await commands.readFile(`test/parity/fixtures/${name}`, 'base64');
  return fetch(`data:application/octet-stream;base64,${base64}`);
}

const formats = [
  { name: '.pth', read: readPth, write: writePth, file: 'pth/plain.pth' },
  {
    name: 'safetensors',
    read: readSafetensors,
    write: writeSafetensors,
    file: 'safetensors/net.safetensors',
  },
] as const;

describe.each(formats)('$name in a browser', ({ read, write, file }) => {
  it('is read from a response, its stream and its bytes, and written to bytes and a stream', async () => {
    const state: StateDict = await read((await fixture(file)).body!);
    expect(state.get('conv.weight')?.shape).toEqual([4, 3, 3, 3]);
    expect(await read(await (await fixture(file)).arrayBuffer())).toEqual(state);
    const bytes = await write(state);
    expect(await read(bytes)).toEqual(state);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    await write(state, new WritableStream({ write: (piece) => void pieces.push(new Uint8Array(piece)) }));
    expect(new Uint8Array(await new Blob(pieces).arrayBuffer())).toEqual(bytes);
  });

  it('has no path', async () => {
    for (const promise of [read('model.bin'), write(new Map(), 'model.bin')]) {
      const error: unknown = await promise.catch((reason: unknown) => reason);
      expect(isPruneError(error, 'unsupported')).toBe(true);
    }
  });
});

it('files from before torch 1.6 are read in a browser', async () => {
  const state = await readPth((await fixture('pth/legacy-views.pth')).body!);
  expect([...state.keys()]).toEqual(Object.keys(expected.files['legacy-views']));
  expect([...state.get('row')!.data]).toEqual(expected.files['legacy-views'].row.data);
});
