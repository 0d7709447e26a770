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

describe("a batch normalisation's gradient", () => {
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
        const grads = tf.grads((...[x, mean, variance, offset, scale]) =>
          tf
            .batchNorm(
              x!,
              mean as tf.Tensor1D,
              variance as tf.Tensor1D,
              offset as tf.Tensor1D,
              scale as tf.Tensor1D,
            )
            .mul(weigh),
        )(inputs);
        return grads;
      });
    }
  }
});
