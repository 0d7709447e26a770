/**
 * Between methods that work on typed arrays and methods that work on tensors: each kind can do what the other does.
 */
import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { gather, scatter } from '../masks/gather';
import { type Layout, rowMajor, taken } from '../masks/layout';
import { axisOf, type Dim, type MaskRequest, type PruningMethod } from './request';

/** The 0/1 values of a tensor as bytes, checked. */
export function bytesOfMask(values: ArrayLike<number>, what: string): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) {
    const value = Number(values[i]);
    if (value !== 0 && value !== 1) {
      const message = `${what} must hold only 0 and 1, but got ${value} at position ${i}.`;
      throw new PruneError('argument', message, { given: value, allowed: '0 or 1' });
    }
    bytes[i] = value;
  }
  return bytes;
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

function isTensor(value: unknown): value is tf.Tensor {
  return value instanceof tf.Tensor;
}

/** Refuses what is not a live tensor. */
export function checkTensor(value: unknown, what: string): asserts value is tf.Tensor {
  if (!isTensor(value)) {
    throw new PruneError('argument', `${what} must be a tf.Tensor, but got ${String(value)}.`, {
      given: value,
    });
  }
  if (value.isDisposed) throw new PruneError('state', `${what} has been disposed.`, { given: value });
}

function entriesLeft(mask: Uint8Array, layout: Layout): Layout {
  const positions = gather(
    Int32Array.from(mask, (_, i) => i),
    layout,
    new Int32Array(mask.length),
  ).filter((position) => mask[position] === 1);
  return { shape: [positions.length], size: positions.length, offsets: [positions], contiguous: false };
}

function channelsLeft(mask: Uint8Array, layout: Layout, dim: number): Layout {
  const axis = dim < 0 ? dim + layout.shape.length : dim;
  const channels = layout.shape[axis];
  if (channels === undefined) {
    const allowed = `[${-layout.shape.length}, ${layout.shape.length - 1}]`;
    throw new PruneError('dim', `dim must be in ${allowed}, but got ${dim}.`, { given: dim, allowed });
  }
  const left = Array.from({ length: channels }, (_, channel) => channel).filter((channel) => {
    const slice = taken(layout, axis, [channel]);
    return gather(mask, slice, new Uint8Array(slice.size)).includes(1);
  });
  return taken(layout, axis, left);
}

/** The axis of a method that gets the slice that is left, so it must be one of the layout that the method sees. */
function dimOf(method: PruningMethod, request: MaskRequest): number {
  const dim: Dim | undefined = Reflect.get(method, 'dim');
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

function sliceFor(method: PruningMethod, request: MaskRequest): Layout {
  const { layout, mask } = request;
  if (mask === undefined || method.pruningType === 'global') return layout;
  if (method.pruningType === 'unstructured') return entriesLeft(mask, layout);
  return channelsLeft(mask, layout, dimOf(method, request));
}

/** What a method's computeMask made of `t`, checked and as bytes. */
function runComputeMask(
  method: PruningMethod,
  values: Float32Array,
  mask: Uint8Array,
  shape: readonly number[],
) {
  return tf.tidy(() => {
    const made: unknown = method.computeMask(
      tf.tensor(values, [...shape]),
      tf.tensor(Float32Array.from(mask), [...shape]),
    );
    checkTensor(made, 'What computeMask returns');
    checkShape(made, shape, 'The mask that computeMask returns');
    return bytesOfMask(made.dataSync(), 'The mask that computeMask returns');
  });
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
  const slice = sliceFor(method, request);
  const old = request.mask ?? new Uint8Array(request.scores.length).fill(1);
  const values = gather(request.scores, slice, new Float32Array(slice.size));
  const before = gather(old, slice, new Uint8Array(slice.size));
  const made = runComputeMask(method, values, before, slice.shape);
  for (let i = 0; i < made.length; i++) made[i]! &= before[i]!;
  return scatter(made, slice, old.slice());
}

/**
 * As {@link maskByTensors}, over several parameters as one long vector, each in the layout of its name.
 *
 * @returns One mask for each request.
 */
export function masksByTensors(method: PruningMethod, requests: readonly MaskRequest[]): Uint8Array[] {
  const total = requests.reduce((size, request) => size + request.layout.size, 0);
  const scores = new Float32Array(total);
  const mask = new Uint8Array(total).fill(1);
  let start = 0;
  for (const request of requests) {
    const end = start + request.layout.size;
    gather(request.scores, request.layout, scores.subarray(start, end));
    if (request.mask !== undefined) gather(request.mask, request.layout, mask.subarray(start, end));
    start = end;
  }
  const layout = rowMajor([total]);
  const made = maskByTensors(method, { scores, mask, layout, torchLayout: layout, axes: {} });
  let from = 0;
  return requests.map(({ layout: own }) => {
    const part = made.subarray(from, from + own.size);
    from += own.size;
    return scatter(part, own, new Uint8Array(own.size));
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
  const before = bytesOfMask(defaultMask.dataSync(), 'defaultMask');
  const layout = rowMajor(t.shape);
  const scores = Float32Array.from(t.dataSync());
  const made = method.maskFor({ scores, layout, torchLayout: layout, axes: {}, mask: undefined });
  return tf.tensor(
    Float32Array.from(made, (kept, i) => kept & before[i]!),
    t.shape,
  );
}
