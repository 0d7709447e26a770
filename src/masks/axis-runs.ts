import { gather, scatter } from './gather';
import { type Layout, rowMajor } from './layout';
import { slicesOf } from './slices';

/** A flat array as one of its axes divides it: over and over, `count` runs of `run` entries, in the order of the axis. */
export interface AxisRuns {
  /** How many times over. */
  readonly outer: number;
  /** Number of indices of the axis. */
  readonly count: number;
  /** Length of a run: how many entries lie between an index and the next. */
  readonly run: number;
}

/** A tensor whose memory one axis divides into runs. */
export interface RunTensor {
  readonly scores: Float32Array;
  readonly mask: Uint8Array | undefined;
  readonly layout: Layout;
  readonly runs: AxisRuns;
  /** Brings a mask in the order of `scores` into the order of the array that was given. */
  readonly stored: (mask: Uint8Array) => Uint8Array;
}

/**
 * Looks at a tensor along one axis, where it lies. Only where the axis is in pieces or out of order in memory, as that of
 * a GRU's gates is, the tensor is copied.
 *
 * @param scores The numbers.
 * @param layout A layout of all of them.
 * @param axis The axis, from 0.
 * @param mask One byte for each number, in the same order; may be left out.
 * @returns The tensor, in memory that is not to be written to.
 */
export function alongAxis(
  scores: Float32Array,
  layout: Layout,
  axis: number,
  mask: Uint8Array | undefined,
): RunTensor {
  const runs = runsOf(layout, axis);
  if (runs !== undefined) return { scores, mask, layout, runs, stored: (made) => made };
  const { shape, size } = layout;
  return {
    scores: gather(scores, layout, new Float32Array(size)),
    mask: mask && gather(mask, layout, new Uint8Array(size)),
    layout: rowMajor(shape),
    runs: {
      outer: shape.slice(0, axis).reduce((product, length) => product * length, 1),
      count: shape[axis]!,
      run: shape.slice(axis + 1).reduce((product, length) => product * length, 1),
    },
    stored: (made) => scatter(made, layout, new Uint8Array(size)),
  };
}

function runsOf(layout: Layout, axis: number): AxisRuns | undefined {
  if (layout.size === 0) return undefined;
  const slices = slicesOf(layout, axis);
  if (slices === undefined || slices.slots.some((slot, index) => slot !== index)) return undefined;
  const { count, run } = slices;
  return { outer: layout.size / (count * run), count, run };
}
