import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as prune from 'tfjs-prune';
import { foldBatchNorm, optimizeForInference } from 'tfjs-prune/sparse';
import { afterEach, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { architecture, build } from './fold-architectures';
import { classesOf, countNorms, expectEqualOutputs, outputsOf, release, weightBits } from './fold-models';

afterEach(() => tf.disposeVariables());

describe.each(['cpu', 'wasm'] as const)('on %s, whatever the network', (backend) => {
  it('foldBatchNorm gives equal outputs, folds all that can be, and leaves the original and no tensor', async () => {
    await useBackend(backend);
    fc.assert(
      fc.property(architecture, (description) => {
        const { model, foldable } = build(description);
        const [expected, bits, tensors] = [outputsOf(model), weightBits(model), tf.memory().numTensors];
        const folded = foldBatchNorm(model);
        expectEqualOutputs(outputsOf(folded), expected);
        expect(countNorms(model) - countNorms(folded)).toBe(foldable);
        expect(folded.outputs.map(({ shape }) => shape)).toEqual(model.outputs.map(({ shape }) => shape));
        release(folded);
        expect(tf.memory().numTensors).toBe(tensors);
        expect(weightBits(model)).toEqual(bits);
        release(model);
      }),
      { numRuns: 40, seed: 4 },
    );
  });
});

it('optimizeForInference gives equal outputs, pruned or not, and leaves no tensor', async () => {
  await useBackend('wasm');
  await fc.assert(
    fc.asyncProperty(architecture, fc.constantFrom(0, 0.5, 0.9), async (description, amount) => {
      const { model } = build(description);
      prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount });
      const [expected, tensors] = [outputsOf(model), tf.memory().numTensors];
      const { model: fast, handle, removed } = await optimizeForInference(model);
      expectEqualOutputs(outputsOf(fast), expected);
      expect(classesOf(fast)).toHaveLength(classesOf(model).length - removed.length);
      handle.dispose();
      release(fast);
      expect(tf.memory().numTensors).toBe(tensors);
      release(model);
    }),
    { numRuns: 30, seed: 4 },
  );
});
