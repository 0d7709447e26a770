import type { SplitKeys } from './bracket';
import type { DrawTurns } from './generator';
import type { Layout } from './layout';

/**
 * Puts the bytes of a row-major array at the places that a layout of all of `into` names, as `scatter` does; returns
 * whether it has.
 */
export type ScatterBytes = (source: Uint8Array, layout: Layout, into: Uint8Array) => boolean;

/** Faster ways for the loops over all entries of large tensors. What they do is what the loops do. */
export interface MaskKernels {
  readonly split: SplitKeys;
  readonly drawTurns: DrawTurns;
  readonly scatterBytes: ScatterBytes;
  /** Where keys are best put for them, a chunk at a time. */
  readonly chunk: Int32Array;
}
