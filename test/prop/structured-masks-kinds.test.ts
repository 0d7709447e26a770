import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Axis, alike, apart, inRow, isSameAxis, sharedBy } from '../../src/structured/constants/axes';
import {
  along,
  type Constants,
  compacted,
  expanded,
  fitted,
  refined,
  shapeOf,
  turned,
} from '../../src/structured/constants/constant';
import { appended } from '../../src/structured/constants/places';
import { inTurn, stepsOf } from '../../src/structured/constants/steps';

/** An axis of a size, its kinds in order of their first index, or in any. */
const axisOf = (size: number): fc.Arbitrary<Axis> =>
  fc.array(fc.nat(Math.min(3, size - 1)), { minLength: size, maxLength: size }).map((drawn) => {
    const known = [...new Set(drawn)];
    return { kinds: Int32Array.from(drawn, (kind) => known.indexOf(kind)), count: known.length };
  });

const turnedRound = (axis: Axis): Axis => ({
  ...axis,
  kinds: axis.kinds.map((kind) => axis.count - 1 - kind),
});

const anyAxisOf = (size: number): fc.Arbitrary<Axis> =>
  fc.oneof(
    axisOf(size),
    axisOf(size).map(turnedRound),
    fc.constantFrom(alike(size), apart(size), turnedRound(apart(size))),
  );

/** Constants of a shape, each value another one, some not known, some with notes. */
const constantsOf = (shape: readonly number[]): fc.Arbitrary<Constants> =>
  fc.tuple(fc.tuple(...shape.map(anyAxisOf)), fc.nat(1e6)).map(([axes, seed]) => {
    const size = axes.reduce((n, { count }) => n * count, 1);
    const values = Float64Array.from({ length: size }, (_, i) =>
      (seed + i) % 5 === 0 ? Number.NaN : (seed % 7) + i,
    );
    const notes = Array.from({ length: size }, (_, i) =>
      (seed + i) % 3 === 0 ? `note ${i % 2}` : undefined,
    );
    return { axes, values, notes, from: new Set([`layer:${seed}`]) };
  });

/** What is said of one element. */
function at({ axes, values, notes }: Constants, index: readonly number[]): [number, string | undefined] {
  const place = axes.reduce((all, { kinds, count }, axis) => all * count + kinds[index[axis]!]!, 0);
  return [values[place]!, notes[place]];
}

function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

const elements = (constants: Constants): Array<[number, string | undefined]> =>
  indices(shapeOf(constants)).map((index) => at(constants, index));

const shapes = fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
const constants = shapes.chain(constantsOf);

describe('the kinds of an axis', () => {
  it('are shared by two axes where they are so by both, and number no more than they must', () => {
    const pairs = fc.integer({ min: 1, max: 5 }).chain((size) => fc.tuple(anyAxisOf(size), anyAxisOf(size)));
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const both = sharedBy(a, b);
        const all = [...a.kinds.keys()];
        for (const i of all) {
          for (const j of all) {
            const isShared = a.kinds[i] === a.kinds[j] && b.kinds[i] === b.kinds[j];
            expect(both.kinds[i] === both.kinds[j]).toBe(isShared);
          }
        }
        expect(new Set(both.kinds)).toEqual(new Set(Array.from({ length: both.count }, (_, kind) => kind)));
        expect(isSameAxis(a, b)).toBe(`${a.kinds}` === `${b.kinds}`);
      }),
    );
  });

  it('stay apart in a row', () => {
    fc.assert(
      fc.property(anyAxisOf(3), anyAxisOf(2), (a, b) => {
        const row = inRow([a, b]);
        expect([...row.kinds]).toEqual([...a.kinds, ...b.kinds.map((kind) => kind + a.count)]);
        expect(row.count).toBe(a.count + b.count);
      }),
    );
  });
});

describe('what is known of each element', () => {
  it('stays when axes are written out, refined, compacted or fitted to each other', () => {
    const pairs = shapes.chain((shape) => fc.tuple(constantsOf(shape), constantsOf(shape)));
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const axes = a.axes.map((axis, i) => sharedBy(axis, b.axes[i]!));
        const same = [expanded(a), expanded(a, 1), refined(a, axes), compacted(a), fitted([a, b])[0]!];
        for (const each of same) expect(elements(each)).toEqual(elements(a));
        expect(elements(fitted([a, b])[1]!)).toEqual(elements(b));
        const [one, other] = fitted([a, b]);
        expect(one!.axes.map(({ kinds }) => [...kinds])).toEqual(other!.axes.map(({ kinds }) => [...kinds]));
      }),
    );
  });

  it('moves when axes are turned', () => {
    fc.assert(
      fc.property(constants, (each) => {
        const made = turned(each, [2, 0, 1]);
        for (const index of indices(shapeOf(each))) {
          const [i, j, k] = index as [number, number, number];
          expect(at(made, [k, i, j])).toEqual(at(each, index));
        }
      }),
    );
  });

  it('follows that of another in a row', () => {
    const pairs = fc
      .integer({ min: 1, max: 3 })
      .chain((size) => fc.tuple(constantsOf([1, size, 2]), constantsOf([1, size, 3])));
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const made = appended([a, b], 2);
        for (const [, j, k] of indices(shapeOf(made)) as Array<[number, number, number]>) {
          expect(at(made, [0, j, k])).toEqual(k < 2 ? at(a, [0, j, k]) : at(b, [0, j, k - 2]));
        }
      }),
    );
  });

  it('is the same step by step', () => {
    fc.assert(
      fc.property(constants, (each) => {
        const steps = stepsOf(each);
        const { kinds } = each.axes[1]!;
        for (const [i, j, k] of indices(shapeOf(each)) as Array<[number, number, number]>) {
          expect(at(steps[kinds[j]!]!, [i, k])).toEqual(at(each, [i, j, k]));
        }
        expect(elements(inTurn(steps, each.axes[1]!))).toEqual(elements(each));
      }),
    );
  });

  it('is one for all along an axis if they agree, and else why not', () => {
    fc.assert(
      fc.property(constants, (each) => {
        const made = along(each, 2, 'differ');
        const shape = shapeOf(each);
        for (let k = 0; k < shape[2]!; k++) {
          const own = indices(shape)
            .filter((index) => index[2] === k)
            .map((index) => at(each, index));
          const isLost = own.some(([value]) => Number.isNaN(value));
          const isOther = new Set(own.map(([value]) => value)).size > 1;
          if (!isLost && !isOther) expect(made.values[k]).toBe(own[0]![0]);
          else expect(made.values[k]).toBeNaN();
          if (!isLost && isOther) expect(made.notes[k]).toBe('differ');
          const notes = own.filter(([value]) => !isLost || Number.isNaN(value)).map(([, note]) => note);
          if (isLost || !isOther) expect([undefined, ...notes]).toContain(made.notes[k]);
          if (isLost && notes.some((note) => note !== undefined)) expect(made.notes[k]).toBeDefined();
        }
      }),
    );
  });
});
