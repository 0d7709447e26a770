import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { tiledOf } from '../../../src/sparse/tiled';
import { activeHeap } from '../../../src/wasm/heap';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));
afterEach(() => vi.restoreAllMocks());

/** Lets what is timed take so long, in turns. */
function stopwatch(...durations: readonly number[]): void {
  let calls = 0;
  let time = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    // Every second call ends a measurement.
    if (calls % 2 === 1) time += durations[((calls - 1) / 2) % durations.length]!;
    calls++;
    return time;
  });
}

function densePruned(units: number): tf.LayersModel {
  const layer = tf.layers.dense({ inputShape: [64], units });
  const model = tf.sequential({ layers: [layer] });
  prune.l1Unstructured(layer, 'weight', 0.9);
  return model;
}

describe('timing', () => {
  it('is of many runs where one is short, and of outputs in tfjs’s order', async () => {
    const layer = tf.layers.conv2d({ inputShape: [30, 30, 8], filters: 20, kernelSize: 1 });
    const model = tf.sequential({ layers: [layer] });
    prune.l1Unstructured(layer, 'weight', 0.9);
    const heap = activeHeap()!;
    let runs = 0;
    const apply = layer.apply.bind(layer);
    const isTiled: boolean[] = [];
    vi.spyOn(layer, 'apply').mockImplementation((x, ...rest) => {
      const output = apply(x, ...rest) as tf.Tensor;
      isTiled.push(tiledOf(output, heap) !== undefined);
      runs++;
      return output;
    });
    // Four runs of the faster one take a millisecond.
    stopwatch(0.5, 0.25);
    const acceleration = await accelerate(model, { measure: true });
    expect(runs).toBe(2 * (2 + 1 + 7 * 4));
    expect(isTiled).not.toContain(true);
    expect(acceleration.layers[0]!.reason).toContain('took 0.06 ms packed, 0.13 ms dense');
    acceleration.dispose();
    model.dispose();
  });
});

describe('a layer that is measured runs sparse only if that saves 3 % of the time', () => {
  it.each([
    { dense: 100, values: 96.9, runs: 'values' },
    { dense: 100, values: 97.1, runs: 'dense' },
    { dense: 100, values: 103, runs: 'dense' },
    { dense: 100, values: 50, runs: 'values' },
  ])('dense $dense ms, value by value $values ms: $runs', async ({ dense, values, runs }) => {
    const model = densePruned(20);
    stopwatch(dense, values);
    const acceleration = await accelerate(model, { measure: true });
    expect(acceleration.layers).toMatchObject([
      {
        runs,
        reason: expect.stringContaining(`${values.toFixed(2)} ms packed, ${dense.toFixed(2)} ms dense`),
      },
    ]);
    acceleration.dispose();
    model.dispose();
  });

  it.each([
    { dense: 100, values: 60, blocks: 50, runs: 'blocks' },
    { dense: 100, values: 50, blocks: 60, runs: 'values' },
    { dense: 100, values: 98, blocks: 99, runs: 'dense' },
  ])('$dense ms dense, $values ms value by value, $blocks ms in blocks: $runs', async (times) => {
    const model = densePruned(16);
    stopwatch(times.dense, times.values, times.blocks);
    const acceleration = await accelerate(model, { measure: true });
    expect(acceleration.layers).toMatchObject([{ runs: times.runs }]);
    acceleration.dispose();
    model.dispose();
  });
});
