import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { expect, it } from 'vitest';
import { fillWeights, flat, outputOf, shapeOf, zeros } from '../../support/layers';

// PyTorch's pruning tutorial, step by step, on its LeNet.

class FooBar extends prune.BasePruningMethod {
  override readonly pruningType = 'unstructured';
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    const everyOther = tf.reshape(tf.mod(tf.range(0, t.size), 2), t.shape);
    return tf.mul(defaultMask, everyOther);
  }
}

function leNet(): {
  model: tf.Sequential;
  conv1: tf.layers.Layer;
  conv2: tf.layers.Layer;
  fc3: tf.layers.Layer;
} {
  const conv1 = tf.layers.conv2d({ filters: 6, kernelSize: 5, inputShape: [32, 32, 1], activation: 'relu' });
  const conv2 = tf.layers.conv2d({ filters: 16, kernelSize: 5, activation: 'relu' });
  const fc3 = tf.layers.dense({ units: 10 });
  const model = tf.sequential({
    layers: [
      conv1,
      tf.layers.maxPooling2d({ poolSize: 2 }),
      conv2,
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 120, activation: 'relu' }),
      tf.layers.dense({ units: 84, activation: 'relu' }),
      fc3,
    ],
  });
  fillWeights(model);
  return { model, conv1, conv2, fc3 };
}

/** The share of zeros of each parameter and of all, from counting. */
function report(parameters: readonly (readonly [object, string])[]): { each: number[]; all: number } {
  const counts = parameters.map(([layer, name]) => [zeros(layer, name), flat(layer, name).length] as const);
  const sum = (of: 0 | 1): number => counts.reduce((total, count) => total + count[of], 0);
  return { each: counts.map(([zero, size]) => zero / size), all: sum(0) / sum(1) };
}

it("the steps of PyTorch's pruning tutorial", () => {
  const { model, conv1, conv2, fc3 } = leNet();
  const input = tf.randomUniform([2, 32, 32, 1]);

  // inspect
  expect(shapeOf(conv1, 'weight')).toEqual([6, 1, 5, 5]);
  expect(shapeOf(conv1, 'bias')).toEqual([6]);
  expect(prune.isPruned(model)).toBe(false);
  const original = flat(conv1, 'weight');

  // random_unstructured(module, name="weight", amount=0.3): 0.3 × 150 = 45
  expect(prune.randomUnstructured(conv1, 'weight', 0.3)).toBe(conv1);
  expect(flat(conv1, 'weight_orig')).toEqual(original);
  expect(zeros(conv1, 'weight_mask')).toBe(45);
  expect(zeros(conv1, 'weight')).toBe(45);
  expect(prune.methodOf(conv1, 'weight')).toBeInstanceOf(prune.RandomUnstructured);

  // l1_unstructured(module, name="bias", amount=3)
  prune.l1Unstructured(conv1, 'bias', 3);
  expect(zeros(conv1, 'bias')).toBe(3);
  const magnitudes = flat(conv1, 'bias_orig').map(Math.abs);
  const smallest = [...magnitudes].sort((a, b) => a - b).slice(0, 3);
  expect(flat(conv1, 'bias_mask')).toEqual(magnitudes.map((m) => (smallest.includes(m) ? 0 : 1)));

  // ln_structured(module, name="weight", amount=0.5, n=2, dim=0): three of six channels, on top
  const before = flat(conv1, 'weight_mask');
  prune.lnStructured(conv1, 'weight', 0.5, 2, 0);
  const after = flat(conv1, 'weight_mask');
  const channels = Array.from({ length: 6 }, (_, c) => after.slice(c * 25, c * 25 + 25));
  const gone = channels.map((channel) => channel.every((bit) => bit === 0));
  expect(gone.filter(Boolean)).toHaveLength(3);
  expect(after).toEqual(before.map((bit, i) => (gone[Math.floor(i / 25)] ? 0 : bit)));

  // the history of the container
  const container = prune.methodOf(conv1, 'weight');
  if (!(container instanceof prune.PruningContainer)) throw new Error('expected a container');
  expect([...container].map((method) => method.constructor)).toEqual([
    prune.RandomUnstructured,
    prune.LnStructured,
  ]);

  // the state: orig and mask of both parameters of conv1
  for (const part of ['weight_orig', 'weight_mask', 'bias_orig', 'bias_mask']) {
    expect(() => prune.parameter(conv1, part).dispose()).not.toThrow();
  }

  // remove
  const pruned = flat(conv1, 'weight');
  const output = outputOf(model, input);
  prune.remove(conv1, 'weight');
  expect(flat(conv1, 'weight')).toEqual(pruned);
  expect(() => prune.parameter(conv1, 'weight_orig')).toThrow();
  expect(outputOf(model, input)).toEqual(output);
  expect(prune.isPruned(model)).toBe(true);
  prune.remove(conv1, 'bias');
  expect(prune.isPruned(model)).toBe(false);

  // several parameters, by type
  const { model: second, conv1: first, conv2: other, fc3: last } = leNet();
  for (const [layer, name] of prune.parameters(second, { types: ['Conv2D'] })) {
    prune.l1Unstructured(layer, name, 0.2);
  }
  for (const [layer, name] of prune.parameters(second, { types: ['Dense'] })) {
    prune.l1Unstructured(layer, name, 0.4);
  }
  expect(zeros(first, 'weight')).toBe(30);
  expect(zeros(other, 'weight')).toBe(480);
  expect(zeros(last, 'weight')).toBe(336);

  // global_unstructured(parameters_to_prune, pruning_method=prune.L1Unstructured, amount=0.2), with a report
  const { model: third } = leNet();
  const parameters = prune.parameters(third);
  expect(parameters.map(([, name]) => name)).toEqual(['weight', 'weight', 'weight', 'weight', 'weight']);
  prune.globalUnstructured(parameters, prune.L1Unstructured, { amount: 0.2 });
  const counted = report(parameters);
  expect(counted.all).toBeCloseTo(0.2, 4);
  expect(new Set(counted.each).size).toBeGreaterThan(1);
  expect(parameters.map(([layer, name]) => prune.sparsity(layer, name).sparsity)).toEqual(counted.each);
  expect(prune.sparsity(third).sparsity).toBe(counted.all);

  // a method of one's own
  const foobar = <L extends object>(layer: L, name: string): L => {
    FooBar.apply(layer, name);
    return layer;
  };
  expect(foobar(fc3, 'bias')).toBe(fc3);
  expect(flat(fc3, 'bias_mask')).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  expect(prune.isPruned(conv2)).toBe(false);
});
