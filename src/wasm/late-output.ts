import type * as tf from '@tensorflow/tfjs';

/** What the wasm backend knows of a tensor's data. Its kernels ask for one or the other whenever they read or free them. */
interface Entry {
  readonly id: number;
  readonly memoryOffset: number;
  readonly refCount: number;
}

/** What is used of the wasm backend to make an output where memory has been allocated for it. */
interface LateMaker {
  makeOutput(shape: readonly number[], dtype: 'float32', address: number): tf.TensorInfo;
  readonly dataIdMap: { get(dataId: object): Entry | undefined };
}

function isLateMaker(backend: object): backend is LateMaker {
  return 'makeOutput' in backend && 'dataIdMap' in backend;
}

/** Who knows what a tensor's memory holds until it holds the tensor's values. */
export interface Keeper {
  /** Writes the values, before anything that does not know of the keeper sees the memory. The keeper then has no part in it. */
  settle(): void;
  /**
   * The tensor is disposed, its values never asked for.
   *
   * @returns Whether the backend is to free the memory now; otherwise the keeper does.
   */
  drop(): boolean;
}

/**
 * Makes a kernel's output whose values are written when they are first asked for.
 *
 * @param backend The wasm backend.
 * @param shape The output's, of type float32.
 * @param address Memory that was allocated for it, which is the backend's from now on.
 * @param keeper Who writes it.
 * @returns The output; undefined, with nothing done, where the backend is not as known.
 */
export function makeLateOutput(
  backend: object,
  shape: readonly number[],
  address: number,
  keeper: Keeper,
): tf.TensorInfo | undefined {
  if (!isLateMaker(backend)) return undefined;
  const output = backend.makeOutput(shape, 'float32', address);
  const entry = backend.dataIdMap.get(output.dataId);
  if (entry !== undefined) guard(entry, keeper);
  return output;
}

/** Lets the keeper know before anything asks an entry where its values are. */
function guard(entry: Entry, keeper: Keeper): void {
  const { id, memoryOffset } = entry;
  const plain = { enumerable: true, configurable: true };
  const settle = (): void => {
    Object.defineProperties(entry, {
      id: { value: id, writable: true, ...plain },
      memoryOffset: { value: memoryOffset, writable: true, ...plain },
    });
    keeper.settle();
  };
  Object.defineProperties(entry, {
    id: {
      get: () => {
        if (entry.refCount > 0) settle();
        return id;
      },
      ...plain,
    },
    memoryOffset: {
      get: () => {
        if (entry.refCount > 0) settle();
        // Nobody refers to it any more: the backend is about to free what it gets; freeing 0 does nothing.
        else if (!keeper.drop()) return 0;
        return memoryOffset;
      },
      ...plain,
    },
  });
}
