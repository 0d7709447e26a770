import * as tf from '@tensorflow/tfjs';
import { type BlockWidth, countBlocks, LEAST_WIDTH } from '../../src/sparse/block-stream';
import { makeBlockWeight } from '../../src/sparse/block-weight';
import { clearSparseWeight, setSparseWeight } from '../../src/sparse/sparse-weight';
import { countNonzeros } from '../../src/sparse/tile-stream';
import { makeTileWeight } from '../../src/sparse/tile-weight';
import type { Heap } from '../../src/wasm/heap';
import type { Kernels } from '../../src/wasm/kernels';
import { ALONE, type Team } from '../../src/wasm/team';
import { makeWorkspace } from '../../src/wasm/workspace';
import { type ConvolutionCase, drawer } from './sparse-cases';

/** Values between −1 and 1, of which a share is not zero. */
export function values(count: number, density: number, seed: number): Float32Array {
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
    if (i % LEAST_WIDTH === 0) isKept = below(1000) < 1000 * density;
    return isKept ? (below(1 << 20) + 1) / (1 << 19) - 1 : 0;
  });
}

/** Counts the calls of the kernels that compute, and the parts that threads share. */
function counting(kernels: Kernels, team: Team): { kernels: Kernels; team: Team; calls: () => number } {
  let calls = 0;
  const counted =
    <A extends number[]>(kernel: (...args: A) => void) =>
    (...args: A): void => {
      calls++;
      kernel(...args);
    };
  const { sparseTile, sparseTileNear, sparseBlock8, sparseBlock16 } = kernels;
  return {
    kernels: {
      ...kernels,
      sparseTile: counted(sparseTile),
      sparseTileNear: counted(sparseTileNear),
      sparseBlock8: counted(sparseBlock8),
      sparseBlock16: counted(sparseBlock16),
    },
    team: {
      ...team,
      run: (own, parts, call) =>
        team.run(own, parts, (recorded, part) => {
          calls++;
          call(recorded, part);
        }),
    },
    calls: () => calls,
  };
}

/** The widest blocks, no wider than allowed, that a number of output channels can have. */
function widthOf(channels: number, widest: BlockWidth): BlockWidth | undefined {
  return ([16, 8] as const).find((width) => width <= widest && channels % width === 0);
}

/**
 * Computes dense and then sparse, in blocks where it can, and counts how often the sparse kernel ran. Sparse twice: the first
 * time may change the offsets, and gives tiles that are brought into tfjs's order; the second is written in it.
 */
export function both(
  { heap, kernels, team = ALONE }: { heap: Heap; kernels: Kernels; team?: Team },
  weight: tf.Tensor,
  compute: () => tf.Tensor,
  widest: BlockWidth = 16,
): { dense: Float32Array; tiled: Float32Array; sparse: Float32Array; runs: number } {
  const dense = compute().dataSync<'float32'>();
  const counted = counting(kernels, team);
  const engine = { heap, kernels: counted.kernels, team: counted.team, workspace: makeWorkspace(heap) };
  const channels = weight.shape.at(-1)!;
  const taps = weight.size / channels;
  const window = weight.shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const address = heap.addressOf(weight.dataId)!;
  const bits = (): Int32Array => new Int32Array(heap.buffer, address, weight.size);
  const width = widthOf(channels, widest);
  const sparse = width
    ? makeBlockWeight(engine, address, countBlocks(bits(), channels, width), taps)!
    : makeTileWeight(engine, address, countNonzeros(bits(), channels), taps, window)!;
  setSparseWeight(weight.dataId, sparse);
  try {
    const tiled = compute().dataSync<'float32'>();
    return { dense, tiled, sparse: compute().dataSync<'float32'>(), runs: counted.calls() };
  } finally {
    clearSparseWeight(weight.dataId, sparse);
    sparse.free();
    engine.workspace.free();
  }
}

export function convolution(c: ConvolutionCase): { filter: tf.Tensor; compute: () => tf.Tensor } {
  const x = tf.tensor4d(
    values(
      c.input.reduce((a, b) => a * b),
      0.9,
      c.seed,
    ),
    c.input,
  );
  const draw = c.seed % 2 === 0 && c.filter[3] % LEAST_WIDTH === 0 ? blockValues : values;
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
  const compute = (): tf.Tensor =>
    bias === undefined && activation === 'linear'
      ? tf.conv2d(x, filter, strides, pad, 'NHWC', dilations)
      : tf.fused.conv2d({ x, filter, strides, pad, dilations, activation, ...(bias && { bias }) });
  return { filter, compute };
}
