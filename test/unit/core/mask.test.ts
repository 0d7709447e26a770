import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Mask, maskOf } from '../../../src/core/mask';
import { ChannelMask } from '../../../src/masks/channel-mask';
import { rowMajor } from '../../../src/masks/layout';
import { slicesOf } from '../../../src/masks/slices';

/** A row-major tensor, one of its axes, and some of the channels along it. */
const channels = fc
  .record({
    shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 }),
    axis: fc.nat(),
    chosen: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  })
  .map(({ shape, axis, chosen }) => {
    const dim = axis % shape.length;
    const removed = chosen.slice(0, shape[dim]).flatMap((isChosen, i) => (isChosen ? [i] : []));
    return { shape, dim, removed };
  });

/** The channel that an entry of a row-major tensor belongs to. */
function channelOf(entry: number, shape: readonly number[], dim: number): number {
  const below = shape.slice(dim + 1).reduce((product, size) => product * size, 1);
  return Math.floor(entry / below) % shape[dim]!;
}

/** What clearing leaves of −1 (all bits set) everywhere. */
function cleared(mask: Mask): Int32Array {
  const bits = new Int32Array(mask.size).fill(-1);
  mask.clear(bits);
  return bits;
}

test('a mask of channels is 0 where an entry is of a removed channel, and nowhere else', () => {
  fc.assert(
    fc.property(channels, ({ shape, dim, removed }) => {
      const layout = rowMajor(shape);
      const mask = new ChannelMask(layout.size, slicesOf(layout, dim)!, removed);
      const expected = Uint8Array.from({ length: layout.size }, (_, entry) =>
        removed.includes(channelOf(entry, shape, dim)) ? 0 : 1,
      );
      expect(mask.bytes).toEqual(expected);
      expect(mask.zeros).toBe(expected.filter((kept) => kept === 0).length);
      expect(cleared(mask)).toEqual(Int32Array.from(expected, (kept) => (kept === 1 ? -1 : 0)));
    }),
  );
});

test('a written mask clears what it prunes, wherever it begins in its buffer', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean()), fc.nat({ max: 7 }), (entries, start) => {
      const bytes = new Uint8Array(entries.length + start);
      bytes.set(entries.map(Number), start);
      expect(cleared(maskOf(bytes.subarray(start)))).toEqual(
        Int32Array.from(entries, (kept) => (kept ? -1 : 0)),
      );
    }),
  );
});
