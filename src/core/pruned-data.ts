/** What kernels may know of tensors' values: that a mask has been applied to them. */
import type { Mask } from './mask';

/** The mask behind values, and what has been made of it. */
export interface PrunedData {
  /** Where it is zero, the values are zero. */
  readonly mask: Mask;
  /** What somebody made of the mask, by a name of its own; freed together with the mask. Undefined once that is done. */
  derived: Map<string, { free(): void }> | undefined;
}

const prunedData = new WeakMap<object, PrunedData>();

/**
 * @param dataId The identity of values that are zero wherever the mask is.
 * @param data The mask.
 */
export function notePruned(dataId: object, data: PrunedData): void {
  prunedData.set(dataId, data);
}

/**
 * @param dataId The identity of any values.
 * @returns Their mask; undefined where none is known, or it has been replaced since.
 */
export function prunedDataOf(dataId: object): PrunedData | undefined {
  const data = prunedData.get(dataId);
  return data?.derived === undefined ? undefined : data;
}

/** @param data A mask that is replaced or removed. */
export function freeDerived(data: PrunedData): void {
  for (const part of data.derived?.values() ?? []) part.free();
  data.derived = undefined;
}

const maskedGradients = new WeakMap<object, Mask>();

/**
 * @param dataId The identity of a gradient's values that were computed only where the mask is 1, and are zero elsewhere.
 * @param mask The mask.
 */
export function noteMaskedGradient(dataId: object, mask: Mask): void {
  maskedGradients.set(dataId, mask);
}

/** @returns Whether the values are known to be zero where the mask is. */
export function isMaskedGradient(dataId: object, mask: Mask): boolean {
  return maskedGradients.get(dataId) === mask;
}
