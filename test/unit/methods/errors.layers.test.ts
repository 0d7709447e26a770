import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, linear } from '../../support/layers';
import { expectRefused, type Parameter } from '../../support/trace';

// Layers that cannot be pruned.

type Call = (layer: never) => unknown;

const calls: [string, Call][] = [
  ['identity', (layer) => prune.identity(layer, 'weight')],
  ['randomUnstructured', (layer) => prune.randomUnstructured(layer, 'weight', 1)],
  ['l1Unstructured', (layer) => prune.l1Unstructured(layer, 'weight', 1)],
  ['randomStructured', (layer) => prune.randomStructured(layer, 'weight', 1, 0)],
  ['lnStructured', (layer) => prune.lnStructured(layer, 'weight', 1, 2, 0)],
  ['customFromMask', (layer) => prune.customFromMask(layer, 'weight', [[1]])],
  ['remove', (layer) => prune.remove(layer, 'weight')],
  ['revert', (layer) => prune.revert(layer, 'weight')],
  ['parameter', (layer) => prune.parameter(layer, 'weight')],
  ['Identity.apply', (layer) => prune.Identity.apply(layer, 'weight')],
  [
    'globalUnstructured',
    (layer) => prune.globalUnstructured([[layer, 'weight']], prune.L1Unstructured, { amount: 1 }),
  ],
];

function refusal(call: () => unknown, kind: prune.PruneErrorKind): prune.PruneError {
  return expectRefused([], call, kind);
}

describe.each(calls)('%s', (_, call) => {
  it.each([
    ['null', null],
    ['undefined', undefined],
    ['a string', 'conv1'],
    ['a number', 5],
  ])('refuses %s as a layer', (_, value) => {
    refusal(() => call(value as never), 'argument');
  });

  it('refuses a model and says to name one of its layers', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })], name: 'whole' });
    const error = refusal(() => call(model as never), 'argument');
    expect(error.message).toMatch(/model/);
    expect(error.message).toMatch(/whole/);
    expect(prune.isPruned(model)).toBe(false);
  });

  it('refuses a layer without weights', () => {
    const flatten = tf.layers.flatten();
    flatten.apply(tf.zeros([1, 2, 2]));
    refusal(() => call(flatten as never), 'parameter');
  });

  it('refuses a layer that is not built and says so', () => {
    const layer = tf.layers.dense({ units: 2, name: 'unbuilt_one' });
    const error = refusal(() => call(layer as never), 'state');
    expect(error.message).toMatch(/unbuilt_one/);
    expect(error.message).toMatch(/built/);
  });

  it('refuses a layer of a disposed model', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    const layer = model.layers[0]!;
    model.dispose();
    const error = refusal(() => call(layer as never), 'state');
    expect(error.message).toMatch(/disposed/);
  });

  it('refuses a layer of a model that was pruned, then disposed', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    const layer = model.layers[0]!;
    prune.l1Unstructured(layer, 'weight', 1);
    model.dispose();
    refusal(() => call(layer as never), 'state');
  });
});

describe('parameters that are not there', () => {
  it('a bias that the layer was made without', () => {
    const layer = linear([[1, 2]]);
    expectRefused(
      [[layer, 'weight']],
      () => prune.l1Unstructured(layer, 'bias', 1),
      'parameter',
      'bias',
      /weight/,
    );
    expectRefused([[layer, 'weight']], () => prune.parameter(layer, 'bias'), 'parameter');
  });

  it.each(['running_mean', 'movingMean', 'running_var', 'movingVariance'])(
    '%s, which nothing trains',
    (name) => {
      const layer = built(tf.layers.batchNormalization({}), [4]);
      const parameters: Parameter[] = [[layer, 'weight']];
      expectRefused(parameters, () => prune.l1Unstructured(layer, name, 1), 'parameter', name);
      expectRefused(parameters, () => prune.customFromMask(layer, name, [0, 1, 1, 1]), 'parameter');
      const tensor = prune.parameter(layer, name);
      expect(tensor.shape).toEqual([4]);
      tensor.dispose();
    },
  );

  it('an undefined name of a layer that PyTorch has no names for', () => {
    const layer = built(tf.layers.separableConv2d({ filters: 2, kernelSize: 2 }), [4, 4, 2]);
    const parameters: Parameter[] = [[layer, 'depthwiseKernel']];
    expectRefused(parameters, () => prune.l1Unstructured(layer, undefined as never, 1), 'parameter');
    expectRefused(parameters, () => prune.l1Unstructured(layer, 'weight', 1), 'parameter', 'depthwiseKernel');
  });

  it('remove and revert of what is not pruned', () => {
    const layer = linear([[1, 2]], [3]);
    prune.l1Unstructured(layer, 'bias', 1);
    for (const call of [prune.remove, prune.revert]) {
      expectRefused(
        [
          [layer, 'weight'],
          [layer, 'bias'],
        ],
        () => call(layer, 'weight'),
        'state',
        'weight',
      );
    }
    prune.remove(layer, 'bias');
    expectRefused([[layer, 'bias']], () => prune.remove(layer, 'bias'), 'state', 'bias');
  });
});

describe('isPruned, parameters, restoreMasks and sparsity', () => {
  it.each([null, undefined, 'model', 5])('refuse %s', (value) => {
    for (const call of [prune.isPruned, prune.parameters, prune.restoreMasks, prune.sparsity] as Call[]) {
      refusal(() => call(value as never), 'argument');
    }
  });
});
