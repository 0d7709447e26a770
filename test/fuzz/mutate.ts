import type { Generator } from '../../src/masks/generator';

/** Bytes that mean something to the readers: pickle instructions, JSON, the ends of ranges. */
const EXTREMES = [
  0, 1, 0x7f, 0x80, 0xff, 0x22, 0x28, 0x2c, 0x2e, 0x30, 0x39, 0x52, 0x5d, 0x68, 0x71, 0x75, 0x7b, 0x8a,
];
/** Most of what a reader acts on is at an end: the header or pickle, the directory. */
const NEAR = 1024;

/**
 * Damages a file.
 *
 * @param original The file; not changed.
 * @param random Where the damage comes from.
 * @returns A copy with a few bytes changed, a piece moved or doubled, or an end cut off.
 */
export function mutate(original: Uint8Array, random: Generator): Uint8Array {
  const below = (limit: number): number => random.random() % Math.max(limit, 1);
  const bytes = original.slice();
  switch (below(6)) {
    case 0:
      return bytes.subarray(0, below(bytes.length));
    case 1:
      return bytes.copyWithin(below(bytes.length), below(bytes.length), below(bytes.length));
    case 2:
      return bytes
        .fill(EXTREMES[below(EXTREMES.length)]!, below(bytes.length))
        .fill(0xff, bytes.length - below(64));
    case 3: {
      const [from, length] = [below(bytes.length), below(64)];
      const piece = bytes.subarray(from, from + length);
      const doubled = new Uint8Array(bytes.length + piece.length);
      doubled.set(bytes.subarray(0, from + piece.length));
      doubled.set(bytes.subarray(from), from + piece.length);
      return doubled;
    }
    default: {
      const near = below(3);
      for (let n = below(4); n >= 0 && bytes.length > 0; n--) {
        const at = near === 0 ? below(bytes.length) : below(Math.min(NEAR, bytes.length));
        const from = near === 2 ? bytes.length - 1 - at : at;
        bytes[from] = below(2) === 0 ? EXTREMES[below(EXTREMES.length)]! : bytes[from]! ^ (1 << below(8));
      }
      return bytes;
    }
  }
}
