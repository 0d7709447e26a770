import type * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import { share } from '../wasm/share';

/** A variable's data may be written to where it is, which a clone must not see. */
function isVariable(x: tf.TensorInfo): boolean {
  return 'assign' in x;
}

/**
 * tfjs's Identity, which copies on wasm, and which every Add layer of a model runs on one of its inputs. Here the result
 * has the same data.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runIdentity({
  inputs: { x },
  backend,
}: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  if (x === undefined || isVariable(x) || heapOf(backend) === undefined) return undefined;
  return share(backend, x);
}

/**
 * tfjs's Slice, where it takes the whole: what `predict` does to the images of each batch, of which there mostly is one.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runSlice(args: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  const { x } = args.inputs;
  // tfjs has checked the attributes of its own kernel, but not filled up what is left out at the end.
  const { begin, size } = args.attrs as unknown as { begin: number | number[]; size?: number | number[] };
  const [begins, sizes] = [[begin].flat(), [size].flat()];
  const isWhole = x?.shape.every((all, axis) => {
    const length = sizes[axis] ?? -1;
    return (begins[axis] ?? 0) === 0 && (length === all || length === -1);
  });
  return isWhole ? runIdentity(args) : undefined;
}
