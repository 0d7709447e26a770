import fc from 'fast-check';
import { type Interpolation, imagenetTransforms, type Pixels } from 'tfjs-prune/models';
import { beforeAll, describe, expect, it } from 'vitest';
import { resizedSize } from '../../src/models/transforms/window';
import { useBackend } from '../support/backend';

beforeAll(() => useBackend('cpu'));

const runs = { numRuns: 150 };
const side = fc.integer({ min: 1, max: 40 });
const interpolation = fc.constantFrom<Interpolation>('bilinear', 'bicubic');

const imageOf = (smallest: number): fc.Arbitrary<Pixels> =>
  fc.tuple(fc.integer({ min: smallest, max: 40 }), fc.integer({ min: smallest, max: 40 })).chain(sized);

function sized([width, height]: [number, number]): fc.Arbitrary<Pixels> {
  const size = width * height * 3;
  return fc.uint8Array({ minLength: size, maxLength: size }).map((data) => ({ data, width, height }));
}

/** The levels from 0 to 255 that an image is transformed to. */
function levels(source: Pixels, resize: number, crop: number, filter: Interpolation): Uint8Array {
  const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const result = imagenetTransforms({ resize, crop, interpolation: filter, ...plain })(source);
  const values = Uint8Array.from(result.dataSync(), (value) => Math.round(255 * value));
  result.dispose();
  return values;
}

/** The pixels of an image in another order: `from` says which one comes to lie at a row and a column. */
function reordered(
  { data, width, height }: Pixels,
  from: (row: number, column: number) => [number, number],
): Pixels {
  const result = new Uint8Array(data.length);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [row, column] = from(Math.floor(pixel / width), pixel % width);
    const at = 3 * (row * width + column);
    result.set(data.subarray(at, at + 3), 3 * pixel);
  }
  return { data: result, width, height };
}

function farthest(a: Uint8Array, b: Uint8Array | Uint8ClampedArray): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe('imagenetTransforms', () => {
  it('keeps one colour as it is, whatever the sizes', () => {
    const colour = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(side, side, side, colour, interpolation, (width, height, resize, rgb, filter) => {
        const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => rgb[i % 3]!);
        const result = levels({ data, width, height }, resize, resize, filter);
        expect(result.every((level, i) => level === rgb[i % 3])).toBe(true);
      }),
      runs,
    );
  });

  it('stays within the darkest and the brightest level when it is bilinear', () => {
    fc.assert(
      fc.property(imageOf(1), side, (source, resize) => {
        const result = levels(source, resize, resize, 'bilinear');
        expect(Math.min(...result)).toBeGreaterThanOrEqual(Math.min(...source.data));
        expect(Math.max(...result)).toBeLessThanOrEqual(Math.max(...source.data));
      }),
      runs,
    );
  });

  it('changes no level of an image that has the size already', () => {
    fc.assert(
      fc.property(side, interpolation, fc.infiniteStream(fc.nat(255)), (size, filter, stream) => {
        const data = Uint8Array.from({ length: size * size * 3 }, () => stream.next().value!);
        expect(levels({ data, width: size, height: size }, size, size, filter)).toEqual(data);
      }),
      runs,
    );
  });

  // Odd rests are rounded to even offsets, so a larger crop may then lie elsewhere.
  it('computes of a crop what a larger one has in its middle, where both leave an even rest', () => {
    fc.assert(
      fc.property(imageOf(1), side, side, fc.nat(20), interpolation, (source, resize, size, more, filter) => {
        const [width, height] = resizedSize(source.width, source.height, resize);
        fc.pre((width - height) % 2 === 0);
        const crop = size + ((width - size) & 1);
        const outer = crop + 2 * more;
        const whole = levels(source, resize, outer, filter);
        const middle = Uint8Array.from({ length: crop * crop * 3 }, (_, i) => {
          const [row, at] = [Math.floor(i / (3 * crop)), i % (3 * crop)];
          return whole[3 * ((row + more) * outer + more) + at]!;
        });
        expect(levels(source, resize, crop, filter)).toEqual(middle);
      }),
      runs,
    );
  });

  // Not equal: weights and the rows in between are rounded, and what is mirrored may round the other way.
  it('commutes with mirroring to within two levels', () => {
    fc.assert(
      fc.property(imageOf(10), side, interpolation, (source, resize, filter) => {
        const [width, height] = resizedSize(source.width, source.height, resize);
        const crop = Math.max(width, height);
        fc.pre((crop - width) % 2 === 0 && (crop - height) % 2 === 0); // odd paddings have more on one side
        const mirrored = reordered(source, (row, column) => [row, source.width - 1 - column]);
        const overturned = reordered(source, (row, column) => [source.height - 1 - row, column]);
        const plain = { data: levels(source, resize, crop, filter), width: crop, height: crop };
        for (const [other, back] of [
          [mirrored, reordered(plain, (row, column) => [row, crop - 1 - column])],
          [overturned, reordered(plain, (row, column) => [crop - 1 - row, column])],
        ] as const) {
          expect(farthest(levels(other, resize, crop, filter), back.data)).toBeLessThanOrEqual(2);
        }
      }),
      runs,
    );
  });
});
