/** Sums of tensors that are kept as tiles, and the ReLU after them, which is computed together with the sum. */
import type * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import type { Range } from './operation';
import { makeSum, makeTiled, tiledOf } from './tiled';

type Arguments = Parameters<tf.KernelFunc>[0];

/**
 * tfjs's Add, for two tensors of one shape that are kept as tiles.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runSum({ inputs: { a, b }, backend }: Arguments): tf.TensorInfo | undefined {
  const heap = heapOf(backend);
  const [first, second] = [a && tiledOf(a, heap), b && tiledOf(b, heap)];
  if (a === undefined || b === undefined || first === undefined || second === undefined) return undefined;
  const isSame = a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
  return isSame ? makeSum(backend, first, second, a.shape) : undefined;
}

/**
 * Makes tfjs's kernel of an activation that clamps, for sums that are not computed yet.
 *
 * @param range What it clamps to.
 * @returns A function of the kernel's arguments, which gives undefined where tfjs's kernel has to run.
 */
export function clampSum({ min, max }: Range): (args: Arguments) => tf.TensorInfo | undefined {
  return ({ inputs: { x }, backend }) => {
    const tiled = x && tiledOf(x, heapOf(backend));
    if (x === undefined || tiled?.sum === undefined) return undefined;
    const [a, b] = tiled.sum;
    return makeTiled(backend, tiled, x.shape, ({ kernels, tiles }) => {
      kernels.addClamped(a.tiles, a.end, b.tiles, tiles, min, max);
      return true;
    });
  };
}
