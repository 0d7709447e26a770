import * as tf from '@tensorflow/tfjs';
import {
  convolvePointwise,
  convolveSpatial,
  type Operands,
  pointwiseScratch,
  spatialScratch,
} from './convolve';
import { type Convolution, type Geometry, isPointwise } from './geometry';
import type { SparseWeight } from './sparse-weight';

/** What comes out of a layer is clamped to this, which is all that its activation does. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const RANGES: ReadonlyMap<unknown, Range> = new Map([
  ['linear', { min: -Infinity, max: Infinity }],
  ['relu', { min: 0, max: Infinity }],
  ['relu6', { min: 0, max: 6 }],
]);

/**
 * @param activation The name of a fused activation; linear by default.
 * @returns What it clamps to; undefined for one that does more.
 */
export function rangeOf(activation: unknown = 'linear'): Range | undefined {
  return RANGES.get(activation);
}

/** What a layer computes: its tensors, at their addresses in the backend's memory, and what its activation clamps to. */
export interface Operation {
  readonly x: number;
  readonly y: number;
  /** Undefined where the layer has none. */
  readonly bias: number | undefined;
  readonly range: Range;
}

/**
 * The sizes of a convolution.
 *
 * @param attrs Strides, padding and dilations.
 * @param x The images.
 * @param filter The kernel.
 */
export function convolutionOf(attrs: ConvolutionAttrs, x: tf.TensorInfo, filter: tf.TensorInfo): Convolution {
  const info = tf.backend_util.computeConv2DInfo(
    // Both kernels of tfjs take tensors of four axes, and have been given no others.
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    attrs.strides,
    attrs.dilations,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  return { ...info, padTop: info.padInfo.top, padLeft: info.padInfo.left };
}

/** What tfjs's Conv2D and FusedConv2D are told besides their tensors. */
export interface ConvolutionAttrs {
  readonly strides: number | [number, number];
  readonly dilations: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Runs a convolution sparse.
 *
 * @param weight The packed kernel.
 * @param convolution The convolution.
 * @param operation What it reads, writes and clamps to.
 * @returns Whether it ran; false, with nothing written, where memory does not suffice.
 */
export function convolve(weight: SparseWeight, convolution: Convolution, operation: Operation): boolean {
  if (isPointwise(convolution)) {
    const { batchSize, outHeight, outWidth, inChannels } = convolution;
    return multiply(weight, batchSize * outHeight * outWidth, inChannels, operation);
  }
  const geometry: Geometry = weight.useSpatial(convolution);
  const operands = operandsOf(weight, spatialScratch(geometry, weight.packed), operation);
  if (operands === undefined) return false;
  // The convolution may be of another batch size than the one that was laid out first.
  const current = { ...geometry, convolution };
  convolveSpatial(weight.kernels, new Uint8Array(weight.heap.buffer), current, operands);
  return true;
}

/**
 * Multiplies rows of channels by a packed matrix.
 *
 * @param weight The packed matrix.
 * @param pixels Number of rows.
 * @param channels Of each row.
 * @param operation What it reads, writes and clamps to.
 * @returns Whether it ran; false, with nothing written, where memory does not suffice.
 */
export function multiply(
  weight: SparseWeight,
  pixels: number,
  channels: number,
  operation: Operation,
): boolean {
  const operands = operandsOf(weight, pointwiseScratch(channels, weight.packed), operation);
  if (operands === undefined) return false;
  weight.usePointwise();
  convolvePointwise(weight.kernels, pixels, channels, operands);
  return true;
}

function operandsOf(
  { heap, workspace, packed }: SparseWeight,
  scratchBytes: number,
  { x, y, bias, range: { min, max } }: Operation,
): Operands | undefined {
  const zeroBytes = bias === undefined ? 4 * packed.channels : 0;
  const start = workspace.reserve(zeroBytes + scratchBytes);
  if (start === undefined) return undefined;
  new Uint8Array(heap.buffer).fill(0, start, start + zeroBytes);
  return { x, y, bias: bias ?? start, packed, min, max, scratch: start + zeroBytes };
}
