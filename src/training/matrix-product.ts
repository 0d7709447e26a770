import type { Heap } from '../wasm/heap';
import { type TrainingKernels, trainingKernelsNow } from '../wasm/training-kernels';
import { PANEL_COLUMNS, PANEL_ROWS } from '../wasm/wat/panel';
import { makeWorkspace, type Workspace } from '../wasm/workspace';

/** Rows, columns and steps along the axis that is added up along, of what is packed at a time. */
const BLOCK_ROWS = 256;
const BLOCK_COLUMNS = 128;
const BLOCK_DEPTH = 240;

/** Where a matrix has its rows or columns, and how they are packed. */
export interface Operand {
  /**
   * Packs a part, counted along the axis that is the operand's own (`from`, `to`) and the one that is added up along.
   *
   * @param pack What packs.
   * @param from The first row of the left operand, or column of the right one.
   * @param to Where they end.
   * @param depthFrom Where the part begins on the other axis.
   * @param depthTo Where it ends.
   */
  pack(pack: Packer, from: number, to: number, depthFrom: number, depthTo: number): void;
}

/** Packs a piece of a part into its place. */
export interface Packer {
  /**
   * Packs rows that have the axis to add up along inside them.
   *
   * @param addresses Where they are.
   * @param offset Bytes, added to each address.
   * @param columns Floats to read from each.
   * @param depth Where the piece begins on the axis to add up along, from the part's beginning on.
   */
  rows(addresses: ArrayLike<number>, offset: number, columns: number, depth: number): void;
  /**
   * Packs rows along whose number is added up.
   *
   * @param addresses Where they are.
   * @param offset Bytes, added to each address.
   * @param columns Floats to read from each.
   * @param panel Which panel of the part they begin.
   */
  columns(addresses: ArrayLike<number>, offset: number, columns: number, panel: number): void;
}

/** A product of two matrices. */
export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly left: Operand;
  readonly right: Operand;
  /** The address of a row of the result; 0 for one that is to be thrown away. */
  readonly rowOf: (row: number) => number;
  /** Whether the product is added to what is there. */
  readonly add?: boolean;
}

/** What multiplies matrices in the wasm backend's memory. */
export interface Multiplier {
  readonly heap: Heap;
  readonly kernels: TrainingKernels;
  /**
   * Makes room for the multiplications that follow. What was asked of the memory before is no longer valid.
   *
   * @param floats The longest row of either operand or the result.
   * @returns The address of that many zeros; undefined where there is no memory left.
   */
  prepare(floats: number): number | undefined;
  /** Multiplies. `prepare` must have been called since the last tensor was made. */
  multiply(product: Product): void;
}

const multipliers = new WeakMap<Heap, Multiplier>();

/**
 * @param heap The wasm backend's memory.
 * @returns Its multiplier; undefined where the kernels cannot be compiled.
 */
export function multiplierOf(heap: Heap): Multiplier | undefined {
  const known = multipliers.get(heap);
  if (known !== undefined) return known;
  const kernels = trainingKernelsNow(heap);
  if (kernels === undefined) return undefined;
  const multiplier = makeMultiplier(heap, kernels);
  multipliers.set(heap, multiplier);
  return multiplier;
}

/** Addresses of the parts of the scratch memory: about 0.4 MB, kept for the next product. */
interface Scratch {
  readonly a: number;
  readonly b: number;
  readonly rows: number;
  readonly table: number;
  /** Rows of one panel's columns, and a table of their addresses. */
  readonly spill: number;
  readonly spillRows: number;
  readonly dump: number;
}

const TABLE = 4 * (Math.max(BLOCK_ROWS, BLOCK_COLUMNS, BLOCK_DEPTH) + PANEL_COLUMNS);
const A_BYTES = 4 * BLOCK_ROWS * BLOCK_DEPTH;
const B_BYTES = 4 * BLOCK_COLUMNS * BLOCK_DEPTH;
const SPILL_BYTES = 4 * PANEL_COLUMNS * BLOCK_ROWS;

function makeMultiplier(heap: Heap, kernels: TrainingKernels): Multiplier {
  const workspace: Workspace = makeWorkspace(heap);
  let floats = 0;
  let scratch: Scratch | undefined;
  const prepare = (needed: number): number | undefined => {
    if (needed > floats || scratch === undefined) {
      // Room for a whole number of vectors, as the packing of the last columns needs.
      floats = Math.max(needed, 4096) + PANEL_COLUMNS;
      const a = workspace.reserve(A_BYTES + B_BYTES + 3 * TABLE + SPILL_BYTES + 8 * floats);
      if (a === undefined) {
        floats = 0;
        scratch = undefined;
        return undefined;
      }
      const b = a + A_BYTES;
      const rows = b + B_BYTES;
      const table = rows + TABLE;
      const spillRows = table + TABLE;
      const spill = spillRows + TABLE;
      scratch = { a, b, rows, table, spill, spillRows, dump: spill + SPILL_BYTES };
      const spillTable = new Uint32Array(heap.buffer, spillRows, BLOCK_ROWS);
      for (let row = 0; row < BLOCK_ROWS; row++) spillTable[row] = spill + 4 * PANEL_COLUMNS * row;
      new Float32Array(heap.buffer, scratch.dump + 4 * floats, floats).fill(0);
    }
    return scratch.dump + 4 * floats;
  };
  return {
    heap,
    kernels,
    prepare,
    multiply: (product) => {
      const zeros = prepare(0);
      if (scratch === undefined || zeros === undefined) throw new Error('There is no room to multiply in.');
      multiply(heap, kernels, scratch, zeros, product);
    },
  };
}

function multiply(
  heap: Heap,
  kernels: TrainingKernels,
  scratch: Scratch,
  zeros: number,
  product: Product,
): void {
  const { rows, columns, depth, left, right, rowOf } = product;
  const tables = new Uint32Array(heap.buffer, scratch.table, TABLE / 4);
  const rowTable = new Uint32Array(heap.buffer, scratch.rows, TABLE / 4);
  const packA = packer(
    PANEL_ROWS,
    kernels.packRowsA,
    kernels.packColumnsA,
    scratch.a,
    scratch,
    tables,
    zeros,
  );
  const packB = packer(
    PANEL_COLUMNS,
    kernels.packRowsB,
    kernels.packColumnsB,
    scratch.b,
    scratch,
    tables,
    zeros,
  );
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    const rowEnd = Math.min(row + BLOCK_ROWS, rows);
    const panelRows = roundUp(rowEnd - row, PANEL_ROWS);
    for (let i = 0; i < panelRows; i++) {
      rowTable[i] = (row + i < rowEnd ? rowOf(row + i) : 0) || scratch.dump;
    }
    for (let k = 0; k < depth; k += BLOCK_DEPTH) {
      const kEnd = Math.min(k + BLOCK_DEPTH, depth);
      const deep = kEnd - k;
      left.pack(packA(deep), row, rowEnd, k, kEnd);
      for (let column = 0; column < columns; column += BLOCK_COLUMNS) {
        const columnEnd = Math.min(column + BLOCK_COLUMNS, columns);
        right.pack(packB(deep), column, columnEnd, k, kEnd);
        const add = k > 0 || product.add === true;
        multiplyBlock(kernels, scratch, { panelRows, deep, column, columns: columnEnd - column, add });
      }
    }
  }
}

/** A product of what is packed. */
interface Block {
  readonly panelRows: number;
  readonly deep: number;
  /** The first column of the result, and how many there are. */
  readonly column: number;
  readonly columns: number;
  readonly add: boolean;
}

function multiplyBlock(kernels: TrainingKernels, scratch: Scratch, block: Block): void {
  const { panelRows, deep } = block;
  const { a, b, rows, spill, spillRows } = scratch;
  const add = block.add ? 1 : 0;
  const aEnd = a + 4 * panelRows * deep;
  const panelBytes = 4 * PANEL_ROWS * deep;
  const rest = block.columns % PANEL_COLUMNS;
  const whole = block.columns - rest;
  const bEnd = b + 4 * whole * deep;
  if (whole > 0) kernels.gemm(a, aEnd, b, bEnd, panelBytes, rows, 4 * block.column, add);
  if (rest === 0) return;
  kernels.gemm(a, aEnd, bEnd, bEnd + 4 * PANEL_COLUMNS * deep, panelBytes, spillRows, 0, 0);
  kernels.spill(spill, rows, rows + 4 * panelRows, 4 * (block.column + whole), 4 * rest, add);
}

function roundUp(n: number, step: number): number {
  return Math.ceil(n / step) * step;
}

function packer(
  width: number,
  packRows: TrainingKernels['packRowsA'],
  packColumns: TrainingKernels['packColumnsA'],
  dst: number,
  { table }: Scratch,
  addressTable: Uint32Array,
  zeros: number,
): (depth: number) => Packer {
  return (depth) => {
    const step = 4 * width * depth;
    return {
      rows(addresses, offset, columns, from) {
        const count = roundUp(addresses.length, width);
        addressTable.set(addresses);
        // Rows that fill the last panel up; the offset must not lead beyond the zeros.
        for (let i = addresses.length; i < count; i++) addressTable[i] = zeros - offset;
        packRows(table, table + 4 * count, offset, columns, dst + 4 * width * from, step);
      },
      columns(addresses, offset, columns, panel) {
        addressTable.set(addresses);
        packColumns(table, table + 4 * addresses.length, offset, columns, dst + panel * step, step);
      },
    };
  };
}
