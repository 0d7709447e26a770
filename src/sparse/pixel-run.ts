import type { RecordedKernels } from '../wasm/tape';
import { TILE } from '../wasm/wat/tile';

/** Bytes of a channel of a tile. */
export const TILE_BYTES: number = 4 * TILE;

/**
 * Images in the backend's memory: the pixels of all of them in a row, each with its channels, as tfjs has them; or as tiles
 * of {@link TILE} pixels, channel after channel, as the sparse kernel reads and writes them.
 */
export interface Images {
  readonly address: number;
  readonly channels: number;
  readonly isTiled: boolean;
}

/**
 * Brings the channels of some pixels together.
 *
 * @param kernels The kernels.
 * @param images Where the pixels are.
 * @param first The number of the first one.
 * @param step From one to the next.
 * @param count How many.
 * @param planes Where the first channel's go.
 * @param planeBytes From one channel to the next.
 */
export function readPixels(
  kernels: RecordedKernels,
  { address, channels, isTiled }: Images,
  first: number,
  step: number,
  count: number,
  planes: number,
  planeBytes: number,
): void {
  if (!isTiled) {
    const pixelBytes = 4 * channels;
    kernels.toPlanes(address + pixelBytes * first, pixelBytes * step, count, channels, planes, planeBytes);
    return;
  }
  for (let done = 0; done < count; ) {
    const pixel = first + done * step;
    const lane = pixel % TILE;
    const inTile = Math.min(Math.ceil((TILE - lane) / step), count - done);
    const from = address + 4 * ((pixel - lane) * channels + lane);
    kernels.copyLanes(from, TILE_BYTES, channels, planes + 4 * done, planeBytes, inTile, 4 * step);
    done += inTile;
  }
}

/**
 * Puts pixels where they belong that stand channel after channel, {@link TILE_BYTES} apart.
 *
 * @param kernels The kernels.
 * @param planes Where they are.
 * @param images Where they go.
 * @param first The number of the first one.
 * @param count How many.
 */
export function writePixels(
  kernels: RecordedKernels,
  planes: number,
  { address, channels, isTiled }: Images,
  first: number,
  count: number,
): void {
  if (!isTiled) {
    const pixelBytes = 4 * channels;
    kernels.toPixels(planes, TILE_BYTES, channels, count, address + pixelBytes * first, pixelBytes);
    return;
  }
  for (let done = 0; done < count; ) {
    const lane = (first + done) % TILE;
    const inTile = Math.min(TILE - lane, count - done);
    const to = address + 4 * ((first + done - lane) * channels + lane);
    kernels.copyLanes(planes + 4 * done, TILE_BYTES, channels, to, TILE_BYTES, inTile, 4);
    done += inTile;
  }
}
