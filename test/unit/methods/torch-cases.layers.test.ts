import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, flat, linear, outputOf, read, shapeOf, zeros } from '../../support/layers';
import { expectRefused, thrownWithoutTrace } from '../../support/trace';

// The cases of PyTorch's own tests about one layer; the numbers are those of the list in the tests' documentation.

const matrix17 = [
  [1, 2, 3, 4],
  [-4, -3, -2, -1],
];
const scores18 = [
  [4, 2, 1, 3],
  [-3, -1, -2, -4],
];

const subjects: [string, string, () => tf.layers.Layer, tf.Tensor][] = ['weight', 'bias'].flatMap(
  (name): [string, string, () => tf.layers.Layer, tf.Tensor][] => [
    ['Linear 5×7', name, () => built(tf.layers.dense({ units: 7 }), [5]), tf.randomUniform([3, 5], -1, 1)],
    [
      'Conv3d',
      name,
      () => built(tf.layers.conv3d({ filters: 2, kernelSize: 2 }), [3, 3, 3, 2]),
      tf.randomUniform([2, 3, 3, 3, 2], -1, 1),
    ],
  ],
);

describe.each(subjects)('a %s, its %s', (_, name, make, input) => {
  it('4. mask, orig and weight keep the shape of the parameter', () => {
    const layer = make();
    const shape = shapeOf(layer, name);
    expect(prune.randomUnstructured(layer, name, 0.1)).toBe(layer);
    for (const part of ['', '_orig', '_mask']) expect(shapeOf(layer, name + part)).toEqual(shape);
  });

  it('5. orig has the original values', () => {
    const layer = make();
    const original = flat(layer, name);
    prune.randomUnstructured(layer, name, 0.4);
    expect(flat(layer, `${name}_orig`)).toEqual(original);
  });

  it('6. weight = orig × mask', () => {
    const layer = make();
    prune.randomUnstructured(layer, name, 0.4);
    const mask = flat(layer, `${name}_mask`);
    expect(mask.filter((bit) => bit === 0)).not.toHaveLength(0);
    // + 0 because −1 × 0 is −0 in PyTorch and 0 here
    const product = flat(layer, `${name}_orig`).map((value, i) => value * mask[i]! + 0);
    expect(flat(layer, name)).toEqual(product);
  });

  it('7. identity changes neither outputs nor gradients', () => {
    const layer = make();
    const gradients = (): Record<string, Float32Array> =>
      tf.tidy(() => {
        const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
        const { grads } = tf.variableGrads(
          () => tf.sum(tf.square(layer.apply(input) as tf.Tensor)) as tf.Scalar,
          variables,
        );
        return Object.fromEntries(
          Object.entries(grads).map(([key, grad]) => [key, grad.dataSync() as Float32Array]),
        );
      });
    const before = { output: outputOf(layer, input), gradients: gradients() };
    prune.identity(layer, name);
    expect(prune.isPruned(layer)).toBe(true);
    expect({ output: outputOf(layer, input), gradients: gradients() }).toEqual(before);
  });

  it('8. pruning 0 % at random changes nothing; the mask is all ones', () => {
    const layer = make();
    const before = outputOf(layer, input);
    prune.randomUnstructured(layer, name, 0);
    expect(outputOf(layer, input)).toEqual(before);
    expect(new Set(flat(layer, `${name}_mask`))).toEqual(new Set([1]));
  });

  it('11. remove changes no output', () => {
    const layer = make();
    prune.randomUnstructured(layer, name, 0.4);
    const before = outputOf(layer, input);
    prune.remove(layer, name);
    expect(outputOf(layer, input)).toEqual(before);
  });

  it('12. the parameter object survives prune and remove', () => {
    const layer = make();
    const [weights, trainable] = [[...layer.weights], [...layer.trainableWeights]];
    const same = () => {
      expect(layer.weights).toHaveLength(weights.length);
      for (const [i, weight] of weights.entries()) expect(layer.weights[i]).toBe(weight);
      for (const [i, weight] of trainable.entries()) expect(layer.trainableWeights[i]).toBe(weight);
    };
    prune.randomUnstructured(layer, name, 0.4);
    same();
    prune.remove(layer, name);
    same();
  });

  it('23. remove restores the names, with the pruned values', () => {
    const layer = make();
    prune.randomUnstructured(layer, name, 0.5);
    const pruned = flat(layer, name);
    expect(prune.remove(layer, name)).toBe(layer);
    expect(flat(layer, name)).toEqual(pruned);
    expect(prune.isPruned(layer)).toBe(false);
    expect(prune.methodOf(layer, name)).toBeUndefined();
    expectRefused([[layer, name]], () => prune.parameter(layer, `${name}_orig`), 'parameter');
    expectRefused([[layer, name]], () => prune.parameter(layer, `${name}_mask`), 'parameter');
  });

  it('24. remove of what is not pruned is an error', () => {
    const layer = make();
    expectRefused([[layer, name]], () => prune.remove(layer, name), 'state', name, /prun/);
  });
});

describe('iterated pruning', () => {
  it('14. L1, then Ln: a container of both in order, old zeros stay, the name is right after a third', () => {
    const layer = built(tf.layers.conv3d({ filters: 3, kernelSize: 2 }), [3, 3, 3, 2]);
    prune.l1Unstructured(layer, 'weight', 0.3);
    const first = flat(layer, 'weight_mask');
    expect(prune.methodOf(layer, 'weight')).toBeInstanceOf(prune.L1Unstructured);

    prune.lnStructured(layer, 'weight', 0.3, 2, 1);
    const method = prune.methodOf(layer, 'weight');
    if (!(method instanceof prune.PruningContainer)) throw new Error('expected a container');
    expect(method).toHaveLength(2);
    expect(method.at(0)).toBeInstanceOf(prune.L1Unstructured);
    expect(method.at(1)).toBeInstanceOf(prune.LnStructured);
    const second = flat(layer, 'weight_mask');
    expect(first.every((bit, i) => bit >= second[i]!)).toBe(true);
    expect(second).not.toEqual(first);

    prune.randomUnstructured(layer, 'weight', 0.1);
    const third = prune.methodOf(layer, 'weight');
    if (!(third instanceof prune.PruningContainer)) throw new Error('expected a container');
    expect(third).toHaveLength(3);
    expect(third.tensorName).toBe('weight');
    for (const link of third) expect(link.tensorName).toBe('weight');
  });

  it('a fraction counts what remains', () => {
    const layer = built(tf.layers.dense({ units: 10 }), [10]);
    for (const expected of [50, 75, 87]) {
      prune.l1Unstructured(layer, 'weight', 0.5);
      expect(zeros(layer, 'weight')).toBe(expected);
    }
    const channels = built(tf.layers.dense({ units: 8 }), [3]);
    for (const expected of [4, 6, 7, 7]) {
      prune.lnStructured(channels, 'weight', 0.5, 2, 0);
      expect(zeros(channels, 'weight')).toBe(3 * expected);
    }
  });

  it('17. L1 prunes the smallest magnitudes that are left', () => {
    const layer = linear(matrix17);
    prune.l1Unstructured(layer, 'weight', 2);
    expect(read(layer, 'weight')).toEqual([
      [0, 2, 3, 4],
      [-4, -3, -2, 0],
    ]);
    prune.l1Unstructured(layer, 'weight', 2);
    expect(read(layer, 'weight')).toEqual([
      [0, 0, 3, 4],
      [-4, -3, 0, 0],
    ]);
  });

  it('18. L1 follows importance scores', () => {
    const layer = linear(matrix17);
    const importanceScores = tf.tensor2d(scores18);
    prune.l1Unstructured(layer, 'weight', 2, { importanceScores });
    expect(read(layer, 'weight')).toEqual([
      [1, 2, 0, 4],
      [-4, 0, -2, -1],
    ]);
    prune.l1Unstructured(layer, 'weight', 2, { importanceScores });
    expect(read(layer, 'weight')).toEqual([
      [1, 0, 0, 4],
      [-4, 0, 0, -1],
    ]);
  });
});

describe('custom methods', () => {
  it('28. a computeMask that throws leaves no trace', () => {
    class Broken extends prune.BasePruningMethod {
      override computeMask(): tf.Tensor {
        throw new Error('a broken method');
      }
    }
    const layer = linear(matrix17, [1, 2]);
    for (const name of ['weight', 'bias']) {
      const error = thrownWithoutTrace([[layer, name]], () => Broken.apply(layer, name));
      expect(String(error)).toMatch(/a broken method/);
      expect(prune.isPruned(layer)).toBe(false);
    }
  });
});
