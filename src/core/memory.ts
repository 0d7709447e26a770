/**
 * Reads and masks tensors where the wasm backend keeps them: a copy of its memory costs more than all that is done with it,
 * and its own `select` takes fifteen times as long as the loop here. On other backends tfjs's own functions do the same.
 */
import * as tf from '@tensorflow/tfjs';
import { activeHeap, type Heap } from '../wasm/heap';
import type { Mask } from './mask';

/** Where the wasm backend keeps a tensor, undefined on other backends. */
function placeOf(tensor: tf.Tensor): { heap: Heap; address: number } | undefined {
  const heap = activeHeap();
  const address = heap?.addressOf(tensor.dataId);
  return heap === undefined || address === undefined ? undefined : { heap, address };
}

/**
 * The values of a tensor as floats, without a copy where the backend allows it.
 *
 * @param tensor A tensor of numbers or booleans.
 * @returns Its values, to be read before the next tensor is made and never to be written to.
 */
export function peek(tensor: tf.Tensor): Float32Array {
  if (tensor.dtype !== 'float32') return new Float32Array(tensor.dataSync());
  const place = placeOf(tensor);
  return place === undefined
    ? tensor.dataSync<'float32'>()
    : new Float32Array(place.heap.buffer, place.address, tensor.size);
}

/**
 * Writes values where the backend keeps a tensor, without a copy on the host.
 *
 * @param tensor A float32 tensor whose values nothing else shares, such as those of a variable that was just made.
 * @param write Writes them. It must make no tensor: what it is given would no longer be the backend's memory.
 * @returns Whether they were written; false, with nothing done, where the backend has no such memory.
 */
export function overwrite(tensor: tf.Tensor, write: (values: Float32Array) => void): boolean {
  const place = placeOf(tensor);
  if (place === undefined) return false;
  write(new Float32Array(place.heap.buffer, place.address, tensor.size));
  return true;
}

/** Values that are kept aside until they are freed. */
export interface Kept {
  /** @returns The values, to be read before the next tensor is made and never to be written to. */
  read(): Float32Array;
  free(): void;
}

/**
 * Copies a tensor's values to a place of their own in the backend's memory. That memory is used again as soon as it is
 * freed, while a large array on the host comes from fresh pages each time, whose first touch can cost more than the copy.
 *
 * @param tensor A float32 tensor.
 * @returns The copy, to be freed by the caller; undefined where the backend has no such memory, or none left.
 */
export function keep(tensor: tf.Tensor): Kept | undefined {
  const place = placeOf(tensor);
  if (place === undefined) return undefined;
  const { heap, address } = place;
  const bytes = 4 * tensor.size;
  const copy = heap.allocate(bytes);
  if (copy === undefined) return undefined;
  new Uint8Array(heap.buffer).copyWithin(copy, address, address + bytes);
  return {
    read: () => new Float32Array(heap.buffer, copy, tensor.size),
    free: () => heap.free(copy),
  };
}

/**
 * What a mask leaves of a tensor: the same value where an entry stays, +0 where it is pruned, even in place of NaN.
 *
 * @param value A float32 tensor; not changed.
 * @param mask Which of its elements stay.
 * @param maskTensor The same as a bool tensor, made only if this backend needs it.
 * @returns A new tensor; the caller disposes it.
 */
export function masked(value: tf.Tensor, mask: Mask, maskTensor: () => tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    if (tf.getBackend() !== 'wasm') return tf.where(maskTensor(), value, tf.zerosLike(value));
    const copy = value.mul(1);
    const place = placeOf(copy);
    if (place === undefined) return tf.where(maskTensor(), value, tf.zerosLike(value));
    mask.clear(new Int32Array(place.heap.buffer, place.address, copy.size));
    return copy;
  });
}
