/**
 * Tensors that are kept as tiles, as the sparse kernel reads and writes them, until something else asks for their values:
 * then they are brought into tfjs's order where they are. Sums are not even computed before.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Heap } from '../wasm/heap';
import type { Kernels } from '../wasm/kernels';
import { makeLateOutput } from '../wasm/late-output';
import { TILE } from '../wasm/wat/tile';
import type { Range } from './operation';
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
  /** What it is computed from, until it is. */
  pending: Pending | undefined;
  /** What is yet to be computed from it. */
  readonly dependents: Set<Tiled>;
  /** Whether its tensor is gone, and only its dependents need it. */
  isDropped: boolean;
}

/** A tensor that is computed when it is needed. */
export interface Pending {
  /** What is read for it, whose memory is kept until then. */
  readonly parts: readonly Tiled[];
  /** Computes it to some address. */
  write(tiles: number): void;
  /** Computes what an activation makes of it instead. */
  writeClamped(range: Range, tiles: number): void;
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
    pending: undefined,
    dependents: new Set(),
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
      forget(tiled);
      heap.free(address);
    }
  }
  if (output !== undefined) known.set(output.dataId, tiled);
  return output;
}

/**
 * Puts off a tensor until it is needed.
 *
 * @param tiled The tensor, whose tiles are not written.
 * @param pending How to compute it.
 */
export function putOff(tiled: Tiled, pending: Pending): void {
  tiled.pending = pending;
  for (const part of pending.parts) part.dependents.add(tiled);
}

/**
 * Computes a tensor, if that was put off.
 *
 * @param tiled What is going to be read as tiles.
 */
export function compute(tiled: Tiled): void {
  const { pending } = tiled;
  if (pending === undefined) return;
  pending.write(tiled.tiles);
  forget(tiled);
}

/** Lets what a tensor is computed from go. */
function forget(tiled: Tiled): void {
  const { pending } = tiled;
  if (pending === undefined) return;
  tiled.pending = undefined;
  for (const part of new Set(pending.parts)) {
    part.dependents.delete(tiled);
    if (part.isDropped && part.dependents.size === 0) part.heap.free(part.address);
  }
}

/** Says whether the memory of a tensor that is gone is needed no more. */
function drop(tiled: Tiled): boolean {
  tiled.isDropped = true;
  if (tiled.dependents.size > 0) return false;
  forget(tiled);
  return true;
}

/** Brings the values into tfjs's order. A tile takes the same bytes either way, so this happens where they are. */
function toPixels(tiled: Tiled): void {
  const { heap, kernels, channels, pixels, address, tiles, end } = tiled;
  compute(tiled);
  for (const dependent of [...tiled.dependents]) compute(dependent);
  const memory = new Uint8Array(heap.buffer);
  const tileBytes = TILE_BYTES * channels;
  for (let tile = tiles, first = 0; tile < end; tile += tileBytes, first += TILE) {
    memory.copyWithin(end, tile, tile + tileBytes);
    const count = Math.min(TILE, pixels - first);
    kernels.toPixels(end, TILE_BYTES, channels, count, address + tile - tiles, 4 * channels);
  }
}
