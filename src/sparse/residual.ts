/** Sums of tensors that are kept as tiles, and the ReLU after them, which is computed together with the sum. */
import type * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import type { Range } from './operation';
import { compute, makeTiled, putOff, type Tiled, tiledOf } from './tiled';

type Arguments = Parameters<tf.KernelFunc>[0];

/**
 * tfjs's Add, for two tensors of one shape that are kept as tiles: their sum is computed when it is needed.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runSum({ inputs: { a, b }, backend }: Arguments): tf.TensorInfo | undefined {
  const heap = heapOf(backend);
  const [first, second] = [a && tiledOf(a, heap), b && tiledOf(b, heap)];
  if (a === undefined || b === undefined || first === undefined || second === undefined) return undefined;
  const isSame = a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
  if (!isSame) return undefined;
  for (const term of [first, second]) compute(term);
  return makeTiled(backend, first, a.shape, (sum) => {
    putOff(sum, {
      parts: [first, second],
      write: (tiles) => first.kernels.add(first.tiles, first.end, second.tiles, tiles),
      writeClamped: (range, tiles) => addClamped(first, second, range, tiles),
    });
    return true;
  });
}

function addClamped({ kernels, tiles, end }: Tiled, b: Tiled, { min, max }: Range, y: number): void {
  if (min === 0 && max === Infinity) kernels.addRelu(tiles, end, b.tiles, y);
  else kernels.addClamped(tiles, end, b.tiles, y, min, max);
}

/**
 * Makes tfjs's kernel of an activation that clamps, for sums that are not computed yet.
 *
 * @param range What it clamps to.
 * @returns A function of the kernel's arguments, which gives undefined where tfjs's kernel has to run.
 */
export function clampSum(range: Range): (args: Arguments) => tf.TensorInfo | undefined {
  return ({ inputs: { x }, backend }) => {
    const tiled = x && tiledOf(x, heapOf(backend));
    if (x === undefined || tiled?.pending === undefined) return undefined;
    const { writeClamped } = tiled.pending;
    return makeTiled(backend, tiled, x.shape, ({ tiles }) => {
      writeClamped(range, tiles);
      return true;
    });
  };
}
