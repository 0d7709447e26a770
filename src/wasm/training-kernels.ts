import { instantiateNow } from './compile';
import type { Heap } from './heap';
import { PLAIN, SHARED } from './training-binary';

/** The kernels for training, which work in the backend's memory. All addresses and steps are in bytes. */
export interface TrainingKernels {
  /** Rows to panels of the left matrix, see wat/pack.ts. */
  packRowsA: Pack;
  /** Columns to panels of the left matrix. */
  packColumnsA: Pack;
  /** Rows to panels of the right matrix. */
  packRowsB: Pack;
  /** Columns to panels of the right matrix. */
  packColumnsB: Pack;
  /** See wat/gemm.ts. */
  gemm(
    a: number,
    aEnd: number,
    b: number,
    bEnd: number,
    panelBytes: number,
    rows: number,
    cOffset: number,
    add: number,
  ): void;
  /** See wat/gemm.ts. */
  spill(src: number, rows: number, rowsEnd: number, cOffset: number, bytes: number, add: number): void;
  /** See wat/batch-norm-gradient.ts. */
  channelSums(
    x: number,
    dy: number,
    end: number,
    rowBytes: number,
    mean: number,
    sums: number,
    products: number,
  ): void;
  /** See wat/column-sums.ts. */
  columnSums(x: number, end: number, rowBytes: number, sums: number): void;
  /** Rows to panels of pixels, see wat/sparse-training.ts. */
  packTile: Pack;
  /** See wat/sparse-training.ts. */
  sparseProduct(ends: number, endsEnd: number, stream: number, x: number, y: number): void;
  /** See wat/sparse-training.ts. */
  sparseGradient(ends: number, endsEnd: number, stream: number, x: number, dy: number, sums: number): void;
  /** See wat/sparse-training.ts. */
  sparseRefresh(moves: number, movesEnd: number, src: number, stream: number): void;
  /** See wat/sparse-training.ts. */
  sparseScatter(moves: number, movesEnd: number, sums: number, dst: number, dstEnd: number): void;
  /** See wat/sparse-training.ts. */
  unpackTile(tile: number, wholeEnd: number, tileEnd: number, rows: number, add: number): void;
  /** See wat/depthwise.ts. */
  depthwiseFilter: Depthwise;
  /** See wat/depthwise.ts. */
  depthwiseInput: Depthwise;
  /** See wat/optimizer.ts. */
  sgd(gradient: number, from: number, to: number, bytes: number, c: number): void;
  /** See wat/optimizer.ts. */
  momentum: MomentumUpdate;
  /** See wat/optimizer.ts. */
  nesterov: MomentumUpdate;
  /** See wat/optimizer.ts. */
  adam(
    gradient: number,
    m: number,
    mTo: number,
    v: number,
    vTo: number,
    from: number,
    to: number,
    bytes: number,
    c: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    bias1: number,
    bias2: number,
    epsilon: number,
  ): void;
}

type MomentumUpdate = (
  gradient: number,
  m: number,
  mTo: number,
  from: number,
  to: number,
  bytes: number,
  c: number,
  momentum: number,
) => void;

/** Packs a matrix that is given by the addresses of its rows. */
export type Pack = (
  rows: number,
  rowsEnd: number,
  offset: number,
  columns: number,
  dst: number,
  dstStep: number,
) => void;

type Depthwise = (x: number, step: number, dy: number, dyEnd: number, bytes: number, tap: number) => void;

/** Compiled kernels, null where they could not be. */
const compiled = new WeakMap<WebAssembly.Memory, TrainingKernels | null>();

/**
 * @param heap The wasm backend's memory.
 * @returns The kernels, compiled once; undefined where there are none.
 */
export function trainingKernelsNow({ memory }: Heap): TrainingKernels | undefined {
  if (memory === undefined) return undefined;
  let kernels = compiled.get(memory);
  if (kernels === undefined) {
    const exports: object | undefined = instantiateNow(memory, { plain: PLAIN, shared: SHARED })?.exports;
    // What they are is fixed by the module's text, in wat/training-module.ts.
    kernels = (exports as TrainingKernels | undefined) ?? null;
    compiled.set(memory, kernels);
  }
  return kernels ?? undefined;
}
