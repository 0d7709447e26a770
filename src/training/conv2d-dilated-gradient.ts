import * as tf from '@tensorflow/tfjs';
import { conv2dFilterGradient } from './conv2d-filter-gradient';
import { insertZeros, type Pair, padOrCrop } from './window';

/**
 * tfjs refuses to differentiate a dilated `tf.conv2d`, on every backend, before any kernel is asked. This gradient
 * does the dilated ones and leaves the others to tfjs's own.
 *
 * @param original tfjs's gradient of the kernel `Conv2D`.
 * @returns The gradient to register in its place.
 */
export function withDilation(original: tf.GradConfig): tf.GradConfig {
  return {
    ...original,
    gradFunc: (dy, saved, attrs) => {
      // The registry types attributes loosely; these are the ones that tfjs passes under this kernel's name.
      const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs as Conv2DAttrs;
      const [dilationHeight, dilationWidth] = pair(dilations);
      if ((dilationHeight === 1 && dilationWidth === 1) || dataFormat !== 'NHWC') {
        return original.gradFunc(dy, saved, attrs);
      }
      // The tape saves the kernel's inputs in this order, and the kernel has a single output.
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const dy4D = dy as tf.Tensor4D;
      return {
        x: () => {
          const spread = spreadFilter(filter, [dilationHeight, dilationWidth]);
          return tf.conv2dTranspose(dy4D, spread, x.shape, strides, pad, dimRoundingMode);
        },
        filter: () => {
          const info = tf.backend_util.computeConv2DInfo(
            x.shape,
            filter.shape,
            strides,
            dilations,
            pad,
            dimRoundingMode,
          );
          return conv2dFilterGradient(x, dy4D, info);
        },
      };
    },
  };
}

type Conv2DAttrs = tf.NamedAttrMap & tf.Conv2DAttrs;

function pair(value: [number, number] | number): Pair {
  return typeof value === 'number' ? [value, value] : value;
}

/** The filter without dilation that does the same: its taps moved apart, zeros between them. */
function spreadFilter(filter: tf.Tensor4D, [dilationHeight, dilationWidth]: Pair): tf.Tensor4D {
  const [height, width, inChannels, outChannels] = filter.shape;
  const image: tf.Tensor4D = tf.reshape(filter, [1, height, width, inChannels * outChannels]);
  const spread = padOrCrop(insertZeros(image, [dilationHeight, dilationWidth]), {
    rows: [0, 1 - dilationHeight],
    columns: [0, 1 - dilationWidth],
  });
  return tf.reshape(spread, [spread.shape[1], spread.shape[2], inChannels, outChannels]);
}
