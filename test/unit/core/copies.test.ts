import * as tf from '@tensorflow/tfjs';
import type { PruningContainer } from 'tfjs-prune';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

async function loadCopy(): Promise<typeof import('tfjs-prune')> {
  vi.resetModules();
  return import('tfjs-prune');
}

function dense(): tf.layers.Layer {
  const layer = tf.layers.dense({ units: 4 });
  layer.build([null, 6]);
  return layer;
}

test('two copies understand the prunings of each other, and warn once', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const warnings = (): unknown[] => warn.mock.calls.filter(([text]) => String(text).includes('tfjs-prune'));
  const first = await loadCopy();
  const second = await loadCopy();
  expect(second.PruneError).not.toBe(first.PruneError);

  const layer = first.l1Unstructured(dense(), 'weight', 6);
  expect(warnings()).toHaveLength(0);
  expect(second.isPruned(layer)).toBe(true);
  second.l1Unstructured(layer, 'weight', 6);
  first.l1Unstructured(layer, 'weight', 6);
  expect(warnings()).toHaveLength(1);
  expect(first.sparsity(layer, 'weight').zeros).toBe(18);
  expect([...(second.methodOf(layer, 'weight') as PruningContainer)]).toHaveLength(3);
  first.remove(layer, 'weight');
  expect(second.isPruned(layer)).toBe(false);
});

test("errors of one copy are known to the other's guard", async () => {
  const first = await loadCopy();
  const second = await loadCopy();
  let caught: unknown;
  try {
    first.l1Unstructured(dense(), 'wieght', 6);
  } catch (error) {
    caught = error;
  }
  expect(second.isPruneError(caught, 'parameter')).toBe(true);
  expect(second.isPruneError(caught, 'amount')).toBe(false);
});
