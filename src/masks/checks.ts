import { PruneError } from '../errors';

/**
 * Checks a number of entries.
 *
 * @param size What the caller gave.
 * @param what The number, as the subject of a sentence.
 * @throws {@link PruneError} `shape` if it is not a whole number ≥ 0.
 */
export function checkSize(size: number, what: string): void {
  if (Number.isSafeInteger(size) && size >= 0) return;
  const allowed = 'a whole number >= 0';
  throw new PruneError('shape', `${what} must be ${allowed}, but got ${size}.`, { given: size, allowed });
}

/**
 * Checks a length.
 *
 * @param given What it is.
 * @param size What it must be.
 * @param what The thing that has this length, as the subject of a sentence.
 * @throws {@link PruneError} `shape` if they differ.
 */
export function checkLength(given: number, size: number, what: string): void {
  if (given === size) return;
  throw new PruneError('shape', `${what} must have ${size} entries, but has ${given}.`, {
    given,
    allowed: `${size} entries`,
  });
}

/**
 * Checks the index of something of which there are several.
 *
 * @param index What the caller gave.
 * @param count How many there are.
 * @param what The index, as the subject of a sentence.
 * @param kind `dim` for an axis, `shape` for an index of one.
 * @throws {@link PruneError} of this kind if it is not a whole number from 0 to `count - 1`.
 */
export function checkIndex(index: number, count: number, what: string, kind: 'dim' | 'shape'): void {
  if (Number.isSafeInteger(index) && index >= 0 && index < count) return;
  const allowed = count > 0 ? `a whole number from 0 to ${count - 1}` : 'left out: there is none';
  throw new PruneError(kind, `${what} must be ${allowed}, but got ${String(index)}.`, {
    given: index,
    allowed,
  });
}
