/**
 * Masks of many weights on the wasm backend, whose memory grows while they are made, against those of the cpu backend.
 */
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, test } from 'vitest';
import { activeHeap } from '../../../src/wasm/heap';
import { useBackend } from '../../support/backend';

/** So many that the keys, where some are tied, do not fit what the backend's memory has free. */
const SHAPE = [3, 3, 640, 704];
const SIZE = SHAPE.reduce((product, size) => product * size, 1);

/** Weights in few different values, so that equal ones lie on both sides of any cut. */
const weights = Float32Array.from({ length: SIZE }, (_, i) => ((i * 2654435761) % 1009) / 1009 - 0.5);

function layers(): tf.layers.Layer[] {
  return [0, 1].map((i) => {
    const layer = tf.layers.conv2d({ filters: 704, kernelSize: 3, useBias: false });
    layer.build([1, 8, 8, 640]);
    const kernel = tf.tensor(i === 0 ? weights : weights.map((value) => 0.7 * value), SHAPE);
    layer.setWeights([kernel]);
    kernel.dispose();
    return layer;
  });
}

const MEGABYTE = 1 << 20;

/** Takes what the wasm backend's memory has free but a few megabytes, so that it must grow; returns how to free it. */
function fillMemory(): () => void {
  const heap = activeHeap();
  if (heap === undefined) return () => {};
  const taken: number[] = [];
  const before = heap.buffer.byteLength;
  const take = (): void => void taken.push(heap.allocate(MEGABYTE)!);
  while (heap.buffer.byteLength === before) take();
  const rest = (heap.buffer.byteLength - before) / MEGABYTE - 3;
  for (let i = 0; i < rest; i++) take();
  return () => {
    for (const address of taken) heap.free(address);
  };
}

/** Masks and, on wasm, by how much the memory grew while they were made. */
function masksBy(makes: (list: tf.layers.Layer[]) => void): { masks: Uint8Array[]; grown: number } {
  const list = layers();
  prune.manualSeed(11);
  const freeMemory = fillMemory();
  const before = activeHeap()?.buffer.byteLength ?? 0;
  makes(list);
  freeMemory();
  const grown = (activeHeap()?.buffer.byteLength ?? 0) - before;
  const masks = list.map((layer) => {
    const mask = prune.parameter(layer, 'kernel_mask');
    const bytes = Uint8Array.from(mask.dataSync());
    mask.dispose();
    return bytes;
  });
  tf.disposeVariables();
  return { masks, grown };
}

function globally(method: new (amount: prune.Amount) => prune.UnstructuredMethod) {
  return (list: tf.layers.Layer[]): void => {
    prune.globalUnstructured(
      list.map((layer) => [layer, 'weight']),
      method,
      { amount: 0.4 },
    );
  };
}

describe('on wasm as on cpu', () => {
  test('a mask of a bare tensor, by a method and by a container', async () => {
    const method = new prune.L1Unstructured(0.4);
    const container = new prune.PruningContainer(method);
    const masks: number[][] = [];
    const growths: boolean[] = [];
    for (const [backend, each] of [
      ['cpu', method],
      ['wasm', method],
      ['wasm', container],
    ] as const) {
      await useBackend(backend);
      tf.tidy(() => {
        const [t, ones] = [tf.tensor(weights, SHAPE), tf.ones(SHAPE)];
        const freeMemory = fillMemory();
        const before = activeHeap()?.buffer.byteLength;
        const made = each.computeMask(t, ones);
        freeMemory();
        growths.push(activeHeap()?.buffer.byteLength !== before);
        masks.push([...made.sum([0, 1, 2]).dataSync()]);
      });
    }
    for (const sums of masks) expect(sums).toEqual(masks[0]);
    expect(growths).toEqual([false, true, true]);
  });

  test.each([
    ['L1, with ties', globally(prune.L1Unstructured)],
    ['random, with ties', globally(prune.RandomUnstructured)],
  ])('%s', async (_, makes) => {
    await useBackend('cpu');
    const expected = masksBy(makes).masks;
    await useBackend('wasm');
    const { masks, grown } = masksBy(makes);
    expect(masks.map((mask, i) => Buffer.compare(mask, expected[i]!))).toEqual([0, 0]);
    expect(grown).toBeGreaterThan(0);
  });
});
