import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { isMaskedGradient, prunedDataOf } from '../../../src/core/pruned-data';
import * as prune from '../../../src/index';
import { registerTrainingKernels } from '../../../src/training';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';

interface Case {
  readonly size: readonly [number, number];
  readonly inChannels: number;
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides: number;
  readonly padding: 'same' | 'valid';
  readonly amount: number;
  readonly batch?: number;
}

const CASES: readonly Case[] = [
  { size: [4, 4], inChannels: 8, filters: 12, kernelSize: 1, strides: 1, padding: 'valid', amount: 0.9 },
  { size: [5, 7], inChannels: 6, filters: 9, kernelSize: 3, strides: 1, padding: 'same', amount: 0.8 },
  { size: [9, 6], inChannels: 5, filters: 7, kernelSize: 3, strides: 2, padding: 'same', amount: 0.95 },
  { size: [9, 8], inChannels: 3, filters: 4, kernelSize: 5, strides: 2, padding: 'valid', amount: 0.75 },
  { size: [6, 6], inChannels: 4, filters: 8, kernelSize: 1, strides: 2, padding: 'same', amount: 0.9 },
  { size: [3, 3], inChannels: 1, filters: 1, kernelSize: 3, strides: 1, padding: 'same', amount: 8 },
  {
    size: [2, 1],
    inChannels: 2,
    filters: 3,
    kernelSize: 3,
    strides: 1,
    padding: 'same',
    amount: 53,
    batch: 1,
  },
  // More than is cleared at a time.
  { size: [2, 2], inChannels: 128, filters: 140, kernelSize: 1, strides: 1, padding: 'same', amount: 0.9 },
  { size: [17, 13], inChannels: 10, filters: 18, kernelSize: 3, strides: 1, padding: 'same', amount: 0.7 },
];

const FULLY_PRUNED: Case = {
  size: [3, 3],
  inChannels: 2,
  filters: 3,
  kernelSize: 3,
  strides: 1,
  padding: 'same',
  amount: 54,
};

interface Outcome {
  readonly loss: Float32Array;
  readonly xGradient: Float32Array;
  readonly filterGradient: Float32Array;
  readonly biasGradient: Float32Array;
  /** None where the layer is not pruned. */
  readonly mask: Float32Array | undefined;
  /** Whether the filter's gradient was computed only where it is not pruned. */
  readonly isSparse: boolean;
}

/** A pruned layer on the active backend; `run` differentiates the mean of the squares of its outputs. */
function prunedLayer(given: Case): {
  layer: tf.layers.Layer;
  filter: tf.Variable;
  run(): Outcome;
  dispose(): void;
} {
  const layer = tf.layers.conv2d({
    inputShape: [...given.size, given.inChannels],
    filters: given.filters,
    kernelSize: given.kernelSize,
    strides: given.strides,
    padding: given.padding,
    kernelInitializer: tf.initializers.randomNormal({ seed: 1, mean: 0, stddev: 1 }),
    biasInitializer: tf.initializers.randomNormal({ seed: 2, mean: 0, stddev: 1 }),
  });
  const model = tf.sequential({ layers: [layer] });
  prune.manualSeed(3);
  prune.randomUnstructured(layer, 'kernel', given.amount);
  const x = tf.randomNormal([given.batch ?? 3, ...given.size, given.inChannels], 0, 1, 'float32', 4);
  const [filter, bias] = model.trainableWeights.map((weight) => variableOf(weight));
  const run = (): Outcome =>
    tf.tidy(() => {
      const input = tf.variable(x);
      const loss = (): tf.Scalar => (model.apply(input, { training: true }) as tf.Tensor).square().mean(); // one output
      const { value, grads } = tf.variableGrads(loss, [input, filter!, bias!]);
      input.dispose();
      const data = prunedDataOf(filter!.dataId);
      const read = (tensor: tf.Tensor | undefined): Float32Array => Float32Array.from(tensor!.dataSync());
      return {
        loss: read(value),
        xGradient: read(grads[input.name]),
        filterGradient: read(grads[filter!.name]),
        biasGradient: read(grads[bias!.name]),
        mask: prune.isPruned(layer) ? read(prune.parameter(layer, 'kernel_mask')) : undefined,
        isSparse: data !== undefined && isMaskedGradient(grads[filter!.name]!.dataId, data.mask),
      };
    });
  return {
    layer,
    filter: filter!,
    run,
    dispose: () => {
      model.dispose();
      x.dispose();
    },
  };
}

/** The variable behind a layer's weight. */
function variableOf(weight: tf.LayerVariable): tf.Variable {
  return Reflect.get(weight, 'val') as tf.Variable; // tfjs keeps it there
}

function expectEqual(actual: Outcome, expected: Outcome): void {
  for (const part of ['loss', 'xGradient', 'filterGradient', 'biasGradient'] as const) {
    const atol = 1e-5 * expected[part].reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
    expect(actual[part], part).toBeAllClose(expected[part], { rtol: 1e-4, atol });
  }
  expect(actual.mask).toEqual(expected.mask);
  for (const [i, bit] of (actual.mask ?? []).entries())
    if (bit === 0) expect(Math.abs(actual.filterGradient[i]!)).toBe(0);
}

describe('training with a pruned filter', () => {
  for (const given of [...CASES, FULLY_PRUNED]) {
    describe(JSON.stringify(given), () => {
      let expected: Outcome;
      beforeAll(async () => {
        await useBackend('cpu');
        const { run, dispose } = prunedLayer(given);
        expected = run();
        dispose();
        await useBackend('wasm');
        registerTrainingKernels();
      });

      it("has the cpu backend's gradients, and zeros where it is pruned", () => {
        const { run, dispose } = prunedLayer(given);
        run(); // makes the mask's tensor and the places of what is left, which are kept
        const actual = expectNoLeak(run);
        expectEqual(actual, expected);
        expect(actual.isSparse).toBe(true);
        dispose();
      });
    });
  }
});

describe('a mask that changes', () => {
  const given: Case = { ...CASES[1]!, amount: 0.8 };
  /** Gradients pruned, pruned more, and no longer pruned. */
  function outcomes(): { outcomes: Outcome[]; freed: boolean[] } {
    const { layer, filter, run, dispose } = prunedLayer(given);
    const outcomes = [run()];
    const first = prunedDataOf(filter.dataId);
    prune.randomUnstructured(layer, 'kernel', 0.5);
    outcomes.push(run());
    const second = prunedDataOf(filter.dataId);
    prune.remove(layer, 'kernel');
    outcomes.push(run());
    const freed = [first, second].map((data) => data?.derived === undefined);
    dispose();
    return { outcomes, freed };
  }

  it('is followed, and what was made of the old one is freed', async () => {
    await useBackend('cpu');
    const expected = outcomes();
    await useBackend('wasm');
    registerTrainingKernels();
    outcomes();
    const actual = expectNoLeak(outcomes);
    for (const [i, outcome] of actual.outcomes.entries()) expectEqual(outcome, expected.outcomes[i]!);
    expect(actual.outcomes.map(({ isSparse }) => isSparse)).toEqual([true, true, false]);
    expect(actual.freed).toEqual([true, true]);
  });
});

describe('a filter that is hardly pruned', () => {
  it('is multiplied as a whole, its gradient masked afterwards', async () => {
    const given: Case = { ...CASES[1]!, amount: 0.3 };
    await useBackend('cpu');
    const expected = prunedLayer(given);
    const outcome = expected.run();
    expected.dispose();
    await useBackend('wasm');
    registerTrainingKernels();
    const { run, dispose } = prunedLayer(given);
    const actual = run();
    expectEqual(actual, outcome);
    expect(actual.isSparse).toBe(false);
    dispose();
  });
});
