import * as tf from '@tensorflow/tfjs';
import { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise-products';
import { insertZeros, padOrCrop } from './window';

/** tfjs's kernel `DepthwiseConv2dNativeBackpropFilter`: one product and sum for each tap of the filter. */
export const depthwiseConv2dBackpropFilter: tf.KernelFunc = (args) => {
  const { inputs, attrs } = args;
  // The registry types inputs and attributes loosely; these are the ones that tfjs passes under this kernel's name.
  const { x, dy } = inputs as { x: tf.Tensor4D; dy: tf.Tensor4D };
  const { strides, dilations, pad, dimRoundingMode, filterShape } = attrs as BackpropFilterAttrs;
  const info = tf.backend_util.computeConv2DInfo(
    x.shape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const fast = depthwiseFilterGradient(args, info);
  if (fast !== undefined) return fast;
  const { batchSize, inChannels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth } =
    info;
  const multiplier = info.outChannels / inChannels;
  return tf.tidy(() => {
    const rows = (outHeight - 1) * strideHeight + filterHeight;
    const columns = (outWidth - 1) * strideWidth + filterWidth;
    const padded = padOrCrop(x, {
      rows: [info.padInfo.top, rows - info.inHeight - info.padInfo.top],
      columns: [info.padInfo.left, columns - info.inWidth - info.padInfo.left],
    });
    const dyByChannel = tf.reshape(dy, [-1, inChannels, multiplier]);
    const taps: tf.Tensor[] = [];
    for (let row = 0; row < filterHeight; row++) {
      for (let column = 0; column < filterWidth; column++) {
        const end = [
          batchSize,
          row + rows - filterHeight + 1,
          column + columns - filterWidth + 1,
          inChannels,
        ];
        const read = tf.stridedSlice(padded, [0, row, column, 0], end, [1, strideHeight, strideWidth, 1]);
        taps.push(tf.sum(tf.mul(tf.reshape(read, [-1, inChannels, 1]), dyByChannel), 0));
      }
    }
    return tf.reshape(tf.stack(taps), filterShape);
  });
};

/**
 * tfjs's kernel `DepthwiseConv2dNativeBackpropInput`: a depthwise convolution of the output's gradient, its pixels
 * moved apart by the strides, with the filter turned by 180 degrees.
 */
export const depthwiseConv2dBackpropInput: tf.KernelFunc = (args) => {
  const { inputs, attrs } = args;
  // The registry types inputs and attributes loosely; these are the ones that tfjs passes under this kernel's name.
  const { dy, filter } = inputs as { dy: tf.Tensor4D; filter: tf.Tensor4D };
  const { strides, dilations, pad, dimRoundingMode, inputShape } = attrs as BackpropInputAttrs;
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filter.shape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const fast = depthwiseInputGradient(args, info);
  if (fast !== undefined) return fast;
  const { filterHeight, filterWidth, inHeight, inWidth, inChannels, outChannels, padInfo } = info;
  return tf.tidy(() => {
    const spread = insertZeros(dy, [info.strideHeight, info.strideWidth]);
    const [, height, width] = spread.shape;
    const image = padOrCrop(spread, {
      rows: [filterHeight - 1 - padInfo.top, inHeight - height + padInfo.top],
      columns: [filterWidth - 1 - padInfo.left, inWidth - width + padInfo.left],
    });
    const turned: tf.Tensor4D = tf.reshape(tf.reverse(filter, [0, 1]), [
      filterHeight,
      filterWidth,
      outChannels,
      1,
    ]);
    const perOutput = tf.depthwiseConv2d(image, turned, 1, 'valid');
    return tf.sum(tf.reshape(perOutput, [...inputShape.slice(0, 3), inChannels, -1]), -1);
  });
};

type BackpropFilterAttrs = tf.NamedAttrMap & tf.DepthwiseConv2dNativeBackpropFilterAttrs;
type BackpropInputAttrs = tf.NamedAttrMap & tf.DepthwiseConv2dNativeBackpropInputAttrs;
