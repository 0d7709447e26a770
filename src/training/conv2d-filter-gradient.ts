import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { fastFilterGradient } from './fast-kernels';
import { padOrCrop, readPixels } from './window';

/** A convolution's sizes, as tfjs computes them. */
type Conv2DInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>;

/**
 * The gradient of a 2-D convolution with respect to its filter, from operations that every backend has.
 * Intermediate tensors are left to the caller's `tf.tidy`.
 *
 * @param x The convolution's input, NHWC.
 * @param dy The gradient of its output, NHWC.
 * @param info The convolution's sizes.
 * @returns The gradient, [filterHeight, filterWidth, inChannels, outChannels].
 */
export function conv2dFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: Conv2DInfo): tf.Tensor4D {
  return info.filterHeight === 1 && info.filterWidth === 1
    ? pointwiseFilterGradient(x, dy, info)
    : correlate(x, dy, info);
}

/** One matrix product. The transpose is made first because wasm's matMul is many times slower with transposeA. */
function pointwiseFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: Conv2DInfo): tf.Tensor4D {
  const { outHeight, outWidth, strideHeight, strideWidth, outChannels, padInfo } = info;
  const margins = {
    rows: [padInfo.top, padInfo.bottom],
    columns: [padInfo.left, padInfo.right],
  } as const;
  const pixels = readPixels(padOrCrop(x, margins), [outHeight, outWidth], [strideHeight, strideWidth]);
  const gradient = tf.matMul(tf.transpose(pixels), tf.reshape(dy, [-1, outChannels]));
  return tf.reshape(gradient, info.filterShape);
}

/**
 * The gradient is itself a convolution: of x with dy as the filter, batch and input channels changing places, and
 * strides and dilations too. That runs at the speed of the backend's forward kernel.
 */
function correlate(x: tf.Tensor4D, dy: tf.Tensor4D, info: Conv2DInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inChannels, outChannels, padInfo } = info;
  // Rows that no window reaches (below zero) give taps that are cut off again.
  const below = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight - info.inHeight;
  const right = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth - info.inWidth;
  const taps = tf.conv2d(
    tf.transpose(x, [3, 1, 2, 0]),
    tf.transpose(dy, [1, 2, 0, 3]),
    [info.dilationHeight, info.dilationWidth],
    [
      [0, 0],
      [padInfo.top, Math.max(below - padInfo.top, 0)],
      [padInfo.left, Math.max(right - padInfo.left, 0)],
      [0, 0],
    ],
    'NHWC',
    [info.strideHeight, info.strideWidth],
  );
  const exact = taps.shape[1] === filterHeight && taps.shape[2] === filterWidth;
  const filter = exact
    ? taps
    : tf.slice(taps, [0, 0, 0, 0], [inChannels, filterHeight, filterWidth, outChannels]);
  return tf.transpose(filter, [1, 2, 0, 3]);
}

/** tfjs's kernel `Conv2DBackpropFilter`. */
export const conv2dBackpropFilter: tf.KernelFunc = (args) => {
  const { inputs, attrs } = args;
  // The registry types inputs and attributes loosely; these are the ones that tfjs passes under this kernel's name.
  const { x, dy } = inputs as { x: tf.Tensor4D; dy: tf.Tensor4D };
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs as Conv2DBackpropFilterAttrs;
  if (dataFormat !== 'NHWC') {
    throw new PruneError(
      'unsupported',
      `The wasm backend computes convolutions in NHWC only, but the gradient of a filter was asked for in ${dataFormat}.`,
      { given: dataFormat, allowed: ['NHWC'] },
    );
  }
  const fast = fastFilterGradient(args);
  if (fast !== undefined) return fast;
  const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
  return tf.tidy(() => conv2dFilterGradient(x, dy, info));
};

type Conv2DBackpropFilterAttrs = tf.NamedAttrMap & tf.Conv2DBackpropFilterAttrs;
