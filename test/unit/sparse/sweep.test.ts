import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerSparseKernels } from '../../../src/sparse/kernels';
import { activeHeap, type Heap } from '../../../src/wasm/heap';
import { type Kernels, kernelsFor } from '../../../src/wasm/kernels';
import { useBackend } from '../../support/backend';
import { type ConvolutionCase, convolutionCases, drawer, isWrongInTfjs } from '../../support/sparse-cases';
import { both, convolution, values } from '../../support/sparse-compare';

let engine: { heap: Heap; kernels: Kernels };

beforeAll(async () => {
  await useBackend('wasm');
  const heap = activeHeap()!;
  engine = { heap, kernels: await kernelsFor(heap) };
  registerSparseKernels();
});

describe('sparse convolutions equal tfjs’s dense ones to the bit', () => {
  const cases = convolutionCases(560, 1);

  it.each(cases.filter((c) => !isWrongInTfjs(c)))('$name', (c) => {
    tf.tidy(() => {
      const { filter, compute } = convolution(c);
      const { dense, tiled, sparse, runs } = both(engine, filter, compute, c.seed % 3 === 0 ? 8 : 16);
      expect(runs).toBeGreaterThan(0);
      expect(tiled).toEqual(sparse);
      // Adding 0 makes +0 of −0, which a sum that skips zeros may have in its place.
      expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
    });
  });

  it.each(cases.filter(isWrongInTfjs))('as on the cpu: $name', async (c) => {
    const draw = (): { dense: Float32Array; sparse: Float32Array } =>
      tf.tidy(() => {
        const { filter, compute } = convolution(c);
        return tf.getBackend() === 'cpu'
          ? { dense: compute().dataSync<'float32'>(), sparse: new Float32Array() }
          : both(engine, filter, compute);
      });
    const { sparse } = draw();
    await useBackend('cpu');
    const { dense } = draw();
    await useBackend('wasm');
    expect(tf.tensor(sparse)).toBeAllClose(tf.tensor(dense), { rtol: 1e-5, atol: 1e-5 });
  });
});

describe('blocks over images that are taken in parts equal tfjs’s dense convolutions to the bit', () => {
  // More than 256 KB of what is read: parts of all pixels, of rows, and of long rows.
  const shapes: Pick<ConvolutionCase, 'input' | 'filter' | 'stride'>[] = [
    { input: [2, 61, 59, 24], filter: [1, 1, 24, 16], stride: [1, 1] },
    { input: [2, 101, 97, 24], filter: [1, 1, 24, 16], stride: [2, 2] },
    { input: [1, 61, 59, 24], filter: [3, 3, 24, 16], stride: [1, 1] },
    { input: [1, 3, 4200, 16], filter: [3, 3, 16, 24], stride: [1, 1] },
    { input: [1, 3, 4201, 16], filter: [3, 3, 16, 24], stride: [2, 2] },
  ];
  const cases = shapes.map(
    (shape, i): ConvolutionCase => ({
      ...shape,
      name: `[${shape.input}] * [${shape.filter}] / [${shape.stride}]`,
      dilation: [1, 1],
      pad: 'same',
      activation: 'relu',
      hasBias: true,
      density: 0.3,
      seed: 2 * i,
    }),
  );

  const widths = [8, 16] as const;
  it.each(cases.flatMap((c) => widths.map((width) => ({ ...c, width }))))('$name, blocks of $width', (c) => {
    tf.tidy(() => {
      const { filter, compute } = convolution(c);
      const { dense, sparse, runs } = both(engine, filter, compute, c.width);
      // Each of the two runs takes more than one part of an image.
      expect(runs).toBeGreaterThan(2 * c.input[0]);
      expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
    });
  });
});

describe('sparse multiplications equal tfjs’s dense ones to the bit', () => {
  const below = drawer(2);
  const cases = Array.from({ length: 60 }, (_, i) => ({
    rows: 1 + below(70),
    taps: 1 + below(130),
    channels: 1 + below(75),
    density: [0, 0.1, 0.5, 1][i % 4]!,
    activation: (['linear', 'relu', 'relu6'] as const)[i % 3]!,
    seed: i,
  }));
  it.each(cases)('[$rows, $taps] × [$taps, $channels], $activation, density $density', (c) => {
    tf.tidy(() => {
      const a = tf.tensor2d(values(c.rows * c.taps, 0.9, c.seed), [c.rows, c.taps]);
      const b = tf.tensor2d(values(c.taps * c.channels, c.density, c.seed + 1), [c.taps, c.channels]);
      const bias = tf.tensor1d(values(c.channels, 1, c.seed + 2));
      const { dense, sparse, runs } = both(engine, b, () =>
        tf.fused.matMul({ a, b, bias, activation: c.activation }),
      );
      expect(runs).toBeGreaterThan(0);
      expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
    });
  });
});
