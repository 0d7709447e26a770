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
import type { Engine, SparseWeight } from './sparse-weight';
import {
  convolvePointwise,
  convolveSpatial,
  type Operands,
  type Pixels,
  pointwiseScratch,
  spatialScratch,
} from './tile-convolution';
import { changeOffsets, packTiles } from './tile-stream';

/**
 * Packs a weight of any pattern: its values one by one, each with the place of its input.
 *
 * @param engine What it is made and run with.
 * @param address The weight's: row-major [taps, channels], the last axis the output channels.
 * @param counts What {@link countNonzeros} gives for it.
 * @param taps Weights of an output channel, zeros included.
 * @returns The packed weight; undefined where there is no memory left.
 */
export function makeTileWeight(
  { heap, kernels, workspace }: Engine,
  address: number,
  counts: Int32Array,
  taps: number,
): SparseWeight | undefined {
  const channels = counts.length;
  const pointwise = pointwiseOffsets(taps);
  const packed = packTiles(heap, address, pointwise, counts);
  if (packed === undefined) return undefined;
  let offsets = pointwise;
  let geometry: Geometry | undefined;

  const use = (wanted: Int32Array): void => {
    if (wanted !== offsets) changeOffsets(heap, packed, offsets, wanted);
    offsets = wanted;
  };
  const operandsOf = (scratchBytes: number, { x, y, bias, range }: Operation): Operands | undefined => {
    // The tiles after it begin at a multiple of a vector's size.
    const zeroBytes = bias === undefined ? 16 * Math.ceil(channels / 4) : 0;
    const start = workspace.reserve(zeroBytes + scratchBytes);
    if (start === undefined) return undefined;
    new Uint8Array(heap.buffer).fill(0, start, start + zeroBytes);
    return { x, y, bias: bias ?? start, packed, ...range, scratch: start + zeroBytes };
  };
  const multiply = (rows: number, inputs: number, operation: Operation): boolean => {
    const columnStep = 4 * inputs;
    const pixels = { rows: 1, columns: rows, channels: inputs, rowStep: 0, columnStep };
    return mix(pixels, 1, 0, operation);
  };
  /** Some pixels of each image; the images lie so many bytes apart. */
  const mix = (pixels: Pixels, images: number, imageStep: number, operation: Operation): boolean => {
    const operands = operandsOf(pointwiseScratch(pixels.channels, packed), operation);
    if (operands === undefined) return false;
    use(pointwise);
    const outputStep = 4 * channels * pixels.rows * pixels.columns;
    for (let image = 0; image < images; image++) {
      const x = operands.x + image * imageStep;
      convolvePointwise(kernels, pixels, { ...operands, x, y: operands.y + image * outputStep });
    }
    return true;
  };
  const convolve = (convolution: Convolution, operation: Operation): boolean => {
    if (isPointwise(convolution)) {
      const { batchSize, outHeight, outWidth, inChannels } = convolution;
      return multiply(batchSize * outHeight * outWidth, inChannels, operation);
    }
    if (readsSinglePixels(convolution)) {
      const c = convolution;
      const pixelBytes = 4 * c.inChannels;
      const pixels: Pixels = {
        rows: c.outHeight,
        columns: c.outWidth,
        channels: c.inChannels,
        rowStep: pixelBytes * c.inWidth * c.strideHeight,
        columnStep: pixelBytes * c.strideWidth,
      };
      return mix(pixels, c.batchSize, pixelBytes * c.inHeight * c.inWidth, operation);
    }
    if (geometry === undefined || !hasSameLayout(geometry.convolution, convolution)) {
      geometry = geometryOf(convolution);
    }
    const operands = operandsOf(spatialScratch(geometry, packed), operation);
    if (operands === undefined) return false;
    use(geometry.offsets);
    convolveSpatial(kernels, new Uint8Array(heap.buffer), { ...geometry, convolution }, operands);
    return true;
  };
  return { heap, channels, bytes: packed.bytes, convolve, multiply, free: packed.free };
}
