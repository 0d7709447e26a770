import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { BLOCK, countBlocks, makeBlockWeight } from '../../../src/sparse/block-weight';
import { registerSparseKernels } from '../../../src/sparse/kernels';
import { clearSparseWeight, setSparseWeight } from '../../../src/sparse/sparse-weight';
import { makeTileWeight } from '../../../src/sparse/tile-weight';
import { makeWorkspace } from '../../../src/sparse/workspace';
import { activeHeap, type Heap } from '../../../src/wasm/heap';
import { type Kernels, kernelsFor } from '../../../src/wasm/kernels';
import { useBackend } from '../../support/backend';
import { type ConvolutionCase, convolutionCases, drawer } from './sweep';

let heap: Heap;
let kernels: Kernels;

beforeAll(async () => {
  await useBackend('wasm');
  heap = activeHeap()!;
  kernels = await kernelsFor(heap);
  registerSparseKernels();
});

/** Values between −1 and 1, of which a share is not zero. */
function values(count: number, density: number, seed: number): Float32Array {
  const below = drawer(seed);
  return Float32Array.from({ length: count }, () =>
    below(1000) < 1000 * density ? (below(1 << 20) + 1) / (1 << 19) - 1 : 0,
  );
}

/** Values that are zero in blocks of eight along the last axis. */
function blockValues(count: number, density: number, seed: number): Float32Array {
  const below = drawer(seed);
  let isKept = false;
  return Float32Array.from({ length: count }, (_, i) => {
    if (i % BLOCK === 0) isKept = below(1000) < 1000 * density;
    return isKept ? (below(1 << 20) + 1) / (1 << 19) - 1 : 0;
  });
}

/** Counts the calls of the kernels that compute. */
function counting(kernels: Kernels): { kernels: Kernels; calls: () => number } {
  let calls = 0;
  const { sparseTile, sparseBlock } = kernels;
  return {
    kernels: {
      ...kernels,
      sparseTile: (...args) => {
        calls++;
        sparseTile(...args);
      },
      sparseBlock: (...args) => {
        calls++;
        sparseBlock(...args);
      },
    },
    calls: () => calls,
  };
}

/** Computes twice, dense and then sparse, and counts how often the sparse kernel ran. */
function both(
  weight: tf.Tensor,
  compute: () => tf.Tensor,
): { dense: Float32Array; sparse: Float32Array; runs: number } {
  const dense = compute().dataSync<'float32'>();
  const counted = counting(kernels);
  const engine = { heap, kernels: counted.kernels, workspace: makeWorkspace(heap) };
  const channels = weight.shape.at(-1)!;
  const taps = weight.size / channels;
  const address = heap.addressOf(weight.dataId)!;
  const inBlocks = channels % BLOCK === 0;
  const sparse = inBlocks
    ? makeBlockWeight(
        engine,
        address,
        countBlocks(new Int32Array(heap.buffer, address, weight.size), channels),
        taps,
        channels,
      )!
    : makeTileWeight(engine, address, taps, channels)!;
  setSparseWeight(weight.dataId, sparse);
  try {
    // Twice: the first one may change the offsets.
    compute();
    return { dense, sparse: compute().dataSync<'float32'>(), runs: counted.calls() };
  } finally {
    clearSparseWeight(weight.dataId, sparse);
    sparse.free();
    engine.workspace.free();
  }
}

function convolution(c: ConvolutionCase): () => tf.Tensor {
  const x = tf.tensor4d(
    values(
      c.input.reduce((a, b) => a * b),
      0.9,
      c.seed,
    ),
    c.input,
  );
  const draw = c.seed % 2 === 0 && c.filter[3] % BLOCK === 0 ? blockValues : values;
  const filter = tf.tensor4d(
    draw(
      c.filter.reduce((a, b) => a * b),
      c.density,
      c.seed + 1,
    ),
    c.filter,
  );
  const bias = c.hasBias ? tf.tensor1d(values(c.filter[3], 1, c.seed + 2)) : undefined;
  const { stride: strides, dilation: dilations, pad, activation } = c;
  return Object.assign(
    () =>
      bias === undefined && activation === 'linear'
        ? tf.conv2d(x, filter, strides, pad, 'NHWC', dilations)
        : tf.fused.conv2d({ x, filter, strides, pad, dilations, activation, ...(bias && { bias }) }),
    { filter },
  );
}

describe('sparse convolutions equal tfjs’s dense ones to the bit', () => {
  const cases = convolutionCases(560, 1);
  // tfjs's wasm backend places the padding of 'same' wrongly where the stride is larger than the kernel; cpu does not.
  const isWrongInTfjs = ({ pad, stride, filter }: ConvolutionCase): boolean =>
    pad === 'same' && (stride[0] > filter[0] || stride[1] > filter[1]);

  it.each(cases.filter((c) => !isWrongInTfjs(c)))('$name', (c) => {
    tf.tidy(() => {
      const compute = convolution(c) as (() => tf.Tensor) & { filter: tf.Tensor };
      const { dense, sparse, runs } = both(compute.filter, compute);
      expect(runs).toBeGreaterThan(0);
      // Adding 0 makes +0 of −0, which a sum that skips zeros may have in its place.
      expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
    });
  });

  it.each(cases.filter(isWrongInTfjs))('as on the cpu: $name', async (c) => {
    const draw = (): { dense: Float32Array; sparse: Float32Array } =>
      tf.tidy(() => {
        const compute = convolution(c) as (() => tf.Tensor) & { filter: tf.Tensor };
        return tf.getBackend() === 'cpu'
          ? { dense: compute().dataSync<'float32'>(), sparse: new Float32Array() }
          : both(compute.filter, compute);
      });
    const { sparse } = draw();
    await useBackend('cpu');
    const { dense } = draw();
    await useBackend('wasm');
    expect(tf.tensor(sparse)).toBeAllClose(tf.tensor(dense), { rtol: 1e-5, atol: 1e-5 });
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
      const { dense, sparse, runs } = both(b, () =>
        tf.fused.matMul({ a, b, bias, activation: c.activation }),
      );
      expect(runs).toBeGreaterThan(0);
      expect(sparse.map((value) => value + 0)).toEqual(dense.map((value) => value + 0));
    });
  });
});
