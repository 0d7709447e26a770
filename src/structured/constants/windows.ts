/** Which positions of its input a layer meets at which positions of its output. */
import { type Axis, countsOf, stridesOf } from './axes';

/** How a layer goes over one axis of its input. */
export interface Reach {
  /** How many positions of its input it may meet at once, as a kernel has values along the axis. */
  readonly taps: number;
  /** How many positions it has, for an input of a size. */
  readonly positions: (size: number) => number;
  /** Where one of the taps is at a position; what is no index of the input, the tap does not meet. */
  readonly place: (at: number, tap: number, size: number) => number;
  /** A size from which on more of it adds no more than repetitions. */
  readonly enough: number;
}

/** What it meets along several axes. What is met at several positions is said once. */
export interface Windows {
  /** The axes of its positions. */
  readonly axes: readonly Axis[];
  /** By the kinds along them, row-major, and by tap: the place of what is met, by the kinds of the input; -1 for nothing. */
  readonly places: ReadonlyArray<readonly number[]>;
  /** For each tap 1 where it is beyond the borders at one of the positions, and taken to meet what is inside. */
  readonly pads: readonly number[];
  /** Whether they are those of inputs of all sizes, since the input may have any. */
  readonly isOpen: boolean;
}

/** How windows come about. */
export interface WindowTraits {
  /** Whether the input may have another size, so that all sizes count. */
  readonly isOpen: boolean;
  /** Whether a tap beyond the input's borders is taken to meet what is inside, if all along the axis is alike. */
  readonly isContinued: boolean;
}

/** The windows along one axis. */
interface Row {
  readonly axis: Axis;
  /** For each window by tap the kind of what is met; -1 for nothing. */
  readonly windows: ReadonlyArray<readonly number[]>;
  readonly pads: readonly number[];
}

/** Goes over an axis one by one, as what treats each position by itself. */
export const EACH: Reach = { taps: 1, positions: (size) => size, place: (at) => at, enough: 1 };

/**
 * @param axes Axes of an input.
 * @param reaches How a layer goes over each of them.
 * @param traits How windows come about.
 * @returns The windows; undefined where they depend on a size that is open.
 */
export function windowsOver(
  axes: readonly Axis[],
  reaches: readonly Reach[],
  traits: WindowTraits,
): Windows | undefined {
  const isLost = axes.some(({ count }, i) => traits.isOpen && count > 1 && reaches[i] !== EACH);
  if (isLost) return undefined;
  const rows = axes.map((axis, i) => rowOf(axis, reaches[i]!, traits));
  const strides = stridesOf(countsOf(axes));
  const places = rows.reduce<readonly number[][]>(
    (windows, row, i) =>
      windows.flatMap((window) => row.windows.map((own) => crossed(window, own, strides[i]!))),
    [[0]],
  );
  const pads = rows.reduce<readonly number[]>(
    (all, row) => all.flatMap((pad) => row.pads.map((own) => pad | own)),
    [0],
  );
  const isOpen = traits.isOpen && reaches.some((reach) => reach !== EACH);
  return { axes: rows.map(({ axis }) => axis), places, pads, isOpen };
}

/** The taps along some axes by those along one more. */
function crossed(window: readonly number[], own: readonly number[], stride: number): number[] {
  return window.flatMap((place) => own.map((kind) => (place < 0 || kind < 0 ? -1 : place + kind * stride)));
}

function rowOf(axis: Axis, reach: Reach, traits: WindowTraits): Row {
  if (reach === EACH)
    return { axis, windows: Array.from({ length: axis.count }, (_, kind) => [kind]), pads: [0] };
  const { taps, positions, place, enough } = reach;
  const size = axis.kinds.length;
  const isAlike = axis.count === 1;
  const others = traits.isOpen ? Array.from({ length: enough }, (_, i) => i + 1) : [];
  const numbers = new Map<string, number>();
  const windows: number[][] = [];
  const pads = Array<number>(taps).fill(0);
  const kinds = new Int32Array(positions(size));
  for (const each of [size, ...others]) {
    for (let at = 0; at < positions(each); at++) {
      const window = Array.from({ length: taps }, (_, tap) => {
        const index = place(at, tap, each);
        if (Number.isInteger(index) && index >= 0 && index < each) return isAlike ? 0 : axis.kinds[index]!;
        if (!traits.isContinued || !isAlike) return -1;
        pads[tap] = 1;
        return 0;
      });
      const key = window.join();
      if (!numbers.has(key)) numbers.set(key, windows.push(window) - 1);
      if (each === size) kinds[at] = numbers.get(key)!;
    }
  }
  return { axis: { kinds, count: windows.length }, windows, pads };
}
