import type * as tf from '@tensorflow/tfjs';

/** What is used of the wasm backend to let two tensors have the same data. */
interface Sharer {
  incRef(dataId: object): void;
}

function isSharer(backend: object): backend is Sharer {
  return 'incRef' in backend && 'refCount' in backend;
}

/**
 * Makes a kernel's output that has the data of its input, as on tfjs's other backends, where its wasm backend copies.
 *
 * @param backend The wasm backend.
 * @param x The input.
 * @returns The output; undefined, with nothing done, for strings and where there is no input.
 */
export function share(backend: object, x: tf.TensorInfo | undefined): tf.TensorInfo | undefined {
  if (x === undefined || x.dtype === 'string' || !isSharer(backend)) return undefined;
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}
