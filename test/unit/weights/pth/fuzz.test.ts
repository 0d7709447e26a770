import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isPruneError } from '../../../../src/errors';
import { Generator } from '../../../../src/masks/generator';
import { parsePth } from '../../../../src/weights/pth/pth';

const folder = fileURLToPath(new URL('../../../parity/fixtures/pth/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.pth'));
const MUTATIONS = 400;
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x28, 0x2e, 0x52, 0x5d, 0x68, 0x71, 0x75, 0x8a];

/** A copy with a few bytes changed, a piece moved, or an end cut off. */
function mutate(original: Uint8Array, random: Generator): Uint8Array {
  const below = (limit: number): number => random.random() % limit;
  const bytes = original.slice();
  switch (below(5)) {
    case 0:
      return bytes.subarray(0, below(bytes.length));
    case 1:
      return bytes.copyWithin(below(bytes.length), below(bytes.length), below(bytes.length));
    case 2:
      return bytes
        .fill(EXTREMES[below(EXTREMES.length)]!, below(bytes.length))
        .fill(0xff, bytes.length - below(64));
    default: {
      // Most of what a reader acts on is in the first and last kilobyte: the pickle and the directory.
      const near = below(3);
      for (let n = below(4); n >= 0; n--) {
        const at = near === 0 ? below(bytes.length) : below(Math.min(1024, bytes.length));
        const from = near === 2 ? bytes.length - 1 - at : at;
        bytes[from] = below(2) === 0 ? EXTREMES[below(EXTREMES.length)]! : bytes[from]! ^ (1 << below(8));
      }
      return bytes;
    }
  }
}

describe('a damaged .pth file is read or refused with a PruneError', () => {
  it.each(files)('%s', (name) => {
    const original = new Uint8Array(readFileSync(folder + name));
    const random = new Generator(20240229);
    let refused = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      try {
        for (const { shape, data } of parsePth(mutate(original, random), name).values()) {
          expect(data).toHaveLength(shape.reduce((size, n) => size * n, 1));
        }
      } catch (error) {
        if (!isPruneError(error, 'file')) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(MUTATIONS / 4);
  });
});
