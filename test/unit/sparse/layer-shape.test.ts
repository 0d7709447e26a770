import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isStrided, pixelsOf } from '../../../src/sparse/layer-shape';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** A layer that a model calls on inputs of a shape, its batch left open. */
function called<T extends tf.layers.Layer>(layer: T, ...shapes: Array<Array<number | null>>): T {
  for (const shape of shapes) layer.apply(tf.input({ shape }));
  return layer;
}

const conv2d = (options: object = {}): tf.layers.Layer =>
  tf.layers.conv2d({ filters: 4, kernelSize: 3, ...options });

describe('the pixels of an output', () => {
  it.each([
    ['a convolution', called(conv2d({ strides: 2 }), [11, 9, 3]), 5 * 4],
    ['one whose channels are first', called(conv2d({ dataFormat: 'channelsFirst' }), [3, 11, 9]), 9 * 7],
    ['one over steps', called(tf.layers.conv1d({ filters: 4, kernelSize: 2 }), [8, 3]), 7],
    ['one of images of any size', called(conv2d(), [null, null, 3]), 196],
    ['one of which only one size is known', called(conv2d(), [11, null, 3]), 196],
    ['one that was never called', conv2d(), 196],
    ['one that is called on images of two sizes', called(conv2d(), [9, 9, 3], [11, 9, 3]), 196],
    ['one that is called on images of one size twice', called(conv2d(), [9, 9, 3], [9, 9, 3]), 49],
    ['what is no layer', {}, 196],
  ])('of %s', (_, layer, pixels) => {
    expect(pixelsOf(layer, false)).toBe(pixels);
  });

  it.each([
    ['one row', called(tf.layers.dense({ units: 4 }), [6]), 1],
    ['several rows', called(tf.layers.dense({ units: 4 }), [5, 7, 6]), 35],
    ['any number of rows', called(tf.layers.dense({ units: 4 }), [null, 6]), 1],
  ])('of a dense layer that meets %s', (_, layer, rows) => {
    expect(pixelsOf(layer, true)).toBe(rows);
  });
});

it('a layer strides if it does along one axis', () => {
  expect(isStrided(conv2d())).toBe(false);
  expect(isStrided(conv2d({ strides: [1, 2] }))).toBe(true);
  expect(isStrided(tf.layers.dense({ units: 2 }))).toBe(false);
});
