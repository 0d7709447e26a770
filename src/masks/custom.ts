import { checkLength, checkSize } from './checks';
import { ones } from './entries';
import type { MaskOption } from './unstructured';

/**
 * A mask that prunes nothing.
 *
 * Source: `torch.nn.utils.prune.Identity`.
 *
 * @param size Number of entries.
 * @returns A new mask of ones.
 * @throws {@link PruneError} `shape` if the size is not a whole number ≥ 0.
 * @example
 * ```ts
 * identity(3); // Uint8Array [1, 1, 1]
 * ```
 */
export function identity(size: number): Uint8Array {
  checkSize(size, 'The size of a mask');
  return new Uint8Array(size).fill(1);
}

/**
 * A mask given outright, on top of what earlier prunings left.
 *
 * Source: `torch.nn.utils.prune.CustomFromMask`. Differs from PyTorch: numbers other than 0 and 1 are refused.
 *
 * @param newMask 1 for entries to keep and 0 for those to prune.
 * @param options Earlier prunings.
 * @returns A new mask: 1 where both are 1.
 * @throws {@link PruneError} `argument` if a mask holds anything but 0 and 1, `shape` if their lengths differ.
 * @example
 * ```ts
 * customFromMask([1, 0, 1], { mask: Uint8Array.of(0, 1, 1) }); // Uint8Array [0, 0, 1]
 * ```
 */
export function customFromMask(newMask: ArrayLike<number>, { mask }: MaskOption = {}): Uint8Array {
  ones(newMask, 'The new mask');
  const combined = Uint8Array.from(newMask);
  if (mask === undefined) return combined;
  checkLength(combined.length, mask.length, 'The new mask');
  ones(mask, 'The mask of the tensor');
  for (let i = 0; i < combined.length; i++) combined[i]! &= mask[i]!;
  return combined;
}

/**
 * How many entries a mask prunes.
 *
 * @param mask 1 or 0 an entry.
 * @returns The number of zeros.
 * @throws {@link PruneError} `argument` if the mask holds anything but 0 and 1.
 * @example
 * ```ts
 * zeros(Uint8Array.of(1, 0, 0)); // 2
 * ```
 */
export function zeros(mask: ArrayLike<number>): number {
  return mask.length - ones(mask, 'The mask');
}
