/** Products of pixels with a pruned filter, and the filter's gradient at the entries that are left. */
import { TILE_PIXELS } from '../wasm/wat/panel';
import { makeWorkspace, type Workspace } from '../wasm/workspace';
import type { Multiplier } from './matrix-product';
import type { Taps } from './operands';
import type { SparseMatrix } from './pruned-filter';

const TILE_BYTES = 4 * TILE_PIXELS;

/** A product of pixels, [row, (tap, channel)], with a pruned filter. */
export interface SparseProduct {
  readonly rows: number;
  /** The pixels' taps; there are as many as the matrix has. */
  readonly taps: Taps;
  readonly matrix: SparseMatrix;
  /** The address of the filter. */
  readonly filter: number;
  /** The address of a row of the result. */
  readonly rowOf: (row: number) => number;
  readonly add: boolean;
}

/** Room for a tile's addresses, what it packs and what it makes; undefined where there is none. */
function reserve(
  multiplier: Multiplier,
  panelRows: number,
  more: number,
): { table: number; panel: number; rest: number } | undefined {
  const { heap } = multiplier;
  let workspace = workspaces.get(multiplier);
  if (workspace === undefined) {
    workspace = makeWorkspace(heap);
    workspaces.set(multiplier, workspace);
  }
  const table = workspace.reserve(TILE_BYTES * (panelRows + 1) + more);
  if (table === undefined) return undefined;
  const panel = table + TILE_BYTES;
  return { table, panel, rest: panel + TILE_BYTES * panelRows };
}

const workspaces = new WeakMap<Multiplier, Workspace>();

/**
 * Brings a tile of pixels to a panel, [(tap, channel), pixel].
 *
 * @param multiplier What packs.
 * @param taps The pixels' taps.
 * @param row The first pixel; those beyond the last are zeros.
 * @param at Where the table of addresses, the panel and the zeros are.
 */
function packTile(
  { heap, kernels }: Multiplier,
  taps: Taps,
  row: number,
  rows: number,
  at: { readonly table: number; readonly panel: number; readonly zeros: number },
): void {
  const table = new Uint32Array(heap.buffer, at.table, TILE_PIXELS);
  const addresses = table.subarray(0, Math.min(TILE_PIXELS, rows - row));
  table.fill(at.zeros, addresses.length);
  for (let tap = 0; tap < taps.count; tap++) {
    taps.addresses(tap, row, addresses);
    const panel = at.panel + TILE_BYTES * tap * taps.channels;
    kernels.packTile(at.table, at.table + TILE_BYTES, 0, taps.channels, panel, 0);
  }
}

/**
 * Multiplies. The multiplier must have been prepared.
 *
 * @param multiplier What packs.
 * @param zeros The address of zeros, as long as a pixel.
 * @param product The product.
 * @returns Whether there was memory for it; nothing has changed otherwise.
 */
export function multiplySparse(multiplier: Multiplier, zeros: number, product: SparseProduct): boolean {
  const { heap, kernels } = multiplier;
  const { rows, taps, matrix, rowOf } = product;
  const { columns, ends, stream, moves, count } = matrix;
  const room = reserve(multiplier, matrix.rows, TILE_BYTES * columns + 4 * (columns + 4));
  if (room === undefined) return false;
  const tile = room.rest;
  const dump = tile + TILE_BYTES * columns;
  const wholeEnd = tile + TILE_BYTES * (columns & -4);
  kernels.sparseRefresh(moves, moves + 8 * count, product.filter, stream);
  const table = new Uint32Array(heap.buffer, room.table, TILE_PIXELS);
  for (let row = 0; row < rows; row += TILE_PIXELS) {
    packTile(multiplier, taps, row, rows, { ...room, zeros });
    kernels.sparseProduct(ends, ends + 4 * columns, stream, room.panel, tile);
    for (let i = 0; i < TILE_PIXELS; i++) table[i] = row + i < rows ? rowOf(row + i) : dump;
    kernels.unpackTile(tile, wholeEnd, dump, room.table, product.add ? 1 : 0);
  }
  return true;
}

/** A filter's gradient. */
export interface SparseGradient {
  readonly rows: number;
  /** The pixels that each of the output's meets. */
  readonly taps: Taps;
  /** The output's pixels, a single tap. */
  readonly dy: Taps;
  /** Output channels are its columns. */
  readonly matrix: SparseMatrix;
  /** Where the gradient goes, and its floats. */
  readonly filter: number;
  readonly size: number;
}

/**
 * The gradient of a pruned filter; zero where it is pruned. The multiplier must have been prepared.
 *
 * @param multiplier What packs.
 * @param zeros The address of zeros, as long as a pixel of either tensor.
 * @param gradient The gradient.
 * @returns Whether there was memory for it; nothing has changed otherwise.
 */
export function differentiateSparse(
  multiplier: Multiplier,
  zeros: number,
  gradient: SparseGradient,
): boolean {
  const { heap, kernels } = multiplier;
  const { rows, taps, dy, matrix } = gradient;
  const { columns, ends, stream, moves, count } = matrix;
  const room = reserve(multiplier, matrix.rows + columns, 4 * count);
  if (room === undefined) return false;
  const { table, panel, rest: sums } = room;
  const dyPanel = panel + TILE_BYTES * matrix.rows;
  new Float32Array(heap.buffer, sums, count).fill(0);
  for (let row = 0; row < rows; row += TILE_PIXELS) {
    packTile(multiplier, taps, row, rows, { table, panel, zeros });
    packTile(multiplier, dy, row, rows, { table, panel: dyPanel, zeros });
    kernels.sparseGradient(ends, ends + 4 * columns, stream, panel, dyPanel, sums);
  }
  const { filter, size } = gradient;
  kernels.sparseScatter(moves, moves + 8 * count, sums, filter, filter + 4 * size);
  return true;
}
