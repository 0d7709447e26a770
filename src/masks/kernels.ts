import type { SplitKeys } from './bracket';
import type { DrawTurns } from './generator';
import type { Layout } from './layout';
import type { TieKernels } from './ties';

/**
 * Puts the bytes of a row-major array at the places that a layout of all of `into` names, as `scatter` does; returns
 * whether it has.
 */
export type ScatterBytes = (source: Uint8Array, layout: Layout, into: Uint8Array) => boolean;

/** Copies the elements of a layout into a row-major array, as `gather` does; returns whether it has. */
export type GatherWords = (source: Int32Array, layout: Layout, into: Int32Array) => boolean;

/** Faster ways for the loops over all entries of large tensors. What they do is what the loops do. */
export interface MaskKernels extends TieKernels {
  /** Splits keys at a bracket. */
  readonly split: SplitKeys;
  /** Draws random numbers. */
  readonly drawTurns: DrawTurns;
  /** Puts a mask in another order. */
  readonly scatterBytes: ScatterBytes;
  /** Puts scores in another order. */
  readonly gatherWords: GatherWords;
  /** Where keys are best put to be drawn and split, a chunk at a time. To be asked for anew after `withKeys`. */
  readonly chunk: Int32Array;
  /**
   * Lends memory where `number`, `exchange` and `gatherWords` work, and frees it again. Scores that are in the same memory
   * may have moved: ask for them again.
   *
   * @param count How many keys.
   * @param run What uses them.
   * @returns Whether there was memory; nothing has run otherwise.
   */
  withKeys(count: number, run: (keys: Int32Array) => void): boolean;
}
