import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { activeHeap } from '../../../src/wasm/heap';
import { useBackend } from '../../support/backend';
import {
  denseAndSparse,
  pack,
  pointwise,
  random,
  read,
  runs,
  unpack,
  usePacking,
} from '../../support/packing';
import { type ConvolutionCase, convolutionCases, isWrongInTfjs } from '../../support/sparse-cases';

usePacking();

describe('a convolution of images that are kept as tiles equals tfjs’s to the bit', () => {
  const cases = convolutionCases(160, 7).filter(
    (c) => !isWrongInTfjs(c) && c.input[0] * c.input[1] * c.input[2] >= 28,
  );
  const strides: [number, number][] = [
    [2, 2],
    [1, 3],
    [3, 1],
    [1, 1],
  ];
  const singlePixels = strides.map(
    (stride, i): ConvolutionCase => ({
      name: `[3, 9, 8, 6] * [1, 1, 6, 12] / [${stride}]`,
      input: [3, 9, 8, 6],
      filter: [1, 1, 6, 12],
      stride,
      dilation: [1, 1],
      pad: 'valid',
      activation: 'relu',
      hasBias: true,
      density: 0.5,
      seed: i,
    }),
  );
  it.each([...singlePixels, ...cases])('$name', (c: ConvolutionCase) => {
    tf.tidy(() => {
      const x = random([...c.input.slice(0, 3), 5], 0.9, c.seed);
      const first = random([1, 1, 5, c.input[3]], 0.5, c.seed + 1);
      const filter = random(c.filter, c.density, c.seed + 2) as tf.Tensor4D;
      const bias = random([c.filter[3]], 1, c.seed + 3);
      const { stride: strides, dilation: dilations, pad, activation } = c;
      const compute = (): tf.Tensor => {
        const images = pointwise(x, first) as tf.Tensor4D;
        return tf.fused.conv2d({ x: images, filter, strides, pad, dilations, activation, bias });
      };
      const [dense, sparse] = denseAndSparse(compute, [first, filter]);
      expect(sparse).toEqual(dense);
      // The second time its values are written in tfjs's order, as they were asked for; those of the first are not.
      expect(read(compute())).toEqual(dense);
    });
  });

  it('and neither reads nor writes them in tfjs’s order', () => {
    tf.tidy(() => {
      const x = random([2, 9, 7, 12], 1, 1);
      const filters = [1, 3, 1].map((size, i) => random([size, size, 12, 12], 0.3, 2 + i));
      filters.forEach(pack);
      const compute = (): tf.Tensor =>
        filters.reduce<tf.Tensor>(
          (images, filter) => tf.conv2d(images as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'),
          x,
        );
      const y = compute();
      expect(runs.toPixels).toBe(0);
      y.dataSync();
      expect(runs.toPixels).toBe(Math.ceil((2 * 9 * 7) / 28));
    });
  });
});

describe('a tensor that is kept as tiles', () => {
  const x = (): tf.Tensor => random([2, 5, 7, 6], 1, 1);
  const filter = (): tf.Tensor => random([1, 1, 6, 8], 0.5, 2);

  it.each<[string, (y: tf.Tensor) => tf.Tensor]>([
    ['in a kernel of tfjs', (y) => y.mul(2)],
    ['as a clone', (y) => y.clone()],
    ['in other shapes', (y) => y.reshape([2, 5, 14, 4])],
    [
      'in other shapes, by another packed weight',
      (y) => y.reshape([2, 5, 14, 4]).add(y.reshape([2, 5, 14, 4])),
    ],
    ['added to what is of another shape', (y) => y.add(y.slice([0, 0, 0, 0], [1, 5, 7, 8]))],
    ['added to what is not', (y) => y.add(y.mul(3))],
    ['twice', (y) => y.add(1).mul(y)],
    ['as tiles after it has been read', (y) => y.mul(3).add(y.add(y))],
    ['added to itself in another shape', (y) => y.reshape([1, 70, 8]).add(y.reshape([70, 1, 8]))],
    ['by a ReLU', (y) => y.relu()],
  ])('is right when it is used %s', (_, use) => {
    tf.tidy(() => {
      const [images, weight] = [x(), filter()];
      const [dense, sparse] = denseAndSparse(() => use(pointwise(images, weight)), [weight]);
      expect(sparse).toEqual(dense);
    });
  });

  it('can be read when its weight is packed no more', () => {
    tf.tidy(() => {
      const [images, weight] = [x(), filter()];
      const dense = read(pointwise(images, weight));
      pack(weight);
      const y = pointwise(images, weight);
      unpack();
      expect(read(y)).toEqual(dense);
    });
  });

  it('is right after memory has grown', () => {
    tf.tidy(() => {
      const [images, weight] = [x(), filter()];
      const dense = read(pointwise(images, weight));
      pack(weight);
      const y = pointwise(images, weight);
      tf.zeros([activeHeap()!.buffer.byteLength / 4 + 1]);
      expect(read(y)).toEqual(dense);
    });
  });

  it('is taken to another backend', async () => {
    const [images, weight] = [x(), filter()];
    const dense = read(pointwise(images, weight));
    pack(weight);
    const y = pointwise(images, weight);
    await useBackend('cpu');
    expect(read(y.add(0))).toEqual(dense);
    await useBackend('wasm');
  });

  it('is written in tfjs’s order at once when that has been asked for once', () => {
    tf.tidy(() => {
      const [images, weight] = [x(), filter()];
      pack(weight);
      pointwise(images, weight).dataSync();
      runs.toPixels = 0;
      const y = pointwise(images, weight);
      expect(runs.toPixels).toBeGreaterThan(0);
      runs.toPixels = 0;
      y.dataSync();
      expect(runs.toPixels).toBe(0);
    });
  });

  it('is not one where there is less than a tile', () => {
    tf.tidy(() => {
      const weight = filter();
      pack(weight);
      pointwise(random([3, 3, 3, 6], 1, 1), weight);
      expect(runs.toPixels).toBe(1);
    });
  });
});

it('a packed weight is right for convolutions of several kinds in turn', () => {
  tf.tidy(() => {
    const x = random([1, 12, 11, 6], 1, 1) as tf.Tensor4D;
    const weight = random([3, 3, 6, 8], 0.5, 2) as tf.Tensor4D;
    const compute = (): Float32Array[] =>
      [
        tf.conv2d(x, weight, 1, 'same'),
        tf.conv2d(x, weight, 2, 'same'),
        tf.conv2d(x, weight, 1, 'valid'),
        tf.conv2d(x, weight, 1, 'valid', 'NHWC', 2),
        tf.conv2d(x, weight, 1, 2),
        tf.conv2d(x, weight, 1, 2, 'NHWC', 1, 'floor'),
        tf.conv2d(x.slice(0, 1).reshape([1, 11, 12, 6]) as tf.Tensor4D, weight, 1, 'same'),
      ].map(read);
    const dense = compute();
    pack(weight);
    expect(compute()).toEqual(dense);
  });
});
