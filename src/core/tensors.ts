/**
 * Checks of tensors that users give, and their values on the host.
 */
import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../errors';
import { rowMajor } from '../masks/layout';
import { peek } from './memory';
import type { MaskRequest } from './request';

function isTensor(value: unknown): value is tf.Tensor {
  return value instanceof tf.Tensor;
}

/** Refuses what is not a live tensor. */
export function checkTensor(value: unknown, what: string): asserts value is tf.Tensor {
  if (!isTensor(value)) {
    const message = `${what} must be a tf.Tensor, but got ${shown(value)}.`;
    throw new PruneError('argument', message, { given: value, allowed: 'a tf.Tensor' });
  }
  if (value.isDisposed) throw new PruneError('state', `${what} has been disposed.`, { given: value });
}

/** Refuses a tensor whose shape is not the one expected. */
export function checkShape(
  tensor: { shape: readonly number[] },
  shape: readonly number[],
  what: string,
): void {
  if (tf.util.arraysEqual([...tensor.shape], [...shape])) return;
  const message = `${what} must have the shape [${shape.join(', ')}], but got [${tensor.shape.join(', ')}].`;
  throw new PruneError('shape', message, { given: tensor.shape, allowed: `[${shape.join(', ')}]` });
}

const NUMERIC = ['float32', 'int32', 'bool'] as const;

/** Refuses a tensor of text or of complex numbers. */
export function checkNumeric(tensor: tf.Tensor, what: string): void {
  if (NUMERIC.some((dtype) => dtype === tensor.dtype)) return;
  const message = `${what} must be of the type ${NUMERIC.join(', ')}, but got ${tensor.dtype}.`;
  throw new PruneError('argument', message, { given: tensor.dtype, allowed: NUMERIC });
}

/**
 * The values of a tensor of numbers.
 *
 * @param tensor Live, of type float32, int32 or bool.
 * @param what The tensor, as the subject of a sentence.
 * @returns Its values as floats, to be read before the next tensor is made and not to be written to.
 * @throws {@link PruneError} `argument` for any other type.
 */
export function floatsOf(tensor: tf.Tensor, what: string): Float32Array {
  checkNumeric(tensor, what);
  return tensor.dtype === 'float32' ? peek(tensor) : new Float32Array(tensor.dataSync<'int32' | 'bool'>());
}

/**
 * The 0/1 values of a tensor.
 *
 * @param tensor Live.
 * @param what The tensor, as the subject of a sentence.
 * @returns New bytes.
 * @throws {@link PruneError} `argument` if it holds anything else.
 */
export function bytesOfMask(tensor: tf.Tensor, what: string): Uint8Array {
  const values = floatsOf(tensor, what);
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) {
    const value = values[i]!;
    // One test that is never true, instead of two that are true half of the time.
    if (value * (1 - value) !== 0) {
      const message = `${what} must hold only 0 and 1, but got ${value} at position ${i}.`;
      throw new PruneError('argument', message, { given: value, allowed: '0 or 1' });
    }
    bytes[i] = value;
  }
  return bytes;
}

/**
 * What a method needs to know of a tensor that is no layer's: row-major, with no axes of channels.
 *
 * @param t Live, checked to be a tensor.
 * @param mask What earlier prunings left, undefined for everything.
 * @throws {@link PruneError} `argument` if it does not hold numbers.
 */
export function requestOfTensor(t: tf.Tensor, mask: Uint8Array | undefined): MaskRequest {
  const layout = rowMajor(t.shape);
  const floats = floatsOf(t, 't');
  const converted = t.dtype === 'float32' ? undefined : floats;
  return {
    get scores() {
      return converted ?? peek(t);
    },
    layout,
    torchLayout: layout,
    axes: {},
    mask,
  };
}
