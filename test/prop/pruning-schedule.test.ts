import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as prune from 'tfjs-prune';
import {
  cosineSchedule,
  iterativeSchedule,
  PruningSchedule,
  polynomialSchedule,
  type ScheduledMethod,
  type SparsitySchedule,
} from 'tfjs-prune/training';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../support/backend';
import { flat } from '../support/layers';

beforeAll(() => useBackend('cpu'));

const sparsity = fc.double({ min: 0, max: 0.999, noNaN: true });
const anySchedule: fc.Arbitrary<SparsitySchedule> = fc
  .record({
    kind: fc.constantFrom('polynomial', 'cosine', 'iterative', 'wild'),
    low: sparsity,
    high: sparsity,
    end: fc.integer({ min: 1, max: 12 }),
    frequency: fc.integer({ min: 1, max: 4 }),
    wild: fc.array(sparsity, { minLength: 13, maxLength: 13 }),
  })
  .map(({ kind, low, high, end, frequency, wild }) => {
    const ends = { initialSparsity: Math.min(low, high), finalSparsity: Math.max(low, high) };
    if (kind === 'polynomial') return polynomialSchedule({ ...ends, end, frequency });
    if (kind === 'cosine') return cosineSchedule({ ...ends, end, frequency });
    if (kind === 'iterative') return iterativeSchedule({ ...ends, rounds: end, frequency });
    return (step) => wild[step] ?? 0;
  });
const anyLayers = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })), {
    minLength: 1,
    maxLength: 3,
  })
  .map((shapes) =>
    shapes.map(([units, inputs], i) => {
      const layer = tf.layers.dense({ units, useBias: false });
      tf.tidy(() => {
        layer.apply(tf.zeros([1, inputs]));
        layer.setWeights([tf.randomNormal([inputs, units], 0, 1, 'float32', i + 1)]);
      });
      return layer;
    }),
  );

/** The whole number next to x; the even one half-way between two. */
function near(x: number): number {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}

const zerosOf = (layer: tf.layers.Layer): number =>
  prune.isPruned(layer) ? flat(layer, 'weight_mask').filter((kept) => kept === 0).length : 0;

describe.each<[string, ScheduledMethod]>([
  ['L1', prune.L1Unstructured],
  ['random', prune.RandomUnstructured],
])('sparsity follows the schedule to one weight: %s', (_name, method) => {
  test('in every parameter, locally', () => {
    fc.assert(
      fc.property(anySchedule, anyLayers, (schedule, layers) => {
        const pairs = layers.map((layer): prune.NamedParameter => [layer, 'weight']);
        const pruning = new PruningSchedule(pairs, { schedule, method });
        let highest = 0;
        for (let step = 0; step <= 12; step++) {
          highest = Math.max(highest, schedule(step));
          pruning.step(step);
          for (const layer of layers) expect(zerosOf(layer)).toBe(near(highest * layer.countParams()));
        }
        for (const layer of layers) layer.dispose();
      }),
      { numRuns: 40 },
    );
  });

  test('in all of them together, globally; and what is pruned stays pruned', () => {
    fc.assert(
      fc.property(anySchedule, anyLayers, (schedule, layers) => {
        const pairs = layers.map((layer): prune.NamedParameter => [layer, 'weight']);
        const pruning = new PruningSchedule(pairs, { schedule, method, scope: 'global' });
        const size = layers.reduce((sum, layer) => sum + layer.countParams(), 0);
        let highest = 0;
        let before = layers.map((layer) => flat(layer, 'weight'));
        for (let step = 0; step <= 12; step++) {
          highest = Math.max(highest, schedule(step));
          expect(pruning.step(step).zeros).toBe(near(highest * size));
          expect(layers.reduce((sum, layer) => sum + zerosOf(layer), 0)).toBe(near(highest * size));
          const after = layers.map((layer) => flat(layer, 'weight'));
          for (const [i, values] of after.entries()) {
            expect(values.every((value, n) => value === 0 || value === before[i]![n])).toBe(true);
          }
          before = after;
        }
        for (const layer of layers) layer.dispose();
      }),
      { numRuns: 40 },
    );
  });
});
