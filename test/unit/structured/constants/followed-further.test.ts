import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fingerprint } from '../../../../src/structured/constants/fingerprint';
import { useBackend } from '../../../support/backend';
import { call, expectEqualOutputs, outputsOf, randomize } from '../../sparse/fold-models';
import { expectKept, first, firstImage, modelOf, out, setKernel, withBias, zeroIn } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;
// tfjs takes null for a size that is open, which its types do not have.
const open = null as unknown as number;

describe('what tfjs computes in another way than it says is not followed', () => {
  it('a SeparableConv2D where channels are first, whose bias is along another axis', () => {
    const made = (useBias: boolean): tf.LayersModel => {
      const model = modelOf([
        firstImage(),
        L.separableConv2d({ filters: 3, kernelSize: 2, name: 'b', dataFormat: first, useBias }),
        L.conv2d({ filters: 3, kernelSize: 1, name: 'c', dataFormat: first, activation: 'sigmoid' }),
        L.flatten(),
        out(),
      ]);
      tf.tidy(() => {
        const [depthwise, pointwise, ...rest] = model.getLayer('b').getWeights();
        const keep = tf.tensor([1, 0, 1], [1, 1, 1, 3]);
        model.getLayer('b').setWeights([depthwise!, pointwise!.mul(keep), ...rest]);
        // Output 1 of c reads nothing but output 1 of b, which has zeros for a kernel.
        const apart = tf.tensor([1, 0, 1, 1, 1, 1, 1, 0, 1], [1, 1, 3, 3]);
        const [kernel, bias] = model.getLayer('c').getWeights();
        model.getLayer('c').setWeights([kernel!.mul(apart), bias!]);
      });
      return model;
    };
    const removedOf = (useBias: boolean): readonly number[] =>
      planFromMasks(made(useBias)).groups.find(({ id }) => id === 'c')!.remove;
    expect(removedOf(false)).toEqual([1]);
    expect(removedOf(true)).toEqual([]);
  });

  it('a Conv1D where channels are first, which gives them last', () => {
    const model = modelOf([
      L.conv1d({ filters: 3, kernelSize: 1, name: 'b', dataFormat: first, inputShape: [4, 5] }),
      L.flatten(),
      L.dense({ units: 4, name: 'c' }),
      out(),
    ]);
    const kernel = model.getLayer('b').getWeights()[0]!;
    setKernel(model, 'b', () => tf.zerosLike(kernel));
    expect(planFromMasks(model).groups.find(({ id }) => id === 'c')!.remove).toEqual([]);
  });
});

it('of several reasons that a channel stays for, the one is named that says it is not constant', () => {
  const input = tf.input({ shape: [4, 5, 3] });
  const [a, b] = ['a', 'b'].map((name) => call(L.conv2d({ filters: 4, kernelSize: 1, name }), input));
  const other = () => call(L.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, name: 'other' }), a!);
  const joined = () =>
    call(L.conv2d({ filters: 2, kernelSize: 1, name: 'reads' }), call(L.add({ name: 'join' }), [a!, b!]));
  const lost = "'a' has zeros for them, but 'join' puts them together with what depends on the input";
  for (const both of [
    [other(), joined()],
    [joined(), other()],
  ]) {
    const flat = both.map((each) => call(L.flatten(), each));
    const outputs = call(out(), call(L.concatenate(), flat));
    expectKept(withBias(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)), 0.8), lost);
  }
});

it('a state that is given goes to the direction that it is given to', () => {
  const input = tf.input({ shape: [5, 3] });
  const start = call(L.globalAveragePooling1d(), input);
  const states = ['f', 'g'].map((name) => call(L.dense({ units: 4, name }), start));
  // tfjs's types do not know states after the input, nor that this is an RNN.
  const layer = L.simpleRNN({ units: 4 }) as tf.RNN;
  const both = L.bidirectional({ layer, mergeMode: 'concat', name: 'b' });
  const read = both.apply([input, ...states]) as tf.SymbolicTensor;
  const model = randomize(tf.model({ inputs: input, outputs: call(out(), read) }), 3);
  tf.tidy(() => {
    const keep = tf.tensor2d([[1, 0, 1, 1]]);
    // Unit 1 reads nothing but itself, and no other reads it.
    const apart = tf.tensor2d([1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1], [4, 4]);
    for (const name of ['f', 'g', 'b']) {
      const weights = model.getLayer(name).getWeights();
      model
        .getLayer(name)
        .setWeights(weights.map((each, i) => (each.rank < 2 ? each : each.mul(i % 3 === 1 ? apart : keep))));
    }
  });
  const plan = planFromMasks(model);
  expect(plan.groups.find(({ id }) => id === 'f')!.remove).toEqual([1]);
  expect(plan.shifts.map((shift) => shift.layer)).toEqual(['out']);
  expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
});

it('each step of each sequence within another has its own constants', () => {
  const layers = [
    L.gru({ units: 3, name: 'a', returnSequences: true, inputShape: [6, 2] }),
    L.reshape({ targetShape: [2, 3, 3] }),
  ];
  const inner = tf.sequential({
    layers: [L.dense({ units: 3, name: 'b', inputShape: [3], activation: 'tanh' })],
  });
  const outer = tf.sequential({
    layers: [L.timeDistributed({ layer: inner, name: 'inner', inputShape: [3, 3] })],
  });
  const model = modelOf([...layers, L.timeDistributed({ layer: outer, name: 'outer' }), L.flatten(), out()]);
  tf.tidy(() => {
    // Unit 1 of both reads nothing but itself or unit 1, and no other reads it.
    const apart = tf.tensor2d([1, 0, 1, 0, 1, 0, 1, 0, 1], [3, 3]);
    const [kernel, recurrent, bias] = model.getLayer('a').getWeights();
    const keep = tf.tensor2d([1, 0, 1, 1, 0, 1, 1, 0, 1], [1, 9]);
    const three = tf.concat([apart, apart, apart], 1);
    model.getLayer('a').setWeights([kernel!.mul(keep), recurrent!.mul(three), bias!]);
    const [own, ...rest] = inner.layers[0]!.getWeights();
    inner.layers[0]!.setWeights([own!.mul(apart), ...rest]);
  });
  const plan = planFromMasks(model);
  expect(plan.groups.find(({ id }) => id.endsWith('b'))!.remove).toEqual([1]);
  expect(plan.shifts.map(({ layer }) => layer)).toContain('out');
  expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
});

it('a mean of what is alike is that, whatever rounding makes of their sum', () => {
  // Means over windows of 16 to 49 values of more digits than a weight has.
  const layers = [
    L.conv2d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [open, open, 3] }),
    L.batchNormalization(),
    L.averagePooling2d({ poolSize: 7, strides: 1, padding: 'same' }),
    L.conv2d({ filters: 2, kernelSize: 1, name: 'b' }),
    L.globalAveragePooling2d({}),
  ];
  const model = withBias(zeroIn(modelOf([...layers, out()])), 0.8);
  const plan = planFromMasks(model, { inputShapes: [[9, 9, 3]] });
  expect(plan.groups[0]!.remove).toEqual([1]);
  expect(plan.shifts.map(({ layer }) => layer)).toEqual(['b']);
});

it('what padding continues is for the weights that it comes from, also in a row', () => {
  const input = tf.input({ shape: [open, open, 3] });
  const a = call(L.conv2d({ filters: 4, kernelSize: 1, name: 'a' }), input);
  const padded = call(L.zeroPadding2d({ padding: 1, name: 'pads' }), a);
  const row = call(L.concatenate(), [padded, call(L.activation({ activation: 'tanh' }), padded)]);
  const outputs = call(out(), call(L.globalAveragePooling2d({}), row));
  const model = withBias(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)), 0.8);
  const { shifts } = planFromMasks(model, { inputShapes: [[4, 5, 3]], inexact: true });
  expect(shifts.map(({ weights }) => Object.keys(weights).sort())).toEqual([
    ['a:bias', 'a:kernel', 'out:kernel'],
  ]);
});

it('a fingerprint is two hashes that differ', () => {
  for (const values of [[0], [1, 2, 3], [Number.NaN, -0]]) {
    const variable = tf.variable(tf.tensor1d(values));
    const made = fingerprint(variable);
    expect(made).toMatch(/^[0-9a-f]{16}$/);
    expect(made.slice(0, 8)).not.toBe(made.slice(8));
  }
});
