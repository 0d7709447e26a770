/** A pruned filter as the sparse matrix of a product: the places of its entries that are left, which last as long as its mask. */
import type { PrunedData } from '../core/pruned-data';
import type { Heap } from '../wasm/heap';
import { TILE_PIXELS } from '../wasm/wat/panel';

/** How a filter, [tap, inChannels, outChannels], is a matrix. */
export interface FilterMatrix {
  readonly inChannels: number;
  readonly outChannels: number;
  /** The taps that are part of it, in this order. */
  readonly taps: readonly number[];
  /** What its columns are: output channels, with rows (tap, inChannel), or input channels, with rows (tap, outChannel). */
  readonly columns: 'out' | 'in';
}

/** The matrix in the backend's memory, as wat/sparse-training.ts describes it. */
export interface SparseMatrix {
  readonly heap: Heap;
  readonly columns: number;
  readonly rows: number;
  /** Entries that are left. */
  readonly count: number;
  readonly ends: number;
  readonly stream: number;
  /** For each entry, in the filter's order, how far it is from the filter's beginning, and its value from the stream's. */
  readonly moves: number;
  free(): void;
}

/**
 * The matrix of a filter, made once for a mask.
 *
 * @param heap The wasm backend's memory.
 * @param pruned The filter's mask.
 * @param matrix How it is a matrix.
 * @returns Undefined where there is no memory left for it.
 */
export function sparseMatrixOf(
  heap: Heap,
  pruned: PrunedData,
  matrix: FilterMatrix,
): SparseMatrix | undefined {
  const key = `tfjs-prune/training ${matrix.columns} ${matrix.inChannels} ${matrix.taps.join()}`;
  // Whatever is kept under this name was put there below.
  const known = pruned.derived?.get(key) as SparseMatrix | undefined;
  if (known?.heap === heap) return known;
  known?.free();
  const made = makeSparseMatrix(heap, pruned.mask.bytes, matrix);
  if (made !== undefined) pruned.derived?.set(key, made);
  return made;
}

function makeSparseMatrix(
  heap: Heap,
  mask: Uint8Array,
  { inChannels, outChannels, taps, columns: kind }: FilterMatrix,
): SparseMatrix | undefined {
  const isOut = kind === 'out';
  const columns = isOut ? outChannels : inChannels;
  const depth = isOut ? inChannels : outChannels;
  const next = new Uint32Array(columns + 1);
  for (const tap of taps) {
    let at = tap * inChannels * outChannels;
    for (let i = 0; i < inChannels; i++) {
      for (let o = 0; o < outChannels; o++, at++) next[isOut ? o + 1 : i + 1]! += mask[at]!;
    }
  }
  for (let column = 0; column < columns; column++) next[column + 1]! += next[column]!;
  const count = next[columns]!;
  const address = heap.allocate(16 * count + 4 * columns + 8);
  if (address === undefined) return undefined;
  const stream = new Uint32Array(heap.buffer, address, 2 * count);
  const moves = new Uint32Array(heap.buffer, address + 8 * count, 2 * count);
  const ends = new Uint32Array(heap.buffer, address + 16 * count, columns);
  for (let column = 0; column < columns; column++) ends[column] = 8 * next[column + 1]!;
  let move = 0;
  for (const [row, tap] of taps.entries()) {
    let at = tap * inChannels * outChannels;
    for (let i = 0; i < inChannels; i++) {
      for (let o = 0; o < outChannels; o++, at++) {
        if (mask[at] === 0) continue;
        const entry = next[isOut ? o : i]!++;
        stream[2 * entry + 1] = 4 * TILE_PIXELS * (row * depth + (isOut ? i : o));
        moves[move++] = 4 * at;
        moves[move++] = 8 * entry;
      }
    }
  }
  return {
    heap,
    columns,
    rows: taps.length * depth,
    count,
    stream: address,
    moves: address + 8 * count,
    ends: address + 16 * count,
    free: () => heap.free(address),
  };
}
