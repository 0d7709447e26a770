import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Received } from '../../../../src/weights/download/received';
import type { RemoteFile } from '../../../../src/weights/download/remote-file';
import { refusalOf } from './host';

const received = ({ size }: Pick<RemoteFile, 'size'> = {}): Received =>
  new Received({ url: 'https://host/x', name: 'x', sha256: undefined, size });

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void; // V8's own, as its flag makes it

/** The bytes of arrays that are still used. V8 counts them down a while after it has collected them. */
async function heldBytes(): Promise<number> {
  let bytes = Number.POSITIVE_INFINITY;
  for (let settled = 0; settled < 3; ) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { arrayBuffers } = process.memoryUsage();
    settled = arrayBuffers < bytes ? 0 : settled + 1;
    bytes = Math.min(bytes, arrayBuffers);
  }
  return bytes;
}

/** How much memory arrays take more than before, in MB, whenever an earlier test's are freed. */
async function growth(step: () => Promise<unknown>): Promise<number> {
  const before = await heldBytes();
  const held = await step();
  const after = await heldBytes();
  expect(held).toBeDefined();
  return (after - before) / 1e6;
}

describe('memory', () => {
  it('is not set aside on the word of a host alone', async () => {
    const grown = await growth(async () => {
      const some = received();
      some.announce(4_000_000_000);
      await some.append(new Uint8Array(1000));
      return some;
    });
    expect(grown).toBeLessThan(10);
  });

  it.each([
    { title: 'is known', file: { size: 60_000_000 } },
    { title: 'is announced', file: {} },
  ])('holds the bytes once where the length $title', async ({ file }) => {
    const grown = await growth(async () => {
      const piece = new Uint8Array(1_000_000);
      const some = received(file);
      some.announce(60_000_000);
      for (let at = 0; at < 60; at++) await some.append(piece);
      return some.whole();
    });
    expect(grown).toBeGreaterThan(55);
    expect(grown).toBeLessThan(70);
  });
});

describe('the bytes', () => {
  const pieces = Array.from({ length: 40 }, (_, i) => new Uint8Array(i * 7919).fill(i));
  const all = Buffer.concat(pieces);

  it.each([
    { title: 'unknown', announced: undefined },
    { title: 'announced', announced: all.length },
  ])('come whole, where their number is $title, also after a new start', async ({ announced }) => {
    const some = received();
    await some.append(new Uint8Array(5_000_000));
    await some.restart();
    some.announce(announced);
    for (const piece of pieces) await some.append(piece);
    expect(some.length).toBe(all.length);
    expect(all.equals(some.whole())).toBe(true);
    expect(some.whole().buffer.byteLength).toBe(all.length);
  });

  it('may be no more than announced, or than known', async () => {
    for (const file of [{}, { size: 10 }]) {
      const some = received(file);
      some.announce(10);
      await some.append(new Uint8Array(10));
      await refusalOf(some.append(new Uint8Array(1)), 'integrity');
    }
  });
});
