import { refused } from './refusal';

/**
 * Refuses what is no snapshot of weights; whether it is one of the model's own is another question.
 *
 * @param snapshot What the caller gave, or a file.
 * @throws {@link PruneError} `argument` for anything that `snapshot` does not give.
 */
export function checkSnapshot(snapshot: unknown): void {
  const { weights } = fieldsOf(snapshot);
  if (!Array.isArray(weights)) throw refused('snapshot', snapshot, 'what snapshot() gave');
  for (const [i, weight] of weights.entries()) checkWeight(weight, `snapshot.weights[${i}]`);
}

function checkWeight(weight: unknown, what: string): void {
  const { name, shape, values, mask } = fieldsOf(weight);
  const isNamed = typeof name === 'string' && Array.isArray(shape) && shape.every(Number.isSafeInteger);
  const isArray =
    values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array;
  if (!isNamed || !isArray) {
    throw refused(what, weight, 'an object of name, shape, and values in a typed array');
  }
  if (mask === undefined) return;
  const isMask =
    mask instanceof Uint8Array && mask.length === values.length && mask.every((entry) => entry <= 1);
  if (!isMask) throw refused(`${what}.mask`, mask, `a Uint8Array of ${values.length} entries, 0 or 1`);
}

/** The fields of what may be anything. */
function fieldsOf(given: unknown): Partial<Record<string, unknown>> {
  return Object(given) as Partial<Record<string, unknown>>;
}
