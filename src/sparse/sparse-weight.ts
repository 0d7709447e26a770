import type { Heap } from '../wasm/heap';
import type { Kernels } from '../wasm/kernels';
import type { Team } from '../wasm/team';
import type { Workspace } from '../wasm/workspace';
import type { Convolution } from './geometry';
import type { Operation } from './operation';
import { makeRegistry } from './registry';

/** What packed weights are made and run with. */
export interface Engine {
  readonly heap: Heap;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  readonly team: Team;
}

/** A weight that is packed without its zeros. */
export interface SparseWeight {
  /** Where it is packed. */
  readonly heap: Heap;
  /** Number of output channels. */
  readonly channels: number;
  /** Bytes of memory that it takes. */
  readonly bytes: number;
  /**
   * Runs a convolution.
   *
   * @param convolution Its sizes.
   * @param operation What it reads, writes and clamps to.
   * @returns Whether it ran; false, with nothing written, where memory does not suffice.
   */
  convolve(convolution: Convolution, operation: Operation): boolean;
  /**
   * Multiplies rows of channels.
   *
   * @param rows How many.
   * @param channels Of each row.
   * @param operation What it reads, writes and clamps to.
   * @returns Whether it ran; false, with nothing written, where memory does not suffice.
   */
  multiply(rows: number, channels: number, operation: Operation): boolean;
  /** How its convolutions take images that are kept as tiles, and give such; undefined where they do not. */
  readonly tiles?: TileUse;
  /** Frees the memory. */
  free(): void;
}

/** What a packed weight has to do with tiles. */
export interface TileUse {
  readonly kernels: Kernels;
  /**
   * @param pixels Of an output.
   * @returns Whether it is to be tiles.
   */
  isWanted(pixels: number): boolean;
  /** Called when something asks for the values of an output in tfjs's order. */
  onAsked(): void;
}

/** Null where a layer runs dense whatever was packed before. */
const weights = makeRegistry<SparseWeight | null>();

/**
 * @param dataId A tensor's.
 * @returns The packed weight that stands for it, undefined where it is to run dense.
 */
export function sparseWeightOf(dataId: object): SparseWeight | undefined {
  return weights.get(dataId) ?? undefined;
}

/**
 * Lets every layer with a tensor run sparse, or dense, until that is cleared.
 *
 * @param dataId The tensor's.
 * @param weight Its packed weight; null for dense.
 */
export function setSparseWeight(dataId: object, weight: SparseWeight | null): void {
  weights.add(dataId, weight);
}

/**
 * Lets layers with a tensor run as they did before.
 *
 * @param dataId The tensor's.
 * @param weight What was set.
 */
export function clearSparseWeight(dataId: object, weight: SparseWeight | null): void {
  weights.remove(dataId, weight);
}
