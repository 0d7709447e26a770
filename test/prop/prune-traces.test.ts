import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { flat } from '../support/layers';
import { thrownWithoutTrace } from '../support/trace';
import { anyOp, layerOf, network, perform, release } from './prune-ops';

type Call = (layer: tf.layers.Layer) => unknown;

describe('a call that fails', () => {
  const failing: fc.Arbitrary<Call> = fc.oneof<fc.Arbitrary<Call>[]>(
    fc.integer({ min: 37 }).map((count) => (layer) => prune.l1Unstructured(layer, 'weight', { count })),
    fc.integer({ min: 37 }).map((count) => (layer) => prune.randomUnstructured(layer, 'kernel', { count })),
    fc
      .double({ min: 1.0001, max: 1e9, noNaN: true })
      .map((share) => (layer) => prune.lnStructured(layer, 'weight', { fraction: share }, 2, 0)),
    fc
      .double({ max: -1e-9, noNaN: true })
      .map((amount) => (layer) => prune.randomStructured(layer, 'weight', amount, 0)),
    fc
      .integer()
      .filter((dim) => dim > 1 || dim < -2)
      .map((dim) => (layer) => prune.lnStructured(layer, 'weight', 0.5, 2, dim)),
    fc
      .string()
      .filter((name) => !['weight', 'kernel', 'bias'].includes(name))
      .map((name) => (layer) => prune.l1Unstructured(layer, name, 0.5)),
    fc
      .float({ noNaN: true })
      .filter((value) => value !== 0 && value !== 1)
      .map(
        (value) => (layer) =>
          prune.customFromMask(layer, 'bias', [
            ...flat(layer, 'bias')
              .slice(1)
              .map(() => 1),
            value,
          ]),
      ),
    fc
      .oneof(fc.string(), fc.boolean(), fc.bigInt(), fc.constantFrom(null, undefined))
      .map(
        (amount) => (layer) =>
          prune.globalUnstructured([[layer, 'weight']], prune.L1Unstructured, { amount: amount as never }),
      ),
  );

  it('leaves no trace, whatever was pruned before', () => {
    fc.assert(
      fc.property(network, fc.array(anyOp, { maxLength: 3 }), failing, (spec, sequence, call) => {
        const layer = layerOf(spec);
        for (const op of sequence) perform(layer, op);
        const error = thrownWithoutTrace(
          [
            [layer, 'weight'],
            [layer, 'bias'],
          ],
          () => call(layer),
        );
        expect(prune.isPruneError(error), String(error)).toBe(true);
        release(layer);
      }),
      { numRuns: 150 },
    );
  });
});
