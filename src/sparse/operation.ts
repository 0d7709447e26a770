import * as tf from '@tensorflow/tfjs';
import type { Convolution } from './geometry';

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
  /** Whether images are kept as tiles; only a weight that says it can is given any. */
  readonly isTiled?: { readonly x: boolean; readonly y: boolean };
}

/** The last convolution that each filter was used for, which is mostly the next one too. */
const latest = new WeakMap<object, { readonly key: string; readonly convolution: Convolution }>();

/**
 * The sizes of a convolution.
 *
 * @param attrs Strides, padding and dilations.
 * @param x The images.
 * @param filter The kernel.
 */
export function convolutionOf(attrs: ConvolutionAttrs, x: tf.TensorInfo, filter: tf.TensorInfo): Convolution {
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  const key = `${x.shape} ${filter.shape} ${strides} ${dilations} ${pad} ${dimRoundingMode}`;
  const known = latest.get(filter.dataId);
  if (known?.key === key) return known.convolution;
  const info = tf.backend_util.computeConv2DInfo(
    // Both kernels of tfjs take tensors of four axes, and have been given no others.
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  const convolution = { ...info, padTop: info.padInfo.top, padLeft: info.padInfo.left };
  latest.set(filter.dataId, { key, convolution });
  return convolution;
}

/** What tfjs's Conv2D and FusedConv2D are told besides their tensors. */
export interface ConvolutionAttrs {
  readonly strides: number | [number, number];
  readonly dilations: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
