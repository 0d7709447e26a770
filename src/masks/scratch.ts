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
