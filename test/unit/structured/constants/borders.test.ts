import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, expectEqualOutputs, outputsOf, randomize } from '../../sparse/fold-models';
import {
  expectGone,
  expectKept,
  first,
  firstImage,
  image,
  middle,
  modelOf,
  out,
  setKernel,
  volume,
  withBias,
  zeroIn,
} from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

const pad = (padding = 1) => L.zeroPadding2d({ padding, name: 'pads' });
const netOf = (...layers: tf.layers.Layer[]): tf.LayersModel =>
  withBias(zeroIn(modelOf([...layers, L.flatten(), out()])), 0.8);

describe('a constant that differs at borders is taken over by a kernel', () => {
  it('that has zeros where it meets them', async () => {
    const model = netOf(image(), pad(), L.conv2d({ filters: 2, kernelSize: 3, name: 'b' }));
    expectKept(model, "'pads' pads them, so that 'b' does not read a constant at the borders");
    setKernel(model, 'b', middle(4, 2));
    await expectGone(model, ['b']);
  });

  it('once the borders are cut off', async () => {
    const cut = L.cropping2D({ cropping: 1 });
    await expectGone(netOf(image(), pad(), cut, L.conv2d({ filters: 2, kernelSize: 2, name: 'b' })), ['b']);
    const less = L.cropping2D({
      cropping: [
        [1, 1],
        [1, 0],
      ],
    });
    const model = netOf(image(), pad(), less, L.conv2d({ filters: 2, kernelSize: 2, name: 'b' }));
    expectKept(model, "'pads' pads them, so that 'b' does not read a constant at the borders");
  });

  it('that goes from border to border in one step', async () => {
    await expectGone(netOf(image(), pad(), L.conv2d({ filters: 2, kernelSize: [6, 7], name: 'b' })), ['b']);
    const padded = L.conv2d({ filters: 2, kernelSize: [4, 5], padding: 'same', strides: 5, name: 'b' });
    await expectGone(netOf(image(), padded), ['b']);
  });

  it('that meets each of them in a position of its own, or not at all', async () => {
    // Every other place: of a padded row of 7 the first, the third, the fifth and the seventh.
    const strided = L.conv2d({ filters: 2, kernelSize: [2, 1], strides: [2, 1], name: 'b' });
    const rows = L.zeroPadding2d({
      padding: [
        [1, 1],
        [0, 0],
      ],
      name: 'pads',
    });
    const model = netOf(image(), rows, strided);
    expectKept(model, "'pads' pads them, so that 'b' does not read a constant at the borders");
    // The lower half of each window is never padding but at the end, the upper one at the beginning only.
    const apart = netOf(
      image(),
      L.zeroPadding2d({
        padding: [
          [1, 1],
          [0, 0],
        ],
      }),
      L.maxPooling2d({ poolSize: [2, 1] }),
      L.conv2d({ filters: 2, kernelSize: 2, name: 'b' }),
    );
    await expectGone(apart, ['b']);
  });

  it('of a Conv3D and of a SeparableConv2D only where theirs are zero', async () => {
    const conv = netOf(volume(), L.conv3d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }));
    expectKept(conv, "'b' pads them, so that it does not read a constant at the borders");
    const separable = netOf(
      image(),
      L.separableConv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }),
    );
    expectKept(separable, "'b' pads them, so that it does not read a constant at the borders");
    setKernel(separable, 'b', middle(4, 1));
    await expectGone(separable, ['b']);
  });
});

describe('an image that layers make of constants is one', () => {
  const makers: Record<string, (name: string) => tf.layers.Layer> = {
    'a Conv2D that pads': (name) =>
      L.conv2d({ filters: 3, kernelSize: 3, padding: 'same', strides: 2, name }),
    'a Conv2D that pads and dilates': (name) =>
      L.conv2d({ filters: 3, kernelSize: [2, 3], padding: 'same', dilationRate: 2, name }),
    'a Conv2DTranspose that strides': (name) =>
      L.conv2dTranspose({ filters: 3, kernelSize: [3, 2], strides: 2, name, activation: 'tanh' }),
    'a Conv2DTranspose that pads and strides': (name) =>
      L.conv2dTranspose({ filters: 3, kernelSize: [3, 4], strides: [2, 1], padding: 'same', name }),
    'a Conv2DTranspose that strides past its kernel': (name) =>
      L.conv2dTranspose({ filters: 3, kernelSize: [1, 2], strides: 3, name }),
    'a SeparableConv2D that pads': (name) =>
      L.separableConv2d({ filters: 3, kernelSize: 3, padding: 'same', depthMultiplier: 1, name }),
    'a Dense after a ZeroPadding2D': (name) => L.dense({ units: 3, name }),
  };
  for (const [kind, make] of Object.entries(makers)) {
    it(`of ${kind}`, async () => {
      const before = kind.includes('ZeroPadding') ? [pad()] : [];
      const model = netOf(image(), ...before, make('b'), L.leakyReLU());
      // Output 1 of b reads nothing but channel 1 of a, and channel 1 nothing but output 1.
      const layer = model.getLayer('b');
      const at = kind.startsWith('a SeparableConv2D') ? 1 : 0;
      const isTurned = kind.includes('Transpose');
      tf.tidy(() => {
        const weights = layer.getWeights();
        const { shape } = weights[at]!;
        const [rows, columns] = isTurned ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!];
        const keep = tf.buffer([rows, columns]);
        for (let i = 0; i < rows; i++) {
          for (let o = 0; o < columns; o++) if ((i === 1) === (o === 1)) keep.set(1, i, o);
        }
        const mask = isTurned ? keep.toTensor().transpose() : keep.toTensor();
        weights[at] = weights[at]!.mul(mask);
        layer.setWeights(weights);
      });
      const plan = planFromMasks(model);
      expect(plan.groups.map(({ remove }) => remove)).toEqual([[1], [1], []]);
      expect(plan.shifts.map((shift) => shift.layer)).toContain('out');
      expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
    });
  }
});

describe('a constant at borders', () => {
  it('is one for a kernel whose outputs differ there, if those go themselves', async () => {
    const model = netOf(image(), L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }));
    // Output 0 reads it in the middle only; output 1 at the borders too, and nobody reads that.
    const isRead = (tap: number, input: number, output: number): boolean =>
      input !== 1 || output === 1 || tap === 4;
    const mask = Array.from({ length: 72 }, (_, n) =>
      Number(isRead(Math.floor(n / 8), Math.floor(n / 2) % 4, n % 2)),
    );
    const kernel = model.getLayer('b').getWeights()[0]!;
    setKernel(model, 'b', () => kernel.mul(tf.tensor(mask, [3, 3, 4, 2])));
    expectKept(model, "'b' pads them, so that it does not read a constant at the borders");
    const rows = Array.from({ length: 40 }, (_, row) => [1 - (row % 2)]);
    const last = model.getLayer('out').getWeights()[0]!;
    setKernel(model, 'out', () => last.mul(tf.tensor2d(rows)));
    await expectGone(model, ['b']);
  });

  it('that a convolution makes which pads is told from others', () => {
    const layers = [
      L.conv2d({ filters: 3, kernelSize: 3, padding: 'same', name: 'b' }),
      L.conv2d({ filters: 2, kernelSize: 2, name: 'c' }),
    ];
    const model = netOf(image(), ...layers);
    const kernel = model.getLayer('b').getWeights()[0]!;
    const mask = tf.tensor2d([
      [1, 0, 1],
      [0, 1, 0],
      [1, 0, 1],
      [1, 0, 1],
    ]);
    setKernel(model, 'b', () => kernel.mul(mask));
    const groupOf = (inexact: boolean) =>
      planFromMasks(model, { inexact }).groups.find(({ id }) => id === 'b')!;
    expect(groupOf(false)).toMatchObject({
      remove: [],
      kept: [{ channels: [1], reason: "'b' pads them, so that 'c' does not read a constant at the borders" }],
    });
    expect(groupOf(true).remove).toEqual([1]);
  });

  it('is refused where a bias would take over what is no number', () => {
    const model = netOf(image(), L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }));
    setKernel(model, 'b', () => tf.fill([3, 3, 4, 2], Number.NaN));
    expect(() => planFromMasks(model)).toThrow(
      expect.objectContaining({
        kind: 'argument',
        message: expect.stringContaining("'b' would take over NaN"),
      }),
    );
  });

  it('stays where tfjs adds a bias along another axis', () => {
    const separable = L.separableConv2d({ filters: 2, kernelSize: 2, name: 'b', dataFormat: first });
    const model = withBias(zeroIn(modelOf([firstImage(), separable, L.flatten(), out()])), 0.8);
    const why = 'reads them as a constant that is not zero, and tfjs adds its bias along another axis';
    expectKept(model, `'b' ${why}`);
  });

  it('of a depthwise kernel that has zeros is its bias, whatever comes in', async () => {
    const model = modelOf([
      image(),
      L.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'b' }),
      L.flatten(),
      out(),
    ]);
    const kernel = model.getLayer('b').getWeights()[0]!;
    setKernel(model, 'b', () => kernel.mul(tf.tensor2d([[1], [0], [1], [1]])));
    await expectGone(model, ['out']);
  });

  it('adds up the same but for rounding, in whatever order', async () => {
    const input = tf.input({ shape: [1, 3] });
    const a = call(L.dense({ units: 4, name: 'a' }), input);
    const steps = [1, 2, 3].map((n) => call(L.batchNormalization({ name: `n${n}` }), a));
    const row = call(L.concatenate({ axis: 1 }), [...steps, steps[0]!]);
    const b = call(L.conv1d({ filters: 2, kernelSize: 3, name: 'b' }), row);
    const outputs = call(out(), call(L.flatten(), b));
    const model = withBias(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)), 0.8);
    setKernel(model, 'b', () => tf.fill([3, 4, 2], 0.7));
    await expectGone(model, ['b']);
  });
});
