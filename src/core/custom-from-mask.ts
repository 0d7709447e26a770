import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../errors';
import { gather, scatter } from '../masks/gather';
import { type Layout, rowMajor } from '../masks/layout';
import { maskTensorByArrays } from './bridge';
import { BasePruningMethod } from './method';
import type { MaskRequest } from './request';
import { bytesOfMask, checkShape, checkTensor } from './tensors';

/** A mask on the host: bytes, and where the mask's entries lie in them. */
class HostMask {
  /**
   * @param bytes 0 and 1 only.
   * @param layout The mask's shape, and where its entries lie in `bytes`.
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly layout: Layout,
  ) {}
}

function hostMaskOf(mask: tf.Tensor | tf.TensorLike): HostMask {
  if (mask instanceof tf.Tensor) {
    checkTensor(mask, 'mask');
    return new HostMask(bytesOfMask(mask, 'mask'), rowMajor(mask.shape));
  }
  const tensor = tensorOf(mask);
  try {
    return hostMaskOf(tensor);
  } finally {
    tensor.dispose();
  }
}

function tensorOf(values: tf.TensorLike): tf.Tensor {
  try {
    return tf.tensor(values);
  } catch (cause) {
    const allowed = 'a tf.Tensor, a typed array or nested arrays';
    throw new PruneError('argument', `mask must be ${allowed}, but got ${shown(values)}.`, {
      given: values,
      allowed,
      cause,
    });
  }
}

/**
 * Prunes where a given mask is zero.
 *
 * Source: `torch.nn.utils.prune.CustomFromMask`.
 *
 * @example
 * ```ts
 * prune.CustomFromMask.apply(layer, 'bias', [0, 1, 1, 0]);
 * ```
 */
export class CustomFromMask extends BasePruningMethod {
  override readonly pruningType = 'global';
  readonly #mask: HostMask;

  /** @internal For {@link customFromBytes}. */
  constructor(mask: HostMask);
  /**
   * @param mask 0 and 1 only, in the shape and layout of the name it will be used with. It is copied.
   * @throws {@link PruneError} `argument` if it holds anything else.
   */
  constructor(mask: tf.Tensor | tf.TensorLike);
  constructor(mask: tf.Tensor | tf.TensorLike | HostMask) {
    super();
    this.#mask = mask instanceof HostMask ? mask : hostMaskOf(mask);
  }

  /** @returns The mask as a float32 tensor in the layout it was given in; the caller disposes it. */
  mask(): tf.Tensor {
    const { bytes, layout } = this.#mask;
    const rows = gather(bytes, layout, new Uint8Array(layout.size));
    return tf.tensor(new Float32Array(rows), [...layout.shape]);
  }

  /** @inheritDoc */
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return maskTensorByArrays(this, t, defaultMask);
  }

  /** @inheritDoc */
  override maskFor({ scores, layout, mask }: MaskRequest): Uint8Array {
    const own = this.#mask;
    checkShape(own.layout, layout.shape, 'mask');
    const rows = gather(own.bytes, own.layout, new Uint8Array(layout.size));
    const made = scatter(rows, layout, new Uint8Array(scores.length));
    if (mask !== undefined) for (let i = 0; i < made.length; i++) made[i]! &= mask[i]!;
    return made;
  }
}

/**
 * A method from a mask that is on the host already.
 *
 * @param bytes 0 and 1 only; not copied, so nobody may change them.
 * @param layout The mask's shape, and where its entries lie in `bytes`.
 */
export function customFromBytes(bytes: Uint8Array, layout: Layout): CustomFromMask {
  return new CustomFromMask(new HostMask(bytes, layout));
}
