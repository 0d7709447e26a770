import type * as tf from '@tensorflow/tfjs';
import type { ApplyOptions } from '../core/apply';
import { maskTensorByArrays } from '../core/bridge';
import { BasePruningMethod } from '../core/method';
import { checkOptions } from '../core/options';
import { axisOf, type Dim, type MaskRequest } from '../core/request';
import { semiStructured as semiMask } from '../masks/semi-structured';

/** Along which axis the groups lie. */
export interface SemiStructuredOptions {
  /**
   * The axis in the layout of the name used; `'in'`, the input channels, by default. For a tensor that belongs to no layer
   * it has to be a number.
   */
  readonly dim?: Dim | undefined;
}

/**
 * N:M sparsity, which PyTorch calls semi-structured: of every `m` neighbouring input channels at most `n` keep their
 * weight.
 *
 * Source: the masks of NVIDIA's ASP and of `torch.ao.pruning.WeightNormSparsifier`.
 *
 * @example
 * ```ts
 * prune.SemiStructured.apply(model.fc, 'weight', 2, 4);
 * ```
 */
export class SemiStructured extends BasePruningMethod {
  override readonly pruningType = 'structured';
  /** How many of each group stay. */
  readonly n: number;
  /** How many neighbours make a group. */
  readonly m: number;
  /** The axis along which the groups lie, in the layout of the name used. */
  readonly dim: Dim;

  /**
   * @param n How many of each group stay, a whole number ≥ 1 and less than `m`.
   * @param m How many neighbours make a group.
   * @param options The axis.
   * @throws {@link PruneError} `argument` if there is no such option.
   */
  constructor(n: number, m: number, options: SemiStructuredOptions = {}) {
    super();
    checkOptions(options, ['dim']);
    const { dim = 'in' } = options;
    this.n = n;
    this.m = m;
    this.dim = dim;
  }

  /** @inheritDoc */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return maskTensorByArrays(this, t, defaultMask);
  }

  /** @inheritDoc */
  override maskFor(request: MaskRequest): Uint8Array {
    const { layout, dim } = axisOf(this.dim, request);
    return semiMask(request.scores, layout, { n: this.n, m: this.m, dim, mask: request.mask });
  }
}

/**
 * Prunes a parameter to N:M sparsity: of every `m` neighbouring input channels, at the same output channel and position of
 * the kernel, only the `n` weights of largest magnitude stay. 2:4 is the pattern of NVIDIA's sparse tensor cores and of
 * `torch.sparse.to_sparse_semi_structured`, 4:8 a looser one that loses less. It is for export: nothing here runs it
 * faster than other zeros.
 *
 * The groups start at channel 0. A last group of fewer than `m` channels keeps its `n` largest too, so a layer of no more
 * than n input channels (each filter of a depthwise convolution has one) stays whole. The runtimes above want a multiple
 * of m. Groups of which earlier prunings left no more than `n` stay as they are; of equal magnitudes the first stay.
 *
 * Source: Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks", as in NVIDIA's ASP, with the same axis;
 * `torch.ao.pruning.WeightNormSparsifier` with blocks of (1, m) for linear layers.
 *
 * @param layer A built tfjs layer, an RNN cell, or an object that holds tf.Variables.
 * @param name The parameter, such as `weight` (PyTorch's layout) or `kernel` (tfjs's).
 * @param n How many of each group stay, a whole number ≥ 1 and less than `m`.
 * @param m How many neighbours make a group.
 * @param options `dim`, the axis along which the groups lie (`'in'`); `importanceScores`, in the shape and layout of
 *   `name`: what to rank by instead of the weights.
 * @returns The same layer.
 * @throws {@link PruneError} with nothing changed: `argument`, `dim`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.semiStructured(model.fc, 'weight', 2, 4);
 * for (const [layer, name] of prune.parameters(model)) prune.semiStructured(layer, name, 4, 8);
 * ```
 */
export function semiStructured<L extends object>(
  layer: L,
  name: string,
  n: number,
  m: number,
  options: SemiStructuredOptions & ApplyOptions = {},
): L {
  checkOptions(options, ['dim', 'importanceScores']);
  const { importanceScores, ...axis } = options;
  new SemiStructured(n, m, axis).applyTo(layer, name, { importanceScores });
  return layer;
}
