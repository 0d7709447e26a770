import * as tf from '@tensorflow/tfjs';
import { planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, randomize } from '../../sparse/fold-models';
import { expectGone, expectKept, firstImage, image, modelOf, out, setKernel, withBias, zeroIn } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

/** Sets a batch normalisation's scale of channel 1 to zero. */
function withoutScale(model: tf.LayersModel): tf.LayersModel {
  const layer = model.getLayer('bn');
  tf.tidy(() => {
    const [gamma, ...rest] = layer.getWeights();
    layer.setWeights([
      tf.tensor1d(Array.from(gamma!.dataSync(), (each, i) => (i === 1 ? 0 : each))),
      ...rest,
    ]);
  });
  return model;
}

describe('a batch normalisation whose scale is zero', () => {
  it('makes a constant of whatever comes in', async () => {
    const layers = [
      image(),
      L.batchNormalization({ name: 'bn' }),
      L.conv2d({ filters: 2, kernelSize: 2, name: 'b' }),
    ];
    await expectGone(withoutScale(modelOf([...layers, L.flatten(), out()])), ['b']);
  });

  it('makes one also of what is lost', async () => {
    const input = tf.input({ shape: [4, 5, 3] });
    const [a, b] = ['a', 'b'].map((name) => call(L.conv2d({ filters: 4, kernelSize: 1, name }), input));
    const norm = call(L.batchNormalization({ name: 'bn' }), call(L.add(), [a!, b!]));
    const outputs = call(
      out(),
      call(L.flatten(), call(L.conv2d({ filters: 2, kernelSize: 2, name: 'c' }), norm)),
    );
    await expectGone(withoutScale(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3))), ['c']);
  });
});

it('a batch normalisation along another axis than the last makes nothing known', () => {
  const layers = [
    firstImage(),
    L.batchNormalization({ axis: 1 }),
    L.flatten(),
    L.dense({ units: 3, name: 'b' }),
  ];
  const model = zeroIn(modelOf([...layers, out()]));
  // Unit 1 of b reads nothing but channel 1 of a, at the places 20 to 39.
  const rows = Array.from({ length: 80 }, (_, row) => [1, row >= 20 && row < 40 ? 1 : 0, 1]);
  const kernel = model.getLayer('b').getWeights()[0]!;
  setKernel(model, 'b', () => kernel.mul(tf.tensor2d(rows)));
  const plan = planFromMasks(model);
  expect(plan.groups.map(({ remove }) => remove)).toEqual([[], [], []]);
});

describe('a constant of zero', () => {
  /** Channel 1 of a is zero, that of b depends on the input. */
  const netOf = (join: tf.layers.Layer): tf.LayersModel => {
    const input = tf.input({ shape: [4, 5, 3] });
    const both = ['a', 'b'].map((name) => call(L.conv2d({ filters: 4, kernelSize: 1, name }), input));
    const read = call(L.conv2d({ filters: 2, kernelSize: 2, name: 'c' }), call(join, both));
    const outputs = call(out(), call(L.flatten(), read));
    return withBias(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)), 0);
  };

  it('stays one in a product', async () => {
    await expectGone(netOf(L.multiply({ name: 'join' })), []);
  });

  for (const [name, join] of Object.entries({
    Add: L.add,
    Average: L.average,
    Maximum: L.maximum,
    Minimum: L.minimum,
  })) {
    it(`is lost in a layer ${name}`, () => {
      const lost = "'join' puts them together with what depends on the input";
      expectKept(netOf(join({ name: 'join' })), `'a' has zeros for them, but ${lost}`);
    });
  }
});
