/** Weights whose offsets 16 bits tell, and those for which these do not suffice. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { registerSparseKernels } from '../../../src/sparse/kernels';
import { countNonzeros } from '../../../src/sparse/tile-stream';
import { makeTileWeight } from '../../../src/sparse/tile-weight';
import { activeHeap, type Heap } from '../../../src/wasm/heap';
import { type Kernels, kernelsFor } from '../../../src/wasm/kernels';
import { ALONE } from '../../../src/wasm/team';
import { makeWorkspace } from '../../../src/wasm/workspace';
import { useBackend } from '../../support/backend';
import { both, values } from '../../support/sparse-compare';

let heap: Heap;
let kernels: Kernels;

beforeAll(async () => {
  await useBackend('wasm');
  heap = activeHeap()!;
  kernels = await kernelsFor(heap);
  registerSparseKernels();
});

/** Bytes that a packed kernel takes besides four for each output channel, for each weight that is not zero. */
function bytesEach(filter: tf.Tensor): number {
  const channels = filter.shape.at(-1)!;
  const window = filter.shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const address = heap.addressOf(filter.dataId)!;
  const counts = countNonzeros(new Int32Array(heap.buffer, address, filter.size), channels);
  const engine = { heap, kernels, team: ALONE, workspace: makeWorkspace(heap) };
  const weight = makeTileWeight(engine, address, counts, filter.size / channels, window)!;
  weight.free();
  return (weight.bytes - 4 * channels) / counts.reduce((sum, count) => sum + count, 0);
}

// Input channels are 28 floats apart, and 2340 × 28 is the last multiple of 28 that 16 bits hold.
it.each([
  { filter: [1, 1, 5, 9], bytes: 6 },
  { filter: [1, 1, 2341, 3], bytes: 6 },
  { filter: [1, 1, 2342, 3], bytes: 8 },
  { filter: [2341, 3], bytes: 6 },
  { filter: [2342, 3], bytes: 8 },
  { filter: [3, 3, 5, 9], bytes: 8 },
] as const)('$filter takes $bytes bytes for each weight', ({ filter, bytes }) => {
  const size = filter.reduce<number>((product, each) => product * each, 1);
  const weight = tf.tensor(values(size, 0.5, 1), [...filter]);
  expect(bytesEach(weight)).toBe(bytes);
  weight.dispose();
});

it.each([2341, 2342])('multiplies the last of %d input channels', (channels) => {
  const x = tf.tensor4d(values(3 * 31 * channels, 1, 2), [1, 3, 31, channels]);
  const filter = tf.tensor4d(values(channels * 3, 1, 3), [1, 1, channels, 3]);
  const result = both({ heap, kernels }, filter, () => tf.conv2d(x, filter, 1, 'valid'));
  expect(result.runs).toBeGreaterThan(0);
  expect(result.tiled).toEqual(result.dense);
  expect(result.sparse).toEqual(result.dense);
  x.dispose();
  filter.dispose();
});

it('runs a filter of one pixel on padded images, and leaves it dense where their layout is too large', () => {
  for (const [channels, width, isSparse] of [
    [16, 30, true],
    [2048, 62, false],
  ] as const) {
    const x = tf.tensor4d(values(2 * width * channels, 1, 4), [1, 2, width, channels]);
    const filter = tf.tensor4d(values(channels * 3, 1, 5), [1, 1, channels, 3]);
    const result = both({ heap, kernels }, filter, () => tf.conv2d(x, filter, 1, 1));
    expect(result.runs > 0).toBe(isSparse);
    expect(result.sparse).toEqual(result.dense);
    x.dispose();
    filter.dispose();
  }
});
