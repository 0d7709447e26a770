/** Where an optimizer writes the new values of a variable: over the old ones, if nobody else holds them. */
import * as tf from '@tensorflow/tfjs';
import type { Heap } from '../../wasm/heap';
import { hasOneHolder, succeed } from '../../wasm/in-place';

/** A variable's values in the backend's memory, and where their successors go. */
export interface Place {
  readonly from: number;
  /** The same as `from`, or as many bytes elsewhere. */
  readonly to: number;
  /** Gives the variable what was written; its data gets a new identity, as with any assignment. */
  commit(): void;
}

/**
 * Finds a place for the new values of a variable.
 *
 * @param heap The memory of the wasm backend, which is active.
 * @param variable A float32 variable.
 */
export function placeOf(heap: Heap, variable: tf.Variable): Place {
  const from = addressOf(heap, variable);
  const backend = tf.backend();
  if (hasOneHolder(backend, variable.dataId)) {
    const commit = (): void =>
      assign(variable, tf.engine().makeTensorFromTensorInfo(succeed(backend, variable)));
    return { from, to: from, commit };
  }
  const tensor = tf.zerosLike(variable);
  return { from, to: addressOf(heap, tensor), commit: () => assign(variable, tensor) };
}

/** Where the values of a float32 tensor are, which are brought to the backend's memory first. */
export function addressOf(heap: Heap, { dataId }: tf.Tensor): number {
  const address = heap.addressOf(dataId);
  // tfjs goes on with address 0 where there was no memory left.
  if (!address) throw new Error("The wasm backend has no memory left for an optimizer's step.");
  return address;
}

function assign(variable: tf.Variable, tensor: tf.Tensor): void {
  try {
    variable.assign(tensor);
  } finally {
    tensor.dispose();
  }
}
