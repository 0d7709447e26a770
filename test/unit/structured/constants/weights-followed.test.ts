import * as tf from '@tensorflow/tfjs';
import { type ChannelPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, randomize } from '../../sparse/fold-models';
import { image, modelOf, out, sequence, setKernel, withBias, zeroIn } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

/** The weights that what a layer takes over comes from. */
const weightsOf = ({ shifts }: ChannelPlan, layer: string): string[] =>
  Object.keys(shifts.find((shift) => shift.layer === layer)!.weights).sort();

const between = (a: tf.SymbolicTensor, name: string): tf.SymbolicTensor =>
  call(L.batchNormalization({ name }), a);

describe('what is taken over is for the weights that it comes from', () => {
  it('those of a depthwise convolution between', () => {
    const depthwise = L.depthwiseConv2d({ kernelSize: 2, name: 'b' });
    const plan = planFromMasks(withBias(zeroIn(modelOf([image(), depthwise, L.flatten(), out()])), 0.8));
    expect(weightsOf(plan, 'out')).toEqual([
      'a:bias',
      'a:kernel',
      'b:bias',
      'b:depthwiseKernel',
      'out:kernel',
    ]);
  });

  it('those of all that is in a row', () => {
    const input = tf.input({ shape: [3] });
    const a = call(L.dense({ units: 4, name: 'a' }), input);
    const row = call(L.concatenate(), [a, between(a, 'bn')]);
    const plan = planFromMasks(
      withBias(zeroIn(randomize(tf.model({ inputs: input, outputs: call(out(), row) }), 3)), 0.8),
    );
    expect(weightsOf(plan, 'out')).toEqual(
      ['a:bias', 'a:kernel', 'out:kernel']
        .concat(['beta', 'gamma', 'movingMean', 'movingVariance'].map((name) => `bn:${name}`))
        .sort(),
    );
  });

  it('those of a state that is given', () => {
    const input = tf.input({ shape: [5, 3] });
    const start = call(L.dense({ units: 4, name: 'h' }), call(L.globalAveragePooling1d(), input));
    // What tfjs's types do not know: a state after the input.
    const read = L.simpleRNN({ units: 4, name: 'a' }).apply([input, start]) as tf.SymbolicTensor;
    const model = randomize(tf.model({ inputs: input, outputs: call(out(), read) }), 3);
    const keep = tf.tidy(() => tf.tensor2d([[1, 0, 1, 1]]));
    tf.tidy(() => {
      const [kernel, ...rest] = model.getLayer('h').getWeights();
      model.getLayer('h').setWeights([kernel!.mul(keep), ...rest]);
      const [own, recurrent, bias] = model.getLayer('a').getWeights();
      // Unit 1 reads nothing but itself, and no other reads it.
      const apart = tf.tensor2d([1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1], [4, 4]);
      model.getLayer('a').setWeights([own!.mul(keep), recurrent!.mul(apart), bias!]);
    });
    keep.dispose();
    expect(weightsOf(planFromMasks(model), 'out')).toEqual(
      expect.arrayContaining(['h:bias', 'h:kernel', 'a:recurrentKernel']),
    );
  });

  it('not those of what a zero meets in a product', () => {
    const input = tf.input({ shape: [3] });
    const [a, b] = ['a', 'b'].map((name) => call(L.dense({ units: 4, name }), input));
    const join = call(L.multiply(), [a!, between(b!, 'bn')]);
    const half = call(L.activation({ activation: 'sigmoid' }), join);
    const model = randomize(tf.model({ inputs: input, outputs: call(out(), half) }), 3);
    expect(weightsOf(planFromMasks(withBias(zeroIn(model), 0)), 'out')).toEqual([
      'a:bias',
      'a:kernel',
      'out:kernel',
    ]);
  });
});

it('a constant is added to each step of a sequence', () => {
  const input = tf.input({ shape: [5, 3] });
  const a = call(sequence(), input);
  const b = call(L.dense({ units: 4, name: 'b' }), call(L.globalAveragePooling1d(), input));
  const model = randomize(tf.model({ inputs: input, outputs: call(out(), call(L.add(), [a, b])) }), 3);
  withBias(zeroIn(model), 0.8);
  const kernel = model.getLayer('b').getWeights()[0]!;
  setKernel(model, 'b', () => kernel.mul(tf.tensor2d([[1, 0, 1, 1]])));
  const { groups, shifts } = planFromMasks(model);
  expect(groups[0]!.remove).toEqual([1]);
  const [, bias] = model.getLayer('b').getWeights();
  const own = model.getLayer('out').getWeights()[0]!.arraySync() as number[][];
  const sum = 0.8 + bias!.arraySync()[1 as never];
  expect(shifts[0]!.values).toBeAllClose(own[1]!.map((weight) => weight * sum));
});
