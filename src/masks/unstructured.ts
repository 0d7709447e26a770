import type { Amount } from './amount';
import { globalL1Unstructured } from './global-l1';
import { globalRandomUnstructured, type RandomOptions } from './global-random';
import type { Layout } from './layout';

/** What earlier prunings left. */
export interface MaskOption {
  /** 1 or 0 an entry, in the order of the flat array; only entries with 1 are ranked and counted. All by default. */
  readonly mask?: Uint8Array | undefined;
}

/** Settings of {@link l1Unstructured}. */
export interface L1Options extends MaskOption {
  /** Where the elements of the tensor lie in the scores; row-major by default. Decides only between equal scores. */
  readonly layout?: Layout | undefined;
}

/**
 * A mask that prunes the entries of smallest magnitude.
 *
 * Source: `torch.nn.utils.prune.L1Unstructured`, ties included.
 *
 * @param scores How important each entry is, usually the masked weights themselves.
 * @param amount How many of the entries that are left, or what fraction of them.
 * @param options Earlier prunings, and the order of elements.
 * @returns A new mask, 1 or 0 in the order of the scores.
 * @throws {@link PruneError} `argument`, `amount` or `shape` if something given does not fit.
 * @example
 * ```ts
 * l1Unstructured(Float32Array.of(3, -1, 2, -4), 0.5); // Uint8Array [1, 0, 0, 1]
 * ```
 */
export function l1Unstructured(scores: Float32Array, amount: Amount, options: L1Options = {}): Uint8Array {
  const [mask] = globalL1Unstructured([{ scores, ...options }], amount);
  return mask!;
}

/**
 * A mask that prunes entries drawn at random.
 *
 * Source: `torch.nn.utils.prune.RandomUnstructured`: the same mask for the same seed.
 *
 * @param size Number of entries of a row-major tensor, or where its elements lie.
 * @param amount How many of the entries that are left, or what fraction of them.
 * @param options Earlier prunings, and where the random numbers come from.
 * @returns A new mask, 1 or 0 in the order of the flat array.
 * @throws {@link PruneError} `argument`, `amount` or `shape` if something given does not fit.
 * @example
 * ```ts
 * randomUnstructured(permuted([3, 3, 8, 16], [3, 2, 0, 1]), 0.3, { generator: new Generator(0) });
 * ```
 */
export function randomUnstructured(
  size: number | Layout,
  amount: Amount,
  { mask, generator }: MaskOption & RandomOptions = {},
): Uint8Array {
  const [pruned] = globalRandomUnstructured([{ size, mask }], amount, { generator });
  return pruned!;
}
