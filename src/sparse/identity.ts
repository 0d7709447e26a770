import type * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';

/** What is used of the wasm backend to let two tensors have the same data. */
interface DataSharer {
  incRef(dataId: object): void;
}

function isDataSharer(backend: object): backend is DataSharer {
  return 'incRef' in backend;
}

/** A variable's data may be written to where it is, which a clone must not see. */
function isVariable(x: tf.TensorInfo): boolean {
  return 'assign' in x;
}

/**
 * tfjs's Identity, which copies on wasm, and which every Add layer of a model runs on one of its inputs. Here the result
 * has the same data, as on tfjs's other backends.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runIdentity({
  inputs: { x },
  backend,
}: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  if (x === undefined || x.dtype === 'string' || isVariable(x)) return undefined;
  if (heapOf(backend) === undefined || !isDataSharer(backend)) return undefined;
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}
