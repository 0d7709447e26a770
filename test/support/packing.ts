/** Packed weights in tests, and how often some kernels ran. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { registerSparseKernels } from '../../src/sparse/kernels';
import { clearSparseWeight, type SparseWeight, setSparseWeight } from '../../src/sparse/sparse-weight';
import { countNonzeros } from '../../src/sparse/tile-stream';
import { makeTileWeight } from '../../src/sparse/tile-weight';
import { activeHeap, type Heap } from '../../src/wasm/heap';
import { type Kernels, kernelsFor } from '../../src/wasm/kernels';
import { ALONE } from '../../src/wasm/team';
import { makeWorkspace, type Workspace } from '../../src/wasm/workspace';
import { useBackend } from './backend';
import { values } from './sparse-compare';

let heap: Heap;
let kernels: Kernels;
let workspace: Workspace;
/** How often a kernel ran since the test began. */
export let runs: Record<'toPixels' | 'sums', number>;

/** Lets a file's tests use the functions below. */
export function usePacking(): void {
  beforeAll(async () => {
    await useBackend('wasm');
    heap = activeHeap()!;
    const exact = await kernelsFor(heap);
    kernels = {
      ...exact,
      toPixels: (...args) => {
        runs.toPixels++;
        exact.toPixels(...args);
      },
      add: (...args) => {
        runs.sums++;
        exact.add(...args);
      },
      addRelu: (...args) => {
        runs.sums++;
        exact.addRelu(...args);
      },
      addClamped: (...args) => {
        runs.sums++;
        exact.addClamped(...args);
      },
    };
    registerSparseKernels();
  });
  beforeEach(() => {
    workspace = makeWorkspace(heap);
    runs = { toPixels: 0, sums: 0 };
  });
  afterEach(unpack);
}

const packed: [object, SparseWeight][] = [];

export function pack(filter: tf.Tensor): void {
  const channels = filter.shape.at(-1)!;
  const address = heap.addressOf(filter.dataId)!;
  const counts = countNonzeros(new Int32Array(heap.buffer, address, filter.size), channels);
  const weight = makeTileWeight(
    { heap, kernels, team: ALONE, workspace },
    address,
    counts,
    Math.max(filter.size, 1) / channels,
    filter.shape.slice(0, -2).reduce((product, size) => product * size, 1),
  )!;
  setSparseWeight(filter.dataId, weight);
  packed.push([filter.dataId, weight]);
}

export function unpack(): void {
  for (const [dataId, weight] of packed.splice(0)) {
    clearSparseWeight(dataId, weight);
    weight.free();
  }
  workspace.free();
}
export function random(shape: readonly number[], density: number, seed: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(values(size, density, seed), [...shape]);
}

/** Adding 0 makes +0 of −0, which a sum that skips zeros may have in its place. */
export function read(x: tf.Tensor): Float32Array {
  return x.dataSync<'float32'>().map((value) => value + 0);
}

/** Computes dense, then with both filters packed. */
export function denseAndSparse(
  compute: () => tf.Tensor,
  filters: readonly tf.Tensor[],
): [Float32Array, Float32Array] {
  const dense = read(compute());
  filters.forEach(pack);
  return [dense, read(compute())];
}

/** A convolution by a filter of one pixel. */
export function pointwise(x: tf.Tensor, filter: tf.Tensor): tf.Tensor {
  return tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid');
}
