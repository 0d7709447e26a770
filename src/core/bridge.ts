/**
 * Between methods that work on typed arrays and methods that work on tensors: each kind can do what the other does.
 */
import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { gather, scatter } from '../masks/gather';
import { type Layout, taken } from '../masks/layout';
import { resolveDim } from '../masks/slices';
import { axisOf, type MaskRequest, type PruningMethod } from './request';
import { bytesOfMask, checkShape, checkTensor, requestOfTensor } from './tensors';

/** The channels of which some entry is left. */
function channelsLeft(mask: Uint8Array, layout: Layout, dim: number): Layout {
  const axis = resolveDim(dim, layout.shape.length);
  const left: number[] = [];
  for (let channel = 0; channel < layout.shape[axis]!; channel++) {
    const slice = taken(layout, axis, [channel]);
    if (gather(mask, slice, new Uint8Array(slice.size)).includes(1)) left.push(channel);
  }
  return taken(layout, axis, left);
}

/** The axis of a method that gets the slice that is left, so it must be one of the layout that the method sees. */
function dimOf({ dim }: PruningMethod, request: MaskRequest): number {
  if (dim === undefined) {
    const message =
      'A structured pruning method must have a dim, so that it can be used on top of another; set one on it.';
    throw new PruneError('argument', message, { allowed: 'a method with a dim' });
  }
  const axis = axisOf(dim, request);
  if (axis.layout === request.layout) return axis.dim;
  const message = `The method's dim is '${dim}', an axis of PyTorch's layout; use PyTorch's name for the parameter, or a number.`;
  throw new PruneError('dim', message, { given: dim, allowed: 'a number' });
}

/** What a method's computeMask made of the values, checked and as bytes. */
function runComputeMask(
  method: PruningMethod,
  values: Float32Array,
  mask: Uint8Array,
  shape: readonly number[],
): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(0);
  // Not returned from tidy, which would look for tensors in each of its elements.
  tf.tidy(() => {
    const made: unknown = method.computeMask(
      tf.tensor(values, [...shape]),
      tf.tensor(new Float32Array(mask), [...shape]),
    );
    checkTensor(made, 'What computeMask returns');
    checkShape(made, shape, 'The mask that computeMask returns');
    bytes = bytesOfMask(made, 'The mask that computeMask returns');
  });
  return bytes;
}

function keepOnly(mask: Uint8Array, before: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) mask[i]! &= before[i]!;
}

function allOnes(size: number): Uint8Array {
  return new Uint8Array(size).fill(1);
}

/** The mask of a method that is shown the entries that are left, one after the other. Overwrites what it is given. */
function maskOfEntriesLeft(method: PruningMethod, values: Float32Array, mask: Uint8Array): Uint8Array {
  let left = 0;
  for (let i = 0; i < mask.length; i++) {
    values[left] = values[i]!;
    left += mask[i]!;
  }
  const made = runComputeMask(method, values.subarray(0, left), allOnes(left), [left]);
  for (let i = 0, n = 0; n < left; i++) {
    const before = mask[i]!;
    mask[i] = before & made[n]!;
    n += before;
  }
  return mask;
}

/** The mask of a method that is shown values in row-major order, or those that are left. Overwrites what it is given. */
function maskOfValues(
  method: PruningMethod,
  values: Float32Array,
  mask: Uint8Array | undefined,
  shape: readonly number[],
): Uint8Array {
  if (mask === undefined) return runComputeMask(method, values, allOnes(values.length), shape);
  if (method.pruningType === 'unstructured') return maskOfEntriesLeft(method, values, mask);
  const made = runComputeMask(method, values, mask, shape);
  keepOnly(made, mask);
  return made;
}

/** The mask of a method that is shown the channels that are left. */
function maskOfChannelsLeft(method: PruningMethod, request: MaskRequest, mask: Uint8Array): Uint8Array {
  const left = channelsLeft(mask, request.layout, dimOf(method, request));
  const values = gather(request.scores, left, new Float32Array(left.size));
  const before = gather(mask, left, new Uint8Array(left.size));
  const made = runComputeMask(method, values, before, left.shape);
  keepOnly(made, before);
  return scatter(made, left, mask.slice());
}

/**
 * A mask over typed arrays from a method over tensors, which sees what PyTorch would show it: on the first pruning the
 * whole tensor, later the slice that is left.
 *
 * @param method A method with a computeMask of its own.
 * @param request The parameter to prune.
 * @returns A new mask in the variable's own order, zero wherever the old one is.
 */
export function maskByTensors(method: PruningMethod, request: MaskRequest): Uint8Array {
  const { layout, mask } = request;
  if (mask !== undefined && method.pruningType === 'structured') {
    return maskOfChannelsLeft(method, request, mask);
  }
  const values = gather(request.scores, layout, new Float32Array(layout.size));
  const before = mask && gather(mask, layout, new Uint8Array(layout.size));
  const made = maskOfValues(method, values, before, layout.shape);
  return scatter(made, layout, new Uint8Array(layout.size));
}

/**
 * As {@link maskByTensors}, over several parameters as one long vector, each in the layout of its name.
 *
 * @returns One mask for each request.
 */
export function masksByTensors(method: PruningMethod, requests: readonly MaskRequest[]): Uint8Array[] {
  const total = requests.reduce((size, request) => size + request.layout.size, 0);
  const scores = new Float32Array(total);
  const mask = requests.some((request) => request.mask !== undefined) ? allOnes(total) : undefined;
  let start = 0;
  for (const request of requests) {
    const end = start + request.layout.size;
    gather(request.scores, request.layout, scores.subarray(start, end));
    if (request.mask !== undefined) gather(request.mask, request.layout, mask!.subarray(start, end));
    start = end;
  }
  const made = maskOfValues(method, scores, mask, [total]);
  let from = 0;
  return requests.map(({ layout }) => {
    const part = made.subarray(from, from + layout.size);
    from += layout.size;
    return scatter(part, layout, new Uint8Array(layout.size));
  });
}

/**
 * The mask as a tensor from a method over typed arrays: computeMask for the methods of this library.
 *
 * @param method A method with a maskFor of its own.
 * @param t Importance of every entry.
 * @param defaultMask What earlier prunings left, of the same shape.
 * @returns A float32 tensor of 0 and 1; the caller disposes it.
 */
export function maskTensorByArrays(method: PruningMethod, t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
  checkTensor(t, 't');
  checkTensor(defaultMask, 'defaultMask');
  checkShape(defaultMask, t.shape, 'defaultMask');
  const before = bytesOfMask(defaultMask, 'defaultMask');
  const mask = method.maskFor(requestOfTensor(t, undefined));
  const made = mask instanceof Uint8Array ? mask : mask.bytes;
  keepOnly(made, before);
  return tf.tensor(new Float32Array(made), t.shape);
}
