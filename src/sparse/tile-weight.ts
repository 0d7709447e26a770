import { TILE } from '../wasm/wat/tile';
import { LINE } from '../wasm/workspace';
import {
  type Convolution,
  type Geometry,
  geometryOf,
  hasSameLayout,
  isPointwise,
  pointwiseOffsets,
  readsSinglePixels,
} from './geometry';
import type { Operation } from './operation';
import type { Engine, SparseWeight, TileUse } from './sparse-weight';
import {
  convolvePointwise,
  convolveSpatial,
  type Pixels,
  pointwiseScratch,
  spatialScratch,
} from './tile-convolution';
import { changeOffsets, packTiles } from './tile-stream';
import type { Operands } from './tile-work';

/**
 * Packs a weight of any pattern: its values one by one, each with the place of its input.
 *
 * @param engine What it is made and run with.
 * @param address The weight's: row-major [taps, channels], the last axis the output channels.
 * @param counts What {@link countNonzeros} gives for it.
 * @param taps Weights of an output channel, zeros included.
 * @param window Of these, how many meet each input channel: 1 where the weight only mixes channels.
 * @returns The packed weight; undefined where there is no memory left.
 */
export function makeTileWeight(
  { heap, kernels, team, workspace }: Engine,
  address: number,
  counts: Int32Array,
  taps: number,
  window: number,
): SparseWeight | undefined {
  const channels = counts.length;
  const pointwise = pointwiseOffsets(taps);
  const packed = packTiles(heap, address, pointwise, counts, window === 1);
  if (packed === undefined) return undefined;
  const workers = { kernels, team };
  let offsets = pointwise;
  let geometry: Geometry | undefined;

  const use = (wanted: Int32Array): boolean => {
    if (wanted !== offsets && !changeOffsets(heap, packed, offsets, wanted)) return false;
    offsets = wanted;
    return true;
  };
  // Whole cache lines, as what comes after them is to begin with one.
  const zeroBytes = LINE * Math.ceil((4 * Math.max(TILE, channels)) / LINE);
  const operandsOf = (scratchBytes: number, inputs: number, operation: Operation): Operands | undefined => {
    const { x, y, bias, range, isTiled } = operation;
    const start = workspace.reserve(zeroBytes + scratchBytes);
    if (start === undefined) return undefined;
    new Uint8Array(heap.buffer).fill(0, start, start + zeroBytes);
    return {
      x: { address: x, channels: inputs, isTiled: isTiled?.x ?? false },
      y: { address: y, channels, isTiled: isTiled?.y ?? false },
      bias: bias ?? start,
      zeros: start,
      packed,
      ...range,
      scratch: start + zeroBytes,
    };
  };
  const mix = (pixels: Pixels, inputs: number, operation: Operation): boolean => {
    const operands = operandsOf(pointwiseScratch(team, inputs, packed), inputs, operation);
    if (operands === undefined || !use(pointwise)) return false;
    convolvePointwise(workers, pixels, operands);
    return true;
  };
  const multiply = (rows: number, inputs: number, operation: Operation): boolean =>
    mix({ images: 1, rows: 1, columns: rows, imageStep: 0, rowStep: 0, columnStep: 1 }, inputs, operation);
  const convolve = (convolution: Convolution, operation: Operation): boolean => {
    const c = convolution;
    if (isPointwise(c)) return multiply(c.batchSize * c.outHeight * c.outWidth, c.inChannels, operation);
    if (readsSinglePixels(c)) {
      const pixels: Pixels = {
        images: c.batchSize,
        rows: c.outHeight,
        columns: c.outWidth,
        imageStep: c.inHeight * c.inWidth,
        rowStep: c.inWidth * c.strideHeight,
        columnStep: c.strideWidth,
      };
      return mix(pixels, c.inChannels, operation);
    }
    if (geometry === undefined || !hasSameLayout(geometry.convolution, c)) {
      geometry = geometryOf(c, packed.nonzeros / taps);
    }
    const operands = operandsOf(spatialScratch(team, geometry, packed), c.inChannels, operation);
    if (operands === undefined || !use(geometry.offsets)) return false;
    convolveSpatial(workers, geometry, c.batchSize, operands);
    return true;
  };
  // What takes another way of it would have to bring each output into tfjs's order.
  let isAsked = false;
  const tiles: TileUse = {
    kernels,
    isWanted: (pixels) => !isAsked && pixels >= TILE,
    onAsked: () => {
      isAsked = true;
    },
  };
  return { heap, channels, bytes: packed.bytes, convolve, multiply, tiles, free: packed.free };
}
