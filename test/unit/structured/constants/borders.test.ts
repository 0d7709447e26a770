import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { expectEqualOutputs, outputsOf } from '../../sparse/fold-models';
import {
  expectGone,
  expectKept,
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
    expectKept(conv, "'b' pads them, so that 'b' does not read a constant at the borders");
    const separable = netOf(
      image(),
      L.separableConv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }),
    );
    expectKept(separable, "'b' pads them, so that 'b' does not read a constant at the borders");
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
