import type * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import type { Layout } from '../masks/layout';
import type { Axes } from './names';

/**
 * What a method chooses among when a parameter is pruned again:
 * - `unstructured`: the entries that are left
 * - `structured`: the channels along the method's `dim` that are not all zero
 * - `global`: everything
 */
export type PruningType = 'unstructured' | 'structured' | 'global';

/** An axis: its number, negative ones from the last, or the axis of output or input channels. */
export type Dim = number | 'out' | 'in';

/** What a method needs to make a mask, over typed arrays. */
export interface MaskRequest {
  /** Importance of every entry, in the variable's own order; not to be written to. */
  readonly scores: Float32Array;
  /** Where the entries lie, in the layout of the name that was used. */
  readonly layout: Layout;
  /** The same in PyTorch's layout, in whose order random numbers are drawn and ties are broken. */
  readonly torchLayout: Layout;
  /** The axes of channels in `layout`. */
  readonly axes: Axes;
  /** What earlier prunings left, undefined for the first. */
  readonly mask: Uint8Array | undefined;
}

/** What every pruning method can do; see {@link BasePruningMethod}. */
export interface PruningMethod {
  readonly pruningType: PruningType;
  tensorName: string | undefined;
  computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor;
  maskFor(request: MaskRequest): Uint8Array;
  masksFor(requests: readonly MaskRequest[]): Uint8Array[];
}

/**
 * The number of an axis.
 *
 * @param dim A number, or a word for one.
 * @param axes What the words stand for.
 * @param rank For the message.
 * @returns A number, which may still be out of range.
 * @throws {@link PruneError} `dim` for a word where the tensor has no such axis.
 */
export function axisOf(dim: Dim, axes: Axes, rank: number): number {
  if (typeof dim === 'number') return dim;
  const axis = dim === 'out' || dim === 'in' ? axes[dim] : undefined;
  if (axis !== undefined) return axis;
  const words = Object.keys(axes).map((word) => `'${word}'`);
  const allowed = [`a number in [${-rank}, ${rank - 1}]`, ...words];
  const message = `dim must be ${allowed.join(' or ')} for this tensor of rank ${rank}, but got '${String(dim)}'.`;
  throw new PruneError('dim', message, { given: dim, allowed });
}
