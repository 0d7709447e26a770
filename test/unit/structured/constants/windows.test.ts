import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alike, apart } from '../../../../src/structured/constants/axes';
import { isSame } from '../../../../src/structured/constants/products';
import { reachesOf } from '../../../../src/structured/constants/reaches';
import { windowsOver } from '../../../../src/structured/constants/windows';

/** How a layer goes over one axis. */
function reachOf(className: string, size: number, stride: number, dilation: number, padding: string) {
  const layer = { padding, strides: [stride], dilationRate: [dilation] };
  return reachesOf(layer, className, [size])[0]!;
}

describe('the windows along an axis', () => {
  it('of inputs of any size are known from some of the sizes', () => {
    const layers = fc.tuple(
      fc.constantFrom('Conv1D', 'Conv2DTranspose'),
      fc.integer({ min: 2, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom('same', 'valid'),
    );
    fc.assert(
      fc.property(layers, (layer) => {
        const reach = reachOf(...layer);
        const traits = { isOpen: true, isContinued: false };
        const found = new Set(windowsOver([alike(1)], [reach], traits)!.places.map(String));
        const missing = new Set<string>();
        for (let size = 1; size <= 40; size++) {
          for (let at = 0; at < reach.positions(size); at++) {
            const window = Array.from({ length: reach.taps }, (_, tap) => {
              const place = reach.place(at, tap, size);
              return Number.isInteger(place) && place >= 0 && place < size ? 0 : -1;
            });
            if (!found.has(String(window))) missing.add(`${window} of ${size}`);
          }
        }
        expect([...missing]).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('continue beyond the borders what is alike, and nothing else', () => {
    const reach = reachOf('Conv1D', 3, 1, 1, 'same');
    const over = (isApart: boolean) =>
      windowsOver([isApart ? apart(3) : alike(3)], [reach], { isOpen: false, isContinued: true })!;
    expect(over(true)).toMatchObject({
      places: [
        [-1, 0, 1],
        [0, 1, 2],
        [1, 2, -1],
      ],
      pads: [0, 0, 0],
    });
    expect(over(false)).toMatchObject({ places: [[0, 0, 0]], pads: [1, 0, 1] });
  });
});

describe('what is added at two positions', () => {
  const added = (sum: number) => ({ sums: Float64Array.of(sum), sizes: Float64Array.of(Math.abs(sum)) });
  const all = Uint8Array.of(1);

  it('is the same but for rounding', () => {
    expect(isSame(added(0.1 + 0.2), added(0.3), all)).toBe(true);
    expect(isSame(added(0.3 + 1e-6), added(0.3), all)).toBe(false);
  });

  it('is not the same where one is no number', () => {
    expect(isSame(added(Number.NaN), added(1), all)).toBe(false);
    expect(isSame(added(1), added(Number.NaN), all)).toBe(false);
    expect(isSame(added(Number.NaN), added(Number.NaN), all)).toBe(true);
    expect(isSame(added(Number.NaN), added(1), Uint8Array.of(0))).toBe(true);
  });
});
