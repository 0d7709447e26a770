import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { flat, outputOf } from '../support/layers';
import { expectNoLeak } from '../support/memory';
import { anyOp, bits, layerOf, maskOf, network, perform, release, unstructured } from './prune-ops';

/** Python's round: half to even. */
function pythonRound(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

const runs = { numRuns: 60 };
const ops = fc.array(anyOp, { minLength: 1, maxLength: 5 });

describe('pruning', () => {
  it('only ever shrinks the mask', () => {
    fc.assert(
      fc.property(network, ops, (spec, sequence) => {
        const layer = layerOf(spec);
        for (const op of sequence) {
          const before = maskOf(layer);
          perform(layer, op);
          const after = maskOf(layer);
          expect(after.every((bit, i) => bit === 0 || (bit === 1 && before[i] === 1))).toBe(true);
        }
        release(layer);
      }),
      runs,
    );
  });

  it('prunes exactly the count of what is left, however many ties there are', () => {
    fc.assert(
      fc.property(network, fc.array(unstructured, { minLength: 1, maxLength: 4 }), (spec, sequence) => {
        const layer = layerOf(spec);
        for (const op of sequence) {
          const left = maskOf(layer).filter((bit) => bit === 1).length;
          perform(layer, op);
          const now = maskOf(layer).filter((bit) => bit === 1).length;
          expect(left - now).toBe('fraction' in op ? pythonRound(op.fraction * left) : 0);
        }
        release(layer);
      }),
      runs,
    );
  });

  it('keeps every weight that is left, and sets exactly the others to zero', () => {
    fc.assert(
      fc.property(network, ops, (spec, sequence) => {
        const layer = layerOf(spec);
        const original = bits(layer, 'weight');
        for (const op of sequence) perform(layer, op);
        const mask = maskOf(layer);
        expect(bits(layer, 'weight')).toEqual(original.map((word, i) => (mask[i] === 0 ? 0 : word)));
        if (prune.methodOf(layer, 'weight') !== undefined)
          expect(bits(layer, 'weight_orig')).toEqual(original);
        release(layer);
      }),
      runs,
    );
  });

  it('is undone by revert, to the bit', () => {
    fc.assert(
      fc.property(network, ops, (spec, sequence) => {
        const layer = layerOf(spec);
        const original = ['weight', 'bias'].map((name) => bits(layer, name));
        for (const op of sequence) perform(layer, op);
        for (const name of ['weight', 'bias']) {
          if (prune.methodOf(layer, name) !== undefined) prune.revert(layer, name);
        }
        expect(['weight', 'bias'].map((name) => bits(layer, name))).toEqual(original);
        expect(prune.isPruned(layer)).toBe(false);
        release(layer);
      }),
      runs,
    );
  });

  it('is made permanent by remove without a change of any output', () => {
    fc.assert(
      fc.property(network, ops, (spec, sequence) => {
        const layer = layerOf(spec);
        const input = tf.randomUniform([2, spec.inputs], -1, 1, 'float32', 3);
        for (const op of sequence) perform(layer, op);
        const [output, stored] = [outputOf(layer, input), bits(layer, 'weight')];
        prune.remove(prune.identity(layer, 'weight'), 'weight');
        expect(outputOf(layer, input)).toEqual(output);
        expect(bits(layer, 'weight')).toEqual(stored);
        release(layer);
        input.dispose();
      }),
      runs,
    );
  });

  it('does the same by either name', () => {
    // Norms may be summed in another order, and the masks are random in the layout of the name.
    const sameByName = anyOp.filter(({ kind }) => kind !== 'ln' && kind !== 'mask');
    fc.assert(
      fc.property(network, fc.array(sameByName, { minLength: 1, maxLength: 5 }), (spec, sequence) => {
        const [torch, tfjs] = [layerOf(spec), layerOf(spec)];
        for (const op of sequence) {
          perform(torch, op, 'weight');
          perform(tfjs, op, 'kernel');
        }
        expect(bits(torch, 'weight_mask')).toEqual(bits(tfjs, 'weight_mask'));
        for (const layer of [torch, tfjs]) release(layer);
      }),
      runs,
    );
  });

  it('is counted by sparsity', () => {
    fc.assert(
      fc.property(network, ops, (spec, sequence) => {
        const layer = layerOf(spec);
        for (const op of sequence) perform(layer, op);
        const values = flat(layer, 'kernel');
        const zeros = values.filter((value) => value === 0).length;
        const expected = { zeros, size: values.length, sparsity: zeros / values.length };
        expect(prune.sparsity(layer, 'weight')).toEqual(expected);
        expect(prune.sparsity(layer)).toEqual(expected);
        release(layer);
      }),
      runs,
    );
  });

  it('leaks no tensor', () => {
    fc.assert(
      fc.property(network, ops, fc.constantFrom(prune.revert, prune.remove), (spec, sequence, undo) => {
        expectNoLeak(() => {
          const layer = layerOf(spec);
          expectNoLeak(() => {
            for (const op of sequence) perform(layer, op);
          });
          if (prune.methodOf(layer, 'weight') !== undefined) expectNoLeak(() => undo(layer, 'weight'));
          release(layer);
        });
      }),
      runs,
    );
  });
});
