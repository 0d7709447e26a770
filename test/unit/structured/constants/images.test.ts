import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { expectGone, first, firstImage, image, modelOf, out, withBias, zeroIn } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

const pad = (padding: Parameters<typeof L.zeroPadding2d>[0] = { padding: 1 }) =>
  L.zeroPadding2d({ ...padding, name: 'pads' });
const depthwise = (options: object = {}) =>
  L.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'pads', ...options });
const flat = () => L.flatten();

describe('a constant that differs at borders is taken over place by place', () => {
  const cases: Record<string, () => tf.layers.Layer[]> = {
    'after a ZeroPadding2D': () => [image(), pad(), flat()],
    'after a ZeroPadding2D of other margins on each side': () => [
      image(),
      pad({
        padding: [
          [1, 2],
          [0, 3],
        ],
      }),
      flat(),
    ],
    'after a ZeroPadding2D of two sizes': () => [image(), pad({ padding: [2, 1] }), flat()],
    'where zeros are made into something else': () => [
      image(),
      pad(),
      L.activation({ activation: 'sigmoid' }),
      L.batchNormalization(),
      L.prelu(),
      flat(),
    ],
    'after a PReLU': () => [image(), pad(), L.prelu(), flat()],
    'of its mean': () => [image(), pad({ padding: [2, 1] }), L.globalAveragePooling2d({})],
    'of its maximum': () => [image(), pad(), L.globalMaxPooling2d({})],
    'where a MaxPooling2D meets the zeros': () => [
      image(),
      pad(),
      L.maxPooling2d({ poolSize: 3, strides: 2 }),
      flat(),
    ],
    'where an AveragePooling2D meets the zeros': () => [
      image(),
      pad(),
      L.averagePooling2d({ poolSize: [2, 3], strides: [1, 2] }),
      flat(),
    ],
    // Its own padding counts for nothing, the zeros before do.
    'where an AveragePooling2D that pads meets the zeros': () => [
      image(),
      pad(),
      L.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      flat(),
    ],
    'where a MaxPooling2D that pads meets the zeros': () => [
      image(),
      pad({
        padding: [
          [0, 1],
          [2, 0],
        ],
      }),
      L.maxPooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
      flat(),
    ],
    'after a DepthwiseConv2D that pads': () => [image(), depthwise(), flat()],
    'after a DepthwiseConv2D that pads, strides and multiplies': () => [
      image(),
      depthwise({ strides: 2, depthMultiplier: 2, kernelSize: [2, 3] }),
      flat(),
    ],
    'after a DepthwiseConv2D of single values that strides': () => [
      image(),
      pad(),
      depthwise({ kernelSize: 1, strides: 2, name: 'single' }),
      L.activation({ activation: 'sigmoid' }),
      flat(),
    ],
    // tfjs takes the option and leaves it out.
    'after a DepthwiseConv2D with a dilationRate': () => [image(), depthwise({ dilationRate: 2 }), flat()],
    'after one DepthwiseConv2D after another': () => [
      image(),
      depthwise(),
      L.reLU(),
      L.depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
      L.globalAveragePooling2d({}),
    ],
    'after a part of the zeros was cut off': () => [
      image(),
      pad({ padding: 2 }),
      L.cropping2D({
        cropping: [
          [1, 0],
          [2, 1],
        ],
      }),
      flat(),
    ],
    'after an UpSampling2D': () => [image(), pad(), L.upSampling2d({ size: [2, 3] }), flat()],
    'after a bilinear UpSampling2D': () => [
      image(),
      pad(),
      L.upSampling2d({ interpolation: 'bilinear' }),
      flat(),
    ],
    'after a CenterCrop': () => [image(), pad({ padding: 2 }), L.centerCrop({ height: 6, width: 7 }), flat()],
    'after a Permute': () => [image(), pad({ padding: [1, 2] }), L.permute({ dims: [2, 3, 1] }), flat()],
    'after a Reshape': () => [image(), pad({ padding: [1, 2] }), L.reshape({ targetShape: [6, 36] }), flat()],
    'by a global pooling of each row': () => [
      image(),
      pad({ padding: [1, 2] }),
      L.timeDistributed({ layer: L.globalAveragePooling1d() }),
      flat(),
    ],
    'after a pooling of each row': () => [
      image(),
      pad({ padding: [1, 2] }),
      L.timeDistributed({ layer: L.maxPooling1d({ poolSize: 2, strides: 1 }) }),
      flat(),
    ],
    'after a model for each row': () => [
      image(),
      pad({ padding: [1, 2] }),
      L.timeDistributed({
        layer: tf.sequential({
          layers: [
            L.activation({ activation: 'tanh', inputShape: [9, 4] }),
            L.averagePooling1d({ poolSize: 2 }),
          ],
        }),
      }),
      flat(),
    ],
    'where channels are first': () => [
      firstImage(),
      pad({
        padding: [
          [0, 1],
          [2, 1],
        ],
        dataFormat: first,
      }),
      L.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same', dataFormat: first }),
      depthwise({ name: 'too', depthMultiplier: 2, dataFormat: first }),
      L.cropping2D({
        cropping: [
          [1, 0],
          [0, 2],
        ],
        dataFormat: first,
      }),
      L.upSampling2d({ size: [1, 2], dataFormat: first }),
      L.flatten({ dataFormat: first }),
    ],
    'of a mean where channels are first': () => [
      firstImage(),
      pad({
        padding: [
          [0, 1],
          [2, 1],
        ],
        dataFormat: first,
      }),
      L.globalAveragePooling2d({ dataFormat: first }),
    ],
    'after a bilinear UpSampling2D where channels are first': () => [
      firstImage(),
      pad({ padding: 1, dataFormat: first }),
      L.upSampling2d({ interpolation: 'bilinear', dataFormat: first }),
      flat(),
    ],
    'of a sequence whose steps are normalised': () => [
      L.dense({ units: 4, name: 'a', inputShape: [5, 3] }),
      L.layerNormalization({ axis: 1 }),
      flat(),
    ],
    'after a softmax over steps': () => [
      L.dense({ units: 4, name: 'a', inputShape: [5, 3] }),
      L.permute({ dims: [2, 1] }),
      L.softmax({ axis: -1 }),
      flat(),
    ],
    'after an activation that is a softmax over steps': () => [
      L.dense({ units: 4, name: 'a', inputShape: [5, 3] }),
      L.permute({ dims: [2, 1] }),
      L.activation({ activation: 'softmax' }),
      flat(),
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    for (const value of [0.8, -0.8]) {
      it(`${name}, of ${value}`, async () => {
        // The maximum of zeros and something below is zero, which nothing has to take over.
        const takers = name === 'of its maximum' && value < 0 ? [] : ['out'];
        await expectGone(withBias(zeroIn(modelOf([...make(), out()])), value), takers);
      });
    }
  }
});
