import { PruneError } from '../errors';
import { PLAIN, SHARED } from './binary';
import { bytesFor, instantiateNow } from './compile';
import type { Heap } from './heap';

/** The kernels, which work in the backend's memory. All addresses and steps are in bytes. */
export interface Kernels {
  /** See wat/sparse-tile.ts. */
  sparseTile: SparseTile;
  sparseTileNear: SparseTile;
  /** See wat/sparse-block.ts. */
  sparseBlock8: SparseBlock;
  sparseBlock16: SparseBlock;
  /** `dst[column][row] = src[row][column]`, for rows that are pixels: channels are brought together. */
  toPlanes: Transpose;
  /** The same for rows that are channels: pixels are brought together. */
  toPixels: Transpose;
  /** See wat/copy-lanes.ts. */
  copyLanes(
    src: number,
    srcStep: number,
    rows: number,
    dst: number,
    dstStep: number,
    count: number,
    stride: number,
  ): void;
  /** See wat/add.ts. */
  add(a: number, end: number, b: number, y: number): void;
  /** The same, clamped. */
  addRelu(a: number, end: number, b: number, y: number): void;
  addClamped(a: number, end: number, b: number, y: number, min: number, max: number): void;
  /** See wat/column-sums.ts. */
  columnSums(x: number, end: number, rowBytes: number, sums: number): void;
  /** See wat/normalise.ts. */
  normalise(
    src: number,
    dst: number,
    bytes: number,
    channels: number,
    mean: number,
    factor: number,
    offset: number,
  ): void;
  /** See wat/sum-squares.ts. */
  sumSquares(x: number, end: number, rowBytes: number, totals: number): void;
  /** See wat/clear-masked.ts. */
  clearMasked(x: number, mask: number, maskEnd: number): void;
  /** See wat/revived.ts. */
  revived(x: number, mask: number, maskEnd: number): number;
  /** See wat/split-keys.ts. */
  splitKeys(
    x: number,
    end: number,
    low: number,
    high: number,
    mask: number,
    list: number,
  ): readonly [above: number, inside: number];
  /** See wat/draw-turns.ts. */
  drawTurns(state: number, out: number, end: number): void;
  /** See wat/scatter-bytes.ts. */
  scatterBytes(from: number, width: number, rows: number, columns: number, table: number, to: number): void;
  /** See wat/gather-words.ts. */
  gatherWords(
    from: number,
    table: number,
    columns: number,
    rows: number,
    matrix: number,
    width: number,
  ): void;
  /** See wat/number-keys.ts. */
  numberKeys(keys: number, end: number, threshold: number, bias: number, more: number, list: number): number;
  /** See wat/partition.ts. */
  partition(
    left: number,
    right: number,
    lowest: number,
    highest: number,
    table: number,
  ): readonly [left: number, right: number];
}

type SparseTile = (
  heads: number,
  headsEnd: number,
  stream: number,
  x: number,
  bias: number,
  y: number,
  min: number,
  max: number,
  vectors: number,
) => void;

type SparseBlock = (
  heads: number,
  headsEnd: number,
  stream: number,
  x: number,
  pixels: number,
  pixelsEnd: number,
  y: number,
  yStep: number,
  bias: number,
  min: number,
  max: number,
) => void;

type Transpose = (
  src: number,
  srcStep: number,
  rows: number,
  columns: number,
  dst: number,
  dstStep: number,
) => void;

const BYTES = { plain: PLAIN, shared: SHARED };

const instances = new WeakMap<WebAssembly.Memory, Promise<Kernels>>();

/**
 * The kernels for a memory, compiled once.
 *
 * @param heap The wasm backend's memory.
 * @throws {@link PruneError} `unsupported` where the backend does not show its memory, where WebAssembly has no SIMD, or
 *   where a content security policy forbids to compile.
 */
export async function kernelsFor({ memory }: Heap): Promise<Kernels> {
  if (memory === undefined) {
    throw new PruneError(
      'unsupported',
      "This build of tfjs's wasm backend does not give access to its memory.",
      {
        allowed: '@tensorflow/tfjs-backend-wasm ^4.22',
      },
    );
  }
  let kernels = instances.get(memory);
  if (kernels === undefined) {
    kernels = instantiate(memory);
    instances.set(memory, kernels);
    kernels.catch(() => instances.delete(memory));
  }
  return kernels;
}

/** The kernels that {@link kernelsNow} compiled, null where it could not. */
const compiled = new WeakMap<WebAssembly.Memory, Kernels | null>();

/**
 * The kernels at once, for functions that cannot wait. Some browsers do not compile at once on a page's own thread.
 *
 * @param heap The wasm backend's memory.
 * @returns The kernels; undefined where there are none, or none yet.
 */
export function kernelsNow({ memory }: Heap): Kernels | undefined {
  if (memory === undefined) return undefined;
  let kernels = compiled.get(memory);
  if (kernels === undefined) {
    const instance = instantiateNow(memory, BYTES);
    kernels = instance === undefined ? null : kernelsOf(instance);
    compiled.set(memory, kernels);
  }
  return kernels ?? undefined;
}

function kernelsOf(instance: WebAssembly.Instance): Kernels {
  const exports: object = instance.exports;
  // What they are is fixed by the module's text, in wat/module.ts.
  return exports as Kernels;
}

/**
 * @param memory The backend's.
 * @returns The bytes of the module that makes the kernels for it.
 */
export function kernelBytes(memory: WebAssembly.Memory): Uint8Array<ArrayBuffer> {
  return bytesFor(memory, BYTES);
}

async function instantiate(memory: WebAssembly.Memory): Promise<Kernels> {
  const bytes = kernelBytes(memory);
  if (!WebAssembly.validate(bytes)) {
    throw new PruneError(
      'unsupported',
      'This engine has no WebAssembly SIMD, which the kernels are made of.',
      {
        allowed: 'an engine with WebAssembly SIMD',
      },
    );
  }
  try {
    const { instance } = await WebAssembly.instantiate(bytes, { tfjs: { memory } });
    return kernelsOf(instance);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PruneError(
      'unsupported',
      `The kernels could not be compiled: ${reason}. A content security policy must allow 'wasm-unsafe-eval'.`,
      { cause },
    );
  }
}
