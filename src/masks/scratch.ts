import type { MaskKernels } from './kernels';

let last: WeakRef<Int32Array> | undefined;

/**
 * Memory for the keys of one call, holding anything. Fresh pages can cost more than all the ranking that is done in them,
 * so the last array is used again for as long as the garbage collector has left it.
 *
 * @param count Number of keys.
 * @returns An array that is the caller's until it returns.
 */
export function scratchKeys(count: number): Int32Array {
  const kept = last?.deref();
  if (kept !== undefined && kept.length >= count) return kept.subarray(0, count);
  const fresh = new Int32Array(count);
  last = new WeakRef(fresh);
  return fresh;
}

/**
 * Lends memory for keys where kernels can work on them, else where {@link scratchKeys} has it.
 *
 * @param count Number of keys.
 * @param kernels The kernels, if there are any.
 * @param run What uses the keys, which hold anything at first. The backend's memory may have grown before it.
 */
export function withKeys(
  count: number,
  kernels: MaskKernels | undefined,
  run: (keys: Int32Array) => void,
): void {
  const isDone = kernels?.withKeys(count, run) ?? false;
  if (!isDone) run(scratchKeys(count));
}
