/**
 * Reads and masks tensors where the wasm backend keeps them: a copy of its memory costs more than all that is done with it,
 * and its own `select` takes fifteen times as long as the loop here. On other backends tfjs's own functions do the same.
 */
import * as tf from '@tensorflow/tfjs';
import { ChannelMask } from '../masks/channel-mask';
import { activeHeap, type Heap } from '../wasm/heap';
import { type Kernels, kernelsNow } from '../wasm/kernels';
import { type Mask, maskOf } from './mask';

interface Place {
  readonly heap: Heap;
  readonly address: number;
}

/** Where the wasm backend keeps a tensor, undefined on other backends. */
function placeOf(tensor: tf.Tensor): Place | undefined {
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
    const given = placeOf(value);
    if (given !== undefined && isMaskedAlready(given, mask)) return value.clone();
    const copy = value.mul(1);
    const place = placeOf(copy);
    if (place === undefined) return tf.where(maskTensor(), value, tf.zerosLike(value));
    clear(place.heap, place.address, mask);
    return copy;
  });
}

/** Sets what a mask prunes to zero, by a kernel where that is faster and there is one. */
function clear(heap: Heap, address: number, mask: Mask): void {
  const whole = mask instanceof ChannelMask ? 0 : clearWritten(heap, address, mask.bytes);
  const rest = whole === 0 ? mask : maskOf(mask.bytes.subarray(whole));
  rest.clear(new Int32Array(heap.buffer, address + 4 * whole, mask.size - whole));
}

/** Entries that the kernel takes at a time, and fewer than which it is not worth it. */
const STEP = 16;
const WORTH_IT = 4096;

/** Clears by a kernel. Returns how many entries it has done. */
function clearWritten(heap: Heap, address: number, bytes: Uint8Array): number {
  return withMask(heap, bytes, (kernels, mask, whole) => {
    kernels.clearMasked(address, mask, mask + whole);
    return whole;
  });
}

/** Whether a kernel has found every entry that a mask prunes to be +0 already, as after most steps of an optimizer. */
function isMaskedAlready({ heap, address }: Place, mask: Mask): boolean {
  if (mask instanceof ChannelMask || mask.size % STEP !== 0) return false;
  return (
    withMask(heap, mask.bytes, (kernels, at, whole) => 1 - kernels.revived(address, at, at + whole)) === 1
  );
}

/** Runs a kernel with a mask in the backend's memory, but for what is left over at its end. Returns 0 where there is none. */
function withMask(
  heap: Heap,
  bytes: Uint8Array,
  run: (kernels: Kernels, mask: number, whole: number) => number,
): number {
  const whole = bytes.length - (bytes.length % STEP);
  const kernels = whole < WORTH_IT ? undefined : kernelsNow(heap);
  const copy = kernels && heap.allocate(whole);
  if (kernels === undefined || copy === undefined) return 0;
  new Uint8Array(heap.buffer, copy, whole).set(bytes.subarray(0, whole));
  const result = run(kernels, copy, whole);
  heap.free(copy);
  return result;
}

/** Rows and columns that the kernel takes at a time. */
const ROWS = 8;
const COLUMNS = 4;

/**
 * Adds the squares of a matrix's columns, by a kernel where the matrix is in the wasm backend's memory. `values` may not be
 * read afterwards: the memory may have grown.
 *
 * @param values Row-major, as {@link peek} gives it.
 * @param totals One for each column; what they hold is added to.
 * @returns Whether they have been added; nothing has changed otherwise.
 */
export function sumSquares(values: Float32Array, totals: Float64Array): boolean {
  const heap = activeHeap();
  const { byteOffset: address, length } = values;
  const width = totals.length;
  if (heap === undefined || values.buffer !== heap.buffer) return false;
  if (length < WORTH_IT || width % COLUMNS !== 0) return false;
  const kernels = kernelsNow(heap);
  const sums = kernels && heap.allocate(8 * width);
  if (kernels === undefined || sums === undefined) return false;
  const whole = length - (length % (ROWS * width));
  const held = new Float64Array(heap.buffer, sums, width);
  held.set(totals);
  kernels.sumSquares(address, address + 4 * whole, 4 * width, sums);
  totals.set(held);
  heap.free(sums);
  const rest = new Float32Array(heap.buffer, address + 4 * whole, length - whole);
  for (let i = 0; i < rest.length; i++) totals[i % width]! += rest[i]! * rest[i]!;
  return true;
}
