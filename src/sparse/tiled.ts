/**
 * Tensors that are kept as tiles, as the sparse kernel reads and writes them, until something else asks for their values:
 * then they are brought into tfjs's order where they are. A sum of two is not even computed before.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Heap } from '../wasm/heap';
import type { Kernels } from '../wasm/kernels';
import { makeLateOutput } from '../wasm/late-output';
import { TILE } from '../wasm/wat/tile';
import { TILE_BYTES } from './pixel-run';

/** A tensor kept as tiles. Its last axis are the channels, the others its pixels. */
export interface Tiled {
  readonly heap: Heap;
  readonly kernels: Kernels;
  readonly channels: number;
  readonly pixels: number;
  /** Where its memory begins, and later its values. */
  readonly address: number;
  /** Where its tiles begin, a multiple of 16. */
  readonly tiles: number;
  /** Where they end, and room for one more begins. */
  readonly end: number;
  /** What it is the sum of, until that is computed. */
  sum: readonly [Tiled, Tiled] | undefined;
  /** Sums of it that are yet to be computed. */
  readonly sums: Set<Tiled>;
  /** Whether its tensor is gone, and only sums need it. */
  isDropped: boolean;
}

/** By the identity of a tensor's data. */
const known = new WeakMap<object, Tiled>();

/**
 * @param x A tensor.
 * @param heap The memory of the backend that asks.
 * @returns How it is kept, where that is as tiles and its last axis are the channels.
 */
export function tiledOf(x: tf.TensorInfo, heap: Heap | undefined): Tiled | undefined {
  const tiled = known.get(x.dataId);
  if (tiled === undefined || tiled.heap !== heap || x.shape.at(-1) !== tiled.channels) return undefined;
  return tiled;
}

/**
 * Makes a kernel's output that is kept as tiles.
 *
 * @param backend The wasm backend.
 * @param kernels Its kernels.
 * @param heap Its memory.
 * @param shape The output's; its last axis are the channels.
 * @param write Writes the tiles, and says whether it could.
 * @param onAsked Called when something asks for the values in tfjs's order.
 * @returns The output; undefined, with nothing left behind, if it was not written.
 */
export function makeTiled(
  backend: object,
  { heap, kernels }: { readonly heap: Heap; readonly kernels: Kernels },
  shape: readonly number[],
  write: (tiled: Tiled) => boolean,
  onAsked: () => void = () => undefined,
): tf.TensorInfo | undefined {
  const channels = shape.at(-1) ?? 1;
  const pixels = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const tileBytes = TILE_BYTES * channels;
  const bytes = Math.ceil(pixels / TILE) * tileBytes;
  const address = heap.allocate(bytes + tileBytes + 16);
  if (address === undefined) return undefined;
  const tiles = Math.ceil(address / 16) * 16;
  const place = { address, tiles, end: tiles + bytes };
  const tiled: Tiled = {
    heap,
    kernels,
    channels,
    pixels,
    ...place,
    sum: undefined,
    sums: new Set(),
    isDropped: false,
  };
  let output: tf.TensorInfo | undefined;
  try {
    if (write(tiled)) {
      const settle = (): void => {
        if (output !== undefined) known.delete(output.dataId);
        onAsked();
        toPixels(tiled);
      };
      output = makeLateOutput(backend, shape, address, { settle, drop: () => drop(tiled) });
    }
  } finally {
    if (output === undefined) {
      forgetSum(tiled);
      heap.free(address);
    }
  }
  if (output !== undefined) known.set(output.dataId, tiled);
  return output;
}

/**
 * Makes the sum of two tensors of the same shape, to be computed when it is needed.
 *
 * @param backend The wasm backend.
 * @param a The one.
 * @param b The other, of as many pixels and channels.
 * @param shape Of both.
 * @returns The sum; undefined, with nothing done, where there is no memory left.
 */
export function makeSum(
  backend: object,
  a: Tiled,
  b: Tiled,
  shape: readonly number[],
): tf.TensorInfo | undefined {
  computeSum(a);
  computeSum(b);
  return makeTiled(backend, a, shape, (sum) => {
    sum.sum = [a, b];
    for (const part of [a, b]) part.sums.add(sum);
    return true;
  });
}

/**
 * Computes a tensor, if it is a sum that is not computed yet.
 *
 * @param tiled What is going to be read as tiles.
 */
export function computeSum(tiled: Tiled): void {
  if (tiled.sum === undefined) return;
  const [a, b] = tiled.sum;
  tiled.kernels.add(a.tiles, a.end, b.tiles, tiled.tiles);
  forgetSum(tiled);
}

/** Lets the parts of a sum go. */
function forgetSum(tiled: Tiled): void {
  const parts = new Set(tiled.sum);
  tiled.sum = undefined;
  for (const part of parts) {
    part.sums.delete(tiled);
    if (part.isDropped && part.sums.size === 0) part.heap.free(part.address);
  }
}

/** Says whether the memory of a tensor that is gone is needed no more. */
function drop(tiled: Tiled): boolean {
  forgetSum(tiled);
  tiled.isDropped = true;
  return tiled.sums.size === 0;
}

/** Brings the values into tfjs's order. A tile takes the same bytes either way, so this happens where they are. */
function toPixels(tiled: Tiled): void {
  const { heap, kernels, channels, pixels, address, tiles, end } = tiled;
  computeSum(tiled);
  for (const sum of [...tiled.sums]) computeSum(sum);
  const memory = new Uint8Array(heap.buffer);
  const tileBytes = TILE_BYTES * channels;
  for (let tile = tiles, first = 0; tile < end; tile += tileBytes, first += TILE) {
    memory.copyWithin(end, tile, tile + tileBytes);
    const count = Math.min(TILE, pixels - first);
    kernels.toPixels(end, TILE_BYTES, channels, count, address + tile - tiles, 4 * channels);
  }
}
