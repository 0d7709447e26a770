import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerTrainingKernels } from '../../../src/training';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';

/** Computes tensors on the cpu backend and, with our kernels, on wasm, and compares their values. */
function compare(name: string, compute: () => tf.Tensor[]): void {
  describe(name, () => {
    let expected: Float32Array[] = [];
    const values = (): Float32Array[] =>
      tf.tidy(() => compute().map((tensor) => Float32Array.from(tensor.dataSync())));

    beforeAll(async () => {
      await useBackend('cpu');
      expected = values();
      await useBackend('wasm');
      registerTrainingKernels();
    });

    it("is the cpu backend's", () => {
      const actual = expectNoLeak(values);
      for (const [i, value] of expected.entries()) {
        const atol = 1e-5 * value.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
        expect(actual[i], `result ${i}`).toBeAllClose(value, { rtol: 1e-4, atol });
      }
    });
  });
}

const random = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);

describe('a product with a matrix transposed', () => {
  // The larger ones take more than one block of rows, columns and products.
  for (const [rows, depth, columns] of [
    [1, 1, 1],
    [3, 5, 7],
    [4, 8, 8],
    [9, 17, 33],
    [260, 10, 9],
    [5, 250, 131],
  ] as const) {
    for (const [transposeA, transposeB] of [
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      for (const batch of [[], [3]]) {
        compare(`${[...batch, rows, depth, columns].join('×')}, ${transposeA}, ${transposeB}`, () => {
          const a = random([...batch, ...(transposeA ? [depth, rows] : [rows, depth])], 1);
          const b = random([...batch, ...(transposeB ? [columns, depth] : [depth, columns])], 2);
          return [tf.matMul(a, b, transposeA, transposeB)];
        });
      }
    }
  }
});

describe('a convolution in training', () => {
  for (const [size, inChannels, outChannels] of [
    [5, 3, 4],
    [7, 5, 9],
    [9, 30, 131],
  ] as const) {
    compare(`of ${size} pixels, ${inChannels} and ${outChannels} channels, with a bias`, () => {
      const [x, filter] = [
        random([2, size, size, inChannels], 3),
        random([3, 3, inChannels, outChannels], 4),
      ];
      const bias = random([outChannels], 5);
      const convolve = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor): tf.Tensor =>
        tf.fused
          .conv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, bias, strides: 1, pad: 'same' })
          .square()
          .mean();
      const { value, grads } = tf.valueAndGrads(convolve)([x, filter, bias]);
      return [value, ...grads];
    });
  }
});

describe('a batch normalisation in training, and its gradient', () => {
  for (const channels of [1, 4, 5, 8, 12, 64]) {
    for (const shape of [
      [6, channels],
      [2, 5, 3, channels],
    ]) {
      compare(`[${shape.join(', ')}]`, () => {
        const inputs = [
          random(shape, 6),
          random([channels], 7),
          random([channels], 8).square().add(0.1),
          random([channels], 9),
          random([channels], 10),
        ];
        const weigh = random(shape, 11);
        const normalise = (...[x, mean, variance, offset, scale]: tf.Tensor[]): tf.Tensor =>
          tf
            .batchNorm(
              x!,
              mean as tf.Tensor1D,
              variance as tf.Tensor1D,
              offset as tf.Tensor1D,
              scale as tf.Tensor1D,
            )
            .mul(weigh);
        const { value, grads } = tf.valueAndGrads(normalise)(inputs);
        return [value, ...grads];
      });
    }
  }
});

describe('a product with a bias in training', () => {
  for (const [rows, depth, columns] of [
    [1, 3, 2],
    [4, 64, 10],
    [9, 250, 131],
  ] as const) {
    compare(`${rows}×${depth}×${columns}`, () => {
      const multiply = (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor): tf.Tensor =>
        tf.fused.matMul({ a, b, bias }).square().mean();
      const { value, grads } = tf.valueAndGrads(multiply)([
        random([rows, depth], 12),
        random([depth, columns], 13),
        random([columns], 14),
      ]);
      return [value, ...grads];
    });
  }
});

describe('sums and means', () => {
  for (const { shape, axis } of [
    { shape: [3, 4], axis: 0 },
    { shape: [700, 8], axis: 0 },
    { shape: [2, 5, 3, 12], axis: [0, 1, 2] },
    { shape: [2, 5, 3, 12], axis: [2, 0, 1] },
    { shape: [2, 5, 3, 12], axis: [0, 2] },
    { shape: [2, 5, 3, 12], axis: [-1] },
    { shape: [2, 5, 4], axis: -3 },
    { shape: [5, 3], axis: 0 },
    { shape: [5, 4], axis: undefined },
    { shape: [4], axis: 0 },
  ]) {
    for (const keepDims of [false, true]) {
      compare(`[${shape.join(', ')}] along ${axis}, kept: ${keepDims}, with gradients`, () => {
        const x = random(shape, 15);
        const sum = (x: tf.Tensor): tf.Tensor => x.sum(axis, keepDims);
        const mean = (x: tf.Tensor): tf.Tensor => x.mean(axis, keepDims);
        const gradients = [sum, mean].map((reduce) => tf.grad((x) => reduce(x).square())(x));
        return [sum(x), mean(x), ...gradients];
      });
    }
  }
});

describe('clones and casts', () => {
  beforeAll(async () => {
    await useBackend('wasm');
    registerTrainingKernels();
  });

  it('share values with what they come from, and outlive it', () => {
    expectNoLeak(() => {
      const before = tf.engine().backend.numDataIds();
      const x = tf.tensor1d([1, 2, 3]);
      const clone = x.clone();
      const cast = x.cast('float32');
      expect(tf.engine().backend.numDataIds()).toBe(before + 1);
      x.dispose();
      cast.dispose();
      expect(clone.arraySync()).toEqual([1, 2, 3]);
      clone.dispose();
      expect(tf.engine().backend.numDataIds()).toBe(before);
    });
  });

  it('cast to another type', () => {
    const x = tf.tensor1d([1.5, 0]);
    const cast = x.cast('int32');
    expect(cast.dtype).toBe('int32');
    expect(cast.arraySync()).toEqual([1, 0]);
    tf.dispose([x, cast]);
  });

  it('clone strings', () => {
    const x = tf.tensor1d(['a', 'b']);
    const clone = x.clone();
    expect(clone.arraySync()).toEqual(['a', 'b']);
    tf.dispose([x, clone]);
  });
});

describe('the gradients of a depthwise convolution', () => {
  for (const { size, channels, multiplier, kernel, strides, pad } of [
    { size: [5, 6], channels: 4, multiplier: 1, kernel: [3, 3], strides: 1, pad: 'same' },
    { size: [7, 4], channels: 12, multiplier: 1, kernel: [3, 2], strides: 1, pad: 'valid' },
    { size: [9, 9], channels: 8, multiplier: 1, kernel: [3, 3], strides: 2, pad: 'same' },
    { size: [8, 9], channels: 4, multiplier: 1, kernel: [5, 5], strides: 3, pad: 'valid' },
    { size: [2, 1], channels: 4, multiplier: 1, kernel: [3, 3], strides: 1, pad: 'same' },
    { size: [6, 6], channels: 4, multiplier: 2, kernel: [3, 3], strides: 1, pad: 'same' },
    { size: [6, 6], channels: 3, multiplier: 1, kernel: [3, 3], strides: 1, pad: 'same' },
  ] as const) {
    const what = `${size.join('×')}, ${channels} channels times ${multiplier}, ${kernel.join('×')}`;
    compare(`${what}, strides ${strides}, ${pad}`, () => {
      const x = random([2, ...size, channels], 16);
      const filter = random([...kernel, channels, multiplier], 17);
      const convolve = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
        tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad).square();
      return tf.grads(convolve)([x, filter]);
    });
  }
});

describe('sums of segments', () => {
  for (const shape of [[7], [7, 5], [7, 2, 3], [0, 4]]) {
    compare(`of [${shape.join(', ')}]`, () => {
      const ids = tf.tensor1d([2, 0, 2, 5, -1, 3, 9].slice(0, shape[0]), 'int32');
      return [tf.unsortedSegmentSum(random(shape, 18), ids, 6)];
    });
  }

  compare("in an embedding's gradient", () => {
    const indices = tf.tensor2d([1, 3, 3, 0, 1, 1], [2, 3], 'int32');
    return [tf.grad((table) => tf.gather(table, indices).square())(random([5, 4], 19))];
  });

  it('are refused for other types than float32', async () => {
    await useBackend('wasm');
    registerTrainingKernels();
    const [x, ids] = [tf.tensor1d([1, 2], 'int32'), tf.tensor1d([0, 0], 'int32')];
    expect(() => tf.unsortedSegmentSum(x, ids, 1)).toThrow(/float32 only, not of int32/);
    tf.dispose([x, ids]);
  });

  it('train an embedding', async () => {
    await useBackend('wasm');
    registerTrainingKernels();
    const layers = [
      tf.layers.embedding({ inputDim: 6, outputDim: 4, inputLength: 3 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 1 }),
    ];
    const model = tf.sequential({ layers });
    model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
    const [xs, ys] = [
      tf.tensor2d([
        [0, 1, 2],
        [3, 4, 5],
      ]),
      tf.tensor2d([[1], [-1]]),
    ];
    const { history } = await model.fit(xs, ys, { epochs: 40, verbose: 0 });
    expect(history.loss?.at(-1)).toBeLessThan(0.05);
    tf.dispose([xs, ys]);
    model.dispose();
  });
});
