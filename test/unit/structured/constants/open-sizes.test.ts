import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, expectEqualOutputs, randomize } from '../../sparse/fold-models';
import { outputsFor } from '../law/law';
import { middle, modelOf, out, setKernel, withBias, zeroIn } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;
// tfjs takes null for a size that is open, which its types do not have.
const open = null as unknown as number;

const image = () => L.conv2d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [open, open, 3] });
const steps = () => L.dense({ units: 4, name: 'a', inputShape: [open, 3] });
const pad = () => L.zeroPadding2d({ padding: 1, name: 'pads' });
const pool = () => L.globalAveragePooling2d({});

const netOf = (...layers: tf.layers.Layer[]): tf.LayersModel =>
  withBias(zeroIn(modelOf([...layers, out()])), 0.8);

/** Channel 1 of `a` goes, and outputs are equal for inputs of any size. */
function expectGone(
  model: tf.LayersModel,
  sizes: readonly number[][] = [
    [1, 1],
    [2, 5],
    [7, 4],
  ],
): void {
  const [first] = sizes;
  const plan = planFromMasks(model, { inputShapes: [[...first!, 3]] });
  expect(plan.groups.find(({ id }) => id === 'a')!.remove).toEqual([1]);
  expect(plan.shifts).not.toEqual([]);
  const { model: slim } = applyPlan(model, plan);
  for (const size of sizes) {
    const inputs = [tf.randomNormal([2, ...size, 3], 0, 1, 'float32', 3)];
    expectEqualOutputs(outputsFor(slim, inputs), outputsFor(model, inputs));
    tf.dispose(inputs);
  }
}

/** It stays for all sizes, as a plan for one of them says. */
function expectKept(model: tf.LayersModel, size: readonly number[], reason: string): void {
  const plan = planFromMasks(model, { inputShapes: [[...size, 3]] });
  const own = plan.groups.find(({ id }) => id === 'a')!;
  expect(own.remove).toEqual([]);
  expect(own.kept).toEqual([{ channels: [1], reason }]);
}

describe('where sizes are open a constant is taken over', () => {
  const cases: Record<string, () => tf.layers.Layer[]> = {
    'by the mean of it': () => [image(), pool()],
    'after pooling that pads': () => [
      image(),
      // A constant of more digits than a weight has, whose mean is rounded.
      L.batchNormalization(),
      L.averagePooling2d({ poolSize: 3, strides: 1, padding: 'same' }),
      L.maxPooling2d({ poolSize: 2, padding: 'same' }),
      pool(),
    ],
    'after upsampling': () => [
      image(),
      L.upSampling2d({ interpolation: 'bilinear' }),
      L.upSampling2d({}),
      pool(),
    ],
    'by a convolution without padding': () => [
      image(),
      L.upSampling2d({ size: [3, 3] }),
      L.conv2d({ filters: 2, kernelSize: 3, strides: 2 }),
      pool(),
    ],
  };
  for (const [name, make] of Object.entries(cases)) it(name, () => expectGone(netOf(...make())));

  it('by a convolution that pads, and after one, if all but the middle of its kernel is zero', () => {
    const conv = L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', strides: 2, name: 'b' });
    expectGone(setKernel(netOf(image(), conv, pool()), 'b', middle(4, 2)));
    const depthwise = L.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'b' });
    expectGone(setKernel(netOf(image(), depthwise, pool()), 'b', middle(4, 1)));
  });

  it('by a transposed convolution that adds the same everywhere', () => {
    const conv = L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, name: 'b' });
    expectGone(setKernel(netOf(image(), conv, pool()), 'b', () => tf.ones([2, 2, 2, 4])));
  });
});

/** Two constants one after the other, of which there are as many as inputs. */
function twice(a: tf.SymbolicTensor): tf.SymbolicTensor {
  return call(L.concatenate({ axis: 1 }), [a, call(L.activation({ activation: 'sigmoid' }), a)]);
}

/** Output 1 of b reads nothing but channel 1 of a. */
const second = () =>
  tf.randomNormal([4, 3], 0, 1, 'float32', 3).mul(
    tf.tensor2d([
      [1, 0, 1],
      [1, 1, 1],
      [1, 0, 1],
      [1, 0, 1],
    ]),
  );

describe('where sizes are open a constant that is one at some places and another at others', () => {
  const made = (read: (b: tf.SymbolicTensor) => tf.SymbolicTensor): tf.LayersModel => {
    const input = tf.input({ shape: [open, 3] });
    const b = call(L.dense({ units: 3, name: 'b' }), twice(call(L.dense({ units: 4, name: 'a' }), input)));
    const model = randomize(tf.model({ inputs: input, outputs: call(out(), read(b)) }), 3);
    return setKernel(withBias(zeroIn(model), 0.8), 'b', second);
  };

  it('is read by its maximum', () => {
    const model = made((b) => call(L.globalMaxPooling1d(), b));
    const plan = planFromMasks(model, { inputShapes: [[5, 3]] });
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[], [1], []]);
    const { model: slim } = applyPlan(model, plan);
    for (const steps of [1, 3]) {
      const inputs = [tf.randomNormal([2, steps, 3], 0, 1, 'float32', 3)];
      expectEqualOutputs(outputsFor(slim, inputs), outputsFor(model, inputs));
    }
  });

  it('is not read by its mean', () => {
    const model = made((b) => call(L.globalAveragePooling1d(), b));
    const plan = planFromMasks(model, { inputShapes: [[5, 3]] });
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[], [], []]);
  });

  it('is not followed where some of it is cut off, which is all of one at the size that is said', () => {
    const input = tf.input({ shape: [open, 4, 3] });
    const both = twice(call(L.conv2d({ filters: 4, kernelSize: 1, name: 'a' }), input));
    const cut = call(
      L.cropping2D({
        cropping: [
          [1, 0],
          [0, 0],
        ],
        name: 'cut',
      }),
      both,
    );
    const outputs = call(out(), call(pool(), cut));
    const model = withBias(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)), 0.8);
    const changed = "'cut' makes something else of them at borders, and the model leaves sizes open";
    expectKept(model, [1, 4], `'a' has zeros for them, but ${changed}`);
  });
});

describe('where sizes are open a constant stays', () => {
  it('where a crop takes others of several for each size', () => {
    const input = tf.input({ shape: [open, 4, 3] });
    const a = call(L.conv2d({ filters: 4, kernelSize: 1, name: 'a' }), input);
    const b = call(L.activation({ activation: 'sigmoid' }), a);
    const three = call(L.concatenate({ axis: 1 }), [a, b, b]);
    const crop = call(L.centerCrop({ height: 2, width: 4, name: 'crop' }), three);
    const outputs = call(out(), call(L.flatten(), crop));
    const model = withBias(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)), 0.8);
    const changed = "'crop' makes something else of them at borders, and the model leaves sizes open";
    expectKept(model, [1, 4], `'a' has zeros for them, but ${changed}`);
  });

  it('where a transposed convolution adds the same at all positions of the size that is said', () => {
    const conv = L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 1, name: 'b' });
    const other = "'b' adds another sum of its kernel at other positions, so no bias can take them over";
    const model = setKernel(netOf(image(), conv, pool()), 'b', () => tf.ones([2, 2, 2, 4]));
    expectKept(model, [1, 1], other);
  });

  it('where the maximum is read of what a separable convolution makes that pads', () => {
    const separable = L.separableConv2d({ filters: 3, kernelSize: 3, padding: 'same', name: 'b' });
    const model = netOf(image(), separable, L.globalMaxPooling2d({}));
    tf.tidy(() => {
      const [depthwise, pointwise, bias] = model.getLayer('b').getWeights();
      model.getLayer('b').setWeights([depthwise!, second().reshape(pointwise!.shape), bias!]);
    });
    const plan = planFromMasks(model, { inputShapes: [[9, 9, 3]] });
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[], [], []]);
  });

  it('and a plan that takes it over all the same is for the weights that it comes from', () => {
    const model = netOf(image(), pad(), pool());
    const plan = planFromMasks(model, { inputShapes: [[4, 5, 3]], inexact: true });
    expect(Object.keys(plan.shifts[0]!.weights)).toEqual(
      expect.arrayContaining(['a:kernel', 'a:bias', 'out:kernel']),
    );
    withBias(model, 0.9);
    expect(() => applyPlan(model, plan)).toThrow(expect.objectContaining({ kind: 'state' }));
  });

  const changed = (path: string): string =>
    `'a' has zeros for them, but '${path}' makes something else of them at borders, and the model leaves sizes open`;
  const padded = (by: string, path: string): string =>
    `'${by}' pads them, so that ${by === path ? 'it' : `'${path}'`} does not read a constant at the borders`;

  it('where a mean takes zeros in, whose share depends on the size', () => {
    const model = netOf(image(), pad(), pool());
    expectKept(model, [4, 5], padded('pads', 'out'));
    const inexact = planFromMasks(model, { inputShapes: [[4, 5, 3]], inexact: true });
    expect(inexact.groups[0]!.remove).toEqual([1]);
    expect(inexact.groups[0]!.reason).toContain("'pads' pads them");
  });

  it('where a convolution pads, also for a size at which it meets nothing but its middle', () => {
    const conv = L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' });
    expectKept(netOf(image(), conv, pool()), [1, 1], padded('b', 'b'));
    const strided = L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', strides: 4, name: 'b' });
    expectKept(netOf(image(), strided, pool()), [3, 3], padded('b', 'b'));
  });

  it('after a depthwise convolution that pads', () => {
    const depthwise = L.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'b' });
    expectKept(netOf(image(), depthwise, pool()), [1, 1], padded('b', 'out'));
  });

  it('where the maximum is read of what a depthwise convolution makes that pads', () => {
    const depthwise = L.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'b' });
    expectKept(netOf(image(), depthwise, L.globalMaxPooling2d({})), [9, 9], padded('b', 'out'));
  });

  it('where a transposed convolution adds other sums elsewhere', () => {
    const conv = L.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, name: 'b' });
    const other = "'b' adds another sum of its kernel at other positions, so no bias can take them over";
    expectKept(netOf(image(), conv, pool()), [4, 4], other);
  });

  it('where a transposed convolution makes other values elsewhere', () => {
    const model = netOf(
      image(),
      L.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, name: 'b' }),
      pool(),
    );
    // Channel 1 of b reads nothing but channel 1 of a.
    tf.tidy(() => {
      const kernel = model.getLayer('b').getWeights()[0]!;
      setKernel(model, 'b', () => kernel.mul(tf.tensor2d([1, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1, 1], [3, 4])));
    });
    const plan = planFromMasks(model, { inputShapes: [[4, 4, 3]] });
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[], [], []]);
  });

  it('after a normalisation over steps', () => {
    const norm = L.layerNormalization({ axis: 1, center: false, scale: false, name: 'norm' });
    const model = netOf(steps(), norm, L.globalAveragePooling1d());
    const takes = "'norm' takes them together with others, and the model leaves sizes open";
    expectKept(model, [5], `'a' has zeros for them, but ${takes}`);
  });

  it('where a kernel goes over two constants, one after the other', () => {
    const input = tf.input({ shape: [open, 3] });
    const a = call(L.dense({ units: 4, name: 'a' }), input);
    const both = call(L.concatenate({ axis: 1 }), [a, call(L.activation({ activation: 'sigmoid' }), a)]);
    const read = call(L.conv1d({ filters: 2, kernelSize: 2, name: 'b' }), both);
    const outputs = call(out(), call(L.globalAveragePooling1d(), read));
    const model = withBias(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)), 0.8);
    const differ =
      "'b' reads them as values that differ from position to position, which no bias can take over";
    expectKept(model, [5], differ);
    const pooled = call(
      L.globalAveragePooling1d(),
      call(L.maxPooling1d({ poolSize: 2, name: 'pool' }), both),
    );
    const other = tf.model({ inputs: input, outputs: call(out(), pooled) });
    expectKept(withBias(zeroIn(randomize(other, 3)), 0.8), [5], changed('pool'));
  });

  it('in none of this if it is zero', () => {
    const conv = L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' });
    const model = withBias(netOf(image(), pad(), conv, pool()), 0);
    expect(planFromMasks(model, { inputShapes: [[4, 4, 3]] }).groups[0]!.remove).toEqual([1]);
  });
});
