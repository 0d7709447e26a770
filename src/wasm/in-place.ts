import type * as tf from '@tensorflow/tfjs';

/** What is used of the wasm backend to let new data have the memory of old data. */
interface Successor {
  makeOutput(shape: readonly number[], dtype: 'float32', address: number): tf.TensorInfo;
  refCount(dataId: object): number;
  readonly dataIdMap: { get(dataId: object): { memoryOffset: number } | undefined };
}

function isSuccessor(backend: object): backend is Successor {
  return 'makeOutput' in backend && 'refCount' in backend && 'dataIdMap' in backend;
}

/**
 * @param backend A backend of tfjs.
 * @param dataId Of a tensor or variable.
 * @returns Whether {@link succeed} may be called: the backend is the wasm backend and the data has no other holder.
 */
export function hasOneHolder(backend: object, dataId: object): boolean {
  return isSuccessor(backend) && backend.refCount(dataId) === 1;
}

/**
 * Makes an output in the memory of a tensor that nobody will read again. The tensor is left without memory, so that nothing is
 * freed with it, and must be disposed next.
 *
 * @param backend The wasm backend.
 * @param old The tensor, float32 and the only holder of its data.
 * @returns The output; its data has an identity of its own, so nobody takes it for the old data.
 */
export function succeed(backend: object, { dataId, shape }: tf.TensorInfo): tf.TensorInfo {
  const entry = isSuccessor(backend) ? backend.dataIdMap.get(dataId) : undefined;
  if (entry === undefined || !isSuccessor(backend)) throw new Error('The tensor is not in this backend.');
  const output = backend.makeOutput(shape, 'float32', entry.memoryOffset);
  // The backend frees this address when the data is disposed; freeing 0 does nothing.
  entry.memoryOffset = 0;
  return output;
}
