import type * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../errors';
import type { ChannelMask } from '../masks/channel-mask';
import type { Layout } from '../masks/layout';
import type { Axes } from './names';

/**
 * What a method chooses among when a parameter is pruned again:
 * - `unstructured`: the entries that are left
 * - `structured`: the channels along the method's `dim` that are not all zero
 * - `global`: everything
 */
export type PruningType = 'unstructured' | 'structured' | 'global';

/**
 * An axis: its number in the layout of the name used, negative ones from the last; or the axis of output or input
 * channels, which is the same by whichever name.
 */
export type Dim = number | 'out' | 'in';

/** What a method needs to make a mask, over typed arrays. */
export interface MaskRequest {
  /**
   * Importance of every entry, in the variable's own order. By default this is the backend's own memory: to be read
   * before the next tensor or mask is made, as that memory may grow and move, and asked for again after it; and not to be
   * written to.
   */
  readonly scores: Float32Array;
  /** Where the entries lie, in the layout of the name that was used. */
  readonly layout: Layout;
  /** The same in PyTorch's layout, in whose order random numbers are drawn and ties are broken. */
  readonly torchLayout: Layout;
  /** The axes of channels in `torchLayout`. */
  readonly axes: Axes;
  /** What earlier prunings left, undefined for the first. */
  readonly mask: Uint8Array | undefined;
}

/** What every pruning method can do; see {@link BasePruningMethod}. */
export interface PruningMethod {
  /** What the method chooses among on top of earlier prunings. */
  readonly pruningType: PruningType;
  /** The axis along which a `structured` method prunes channels. */
  readonly dim?: Dim;
  /** The name of the parameter that the method was applied to last. */
  tensorName: string | undefined;
  /**
   * @param t What to rank by.
   * @param defaultMask The mask so far, of the same shape.
   * @returns The new mask as a tensor of that shape; the caller disposes it.
   */
  computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor;
  /**
   * @param request A parameter, with the mask it has.
   * @returns The new mask, in the order of its scores; one of whole channels need not be written out.
   */
  maskFor(request: MaskRequest): Uint8Array | ChannelMask;
  /**
   * @param requests Parameters that are pruned together.
   * @returns A new mask for each.
   */
  masksFor(requests: readonly MaskRequest[]): Uint8Array[];
}

/** A layout and the number of one of its axes, which may still be out of range. */
export interface Axis {
  readonly layout: Layout;
  readonly dim: number;
}

/**
 * Finds the axis that a dim means.
 *
 * @param dim A number, or a word for one.
 * @param request The parameter.
 * @throws {@link PruneError} `dim` for a word where the tensor has no such axis.
 */
export function axisOf(dim: Dim, { layout, torchLayout, axes }: MaskRequest): Axis {
  if (typeof dim === 'number') return { layout, dim };
  const axis = dim === 'out' || dim === 'in' ? axes[dim] : undefined;
  if (axis !== undefined) return { layout: torchLayout, dim: axis };
  const rank = layout.shape.length;
  const allowed = [`a number in [${-rank}, ${rank - 1}]`, ...Object.keys(axes).map((word) => `'${word}'`)];
  const message = `dim must be ${allowed.join(' or ')} for this tensor of rank ${rank}, but got ${shown(dim)}.`;
  throw new PruneError('dim', message, { given: dim, allowed });
}

/**
 * Refuses a dim that was left out, where there is no default for it.
 *
 * @param dim What the caller gave.
 * @returns The same.
 * @throws {@link PruneError} `dim` if it is undefined.
 */
export function givenDim(dim: Dim | undefined): Dim {
  if (dim !== undefined) return dim;
  const allowed = "a number, 'out' or 'in'";
  throw new PruneError('dim', `dim must be ${allowed}, but got undefined.`, { given: dim, allowed });
}

/** How many entries the tensors have together. */
export function sizeOf(requests: readonly MaskRequest[]): number {
  return requests.reduce((sum, { layout }) => sum + layout.size, 0);
}
