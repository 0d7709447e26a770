import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { activeHeap } from '../../../src/wasm/heap';
import { type Keeper, makeLateOutput } from '../../../src/wasm/late-output';
import { useBackend } from '../../support/backend';
import { outstanding } from '../../support/wasm-memory';

beforeAll(() => useBackend('wasm'));

/** A tensor of two floats that are written when they are asked for, and what its keeper was told. */
function late(drops = true): { x: tf.Tensor; told: string[]; address: number } {
  const heap = activeHeap()!;
  const address = heap.allocate(8)!;
  const told: string[] = [];
  const keeper: Keeper = {
    settle: () => {
      told.push('settle');
      new Float32Array(heap.buffer, address, 2).set([3, 5]);
    },
    drop: () => {
      told.push('drop');
      return drops;
    },
  };
  const output = makeLateOutput(tf.backend(), [2], address, keeper)!;
  return { x: tf.engine().makeTensorFromTensorInfo(output), told, address };
}

describe('a late output', () => {
  it.each<[string, (x: tf.Tensor) => ArrayLike<number>]>([
    ['read', (x) => x.dataSync()],
    ['given to a kernel of tfjs', (x) => tf.tidy(() => x.mul(1).dataSync())],
    ['read through a reshaped tensor', (x) => tf.tidy(() => x.reshape([2, 1]).dataSync())],
  ])('is written once, when it is %s', (_, read) => {
    const { x, told } = late();
    expect(told).toEqual([]);
    expect([...Array.from(read(x))]).toEqual([3, 5]);
    expect([...x.dataSync()]).toEqual([3, 5]);
    x.dispose();
    expect(told).toEqual(['settle']);
  });

  it('is written when another backend takes it, which frees its memory', async () => {
    const memory = outstanding();
    const { x, told } = late();
    await useBackend('cpu');
    try {
      expect([...x.add(1).dataSync()]).toEqual([4, 6]);
    } finally {
      await useBackend('wasm');
    }
    expect(told).toEqual(['settle']);
    expect(memory.blocks()).toBe(0);
    memory.stop();
    x.dispose();
  });

  it('is never written where nobody asks, and the backend frees its memory', () => {
    const memory = outstanding();
    const { x, told } = late();
    const clone = x.reshape([1, 2]);
    x.dispose();
    expect(told).toEqual([]);
    clone.dispose();
    expect(told).toEqual(['drop']);
    expect(memory.blocks()).toBe(0);
    memory.stop();
  });

  it('leaves its memory to the keeper if that says so', () => {
    const memory = outstanding();
    const { x, address } = late(false);
    x.dispose();
    expect(memory.blocks()).toBe(1);
    activeHeap()!.free(address);
    expect(memory.blocks()).toBe(0);
    memory.stop();
  });
});
