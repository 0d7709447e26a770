import type * as tf from '@tensorflow/tfjs';
import type { Heap } from './heap';

/** What is used of the wasm backend to make an output. */
interface OutputMaker {
  makeOutput(shape: readonly number[], dtype: 'float32'): tf.TensorInfo;
  disposeData(dataId: object): boolean;
}

function isOutputMaker(backend: object): backend is OutputMaker {
  return 'makeOutput' in backend && 'disposeData' in backend;
}

/** Where a kernel's tensors begin in the backend's memory: its inputs by their names, as far as it has them. */
export interface Placed {
  readonly inputs: Readonly<Record<string, number>>;
  readonly output: number;
}

/**
 * @param heap The backend's memory.
 * @param inputs A kernel's inputs; null or undefined where it was not given one.
 * @returns Where they begin, by their names; undefined if one is not in the memory.
 */
export function placesOf(heap: Heap, inputs: tf.NamedTensorInfoMap): Record<string, number> | undefined {
  const addresses: Record<string, number> = {};
  for (const [name, input] of Object.entries<tf.TensorInfo | null | undefined>(inputs)) {
    if (!input) continue;
    const address = heap.addressOf(input.dataId);
    if (address === undefined) return undefined;
    addresses[name] = address;
  }
  return addresses;
}

/**
 * Makes a kernel's output.
 *
 * @param backend The wasm backend.
 * @param heap Its memory.
 * @param inputs The kernel's inputs; null or undefined where it was not given one.
 * @param shape The output's.
 * @param write Writes it, and says whether it could.
 * @returns The output; undefined, with nothing left behind, if it was not written or an input is not in the memory.
 *   Nothing is left behind where writing throws either.
 */
export function outputOf(
  backend: object,
  heap: Heap,
  inputs: tf.NamedTensorInfoMap,
  shape: readonly number[],
  write: (placed: Placed) => boolean,
): tf.TensorInfo | undefined {
  if (!isOutputMaker(backend)) return undefined;
  const addresses = placesOf(heap, inputs);
  if (addresses === undefined) return undefined;
  const output = backend.makeOutput(shape, 'float32');
  const address = heap.addressOf(output.dataId);
  let isWritten = false;
  try {
    isWritten = address !== undefined && write({ inputs: addresses, output: address });
  } finally {
    if (!isWritten) backend.disposeData(output.dataId);
  }
  return isWritten ? output : undefined;
}
