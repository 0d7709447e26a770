import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { expect } from 'vitest';
import { expectNoLeak } from '../../../support/memory';
import { expectEqualOutputs, outputsOf, randomize, savedAndLoaded } from '../../sparse/fold-models';

const L = tf.layers;
export const first = 'channelsFirst' as const;

/** Zeroes what makes channel 1 of the layer `a`, in all of its kernels and, of a recurrent one, all of its gates. */
export function zeroIn(model: tf.LayersModel, outFromEnd = 1): tf.LayersModel {
  const layer = model.getLayer('a');
  const gates = { GRU: 3, LSTM: 4 }[layer.getClassName()] ?? 1;
  tf.tidy(() =>
    layer.setWeights(
      layer.getWeights().map((weight) => {
        if (weight.rank < 2) return weight;
        const axis = weight.rank - outFromEnd;
        const size = weight.shape[axis]!;
        const keep = [...Array(size).keys()].map((i) => (i % (size / gates) === 1 ? 0 : 1));
        return weight.mul(
          tf.tensor(
            keep,
            weight.shape.map((n, i) => (i === axis ? n : 1)),
          ),
        );
      }),
    ),
  );
  return model;
}

/** Makes channel 1 of the layer `a`, whose kernel has zeros for it, this number everywhere. */
export function withBias(model: tf.LayersModel, value: number): tf.LayersModel {
  const layer = model.getLayer('a');
  const [kernel, bias] = layer.getWeights();
  tf.tidy(() =>
    layer.setWeights([
      kernel!,
      tf.tensor1d(Array.from(bias!.dataSync(), (each, i) => (i === 1 ? value : each))),
    ]),
  );
  return model;
}

/** Sets a layer's kernel. */
export function setKernel(model: tf.LayersModel, name: string, kernel: () => tf.Tensor): tf.LayersModel {
  const layer = model.getLayer(name);
  tf.tidy(() => {
    const [own, ...rest] = layer.getWeights();
    const made = kernel();
    expect(made.shape).toEqual(own!.shape);
    layer.setWeights([made, ...rest]);
  });
  return model;
}

/** A kernel of 3 × 3 that has values in its middle only. */
export const middle = (inputs: number, outputs: number) => (): tf.Tensor =>
  tf.pad(tf.randomNormal([1, 1, inputs, outputs], 0, 1, 'float32', 4), [
    [1, 1],
    [1, 1],
    [0, 0],
    [0, 0],
  ]);

/** Zeroes what the units of a recurrent layer `a` read of unit 1. */
export function zeroRow(model: tf.LayersModel): tf.LayersModel {
  const layer = model.getLayer('a');
  tf.tidy(() => {
    const [kernel, recurrent, ...rest] = layer.getWeights();
    const units = recurrent!.shape[0]!;
    const keep = tf.tensor2d([...Array(units).keys()].map((i) => [i === 1 ? 0 : 1]));
    layer.setWeights([kernel!, recurrent!.mul(keep), ...rest]);
  });
  return model;
}

export const modelOf = (layers: readonly tf.layers.Layer[]): tf.LayersModel =>
  randomize(tf.sequential({ layers: [...layers] }), 3);

/** Channel 1 of `a` goes, what it gave is taken over by these layers, and outputs are equal, also saved and loaded. */
export async function expectGone(model: tf.LayersModel, takers: readonly string[]): Promise<void> {
  const plan = expectNoLeak(() => planFromMasks(model));
  const own = plan.groups.find(({ id }) => id === 'a')!;
  expect(own.kept.filter(({ channels }) => channels.includes(1))).toEqual([]);
  expect(own.remove).toEqual([1]);
  expect(plan.shifts.map(({ layer }) => layer)).toEqual(takers);
  const { model: slim } = applyPlan(model, JSON.parse(JSON.stringify(plan)));
  expect(slim.countParams()).toBeLessThan(model.countParams() + 1);
  expectEqualOutputs(outputsOf(slim), outputsOf(model));
  expectEqualOutputs(outputsOf(await savedAndLoaded(slim)), outputsOf(model));
}

/** Channel 1 of `a` stays, for this reason. */
export function expectKept(model: tf.LayersModel, reason: string): void {
  const plan = planFromMasks(model);
  const own = plan.groups.find(({ id }) => id === 'a')!;
  expect(own.remove).toEqual([]);
  expect(own.kept).toEqual([{ channels: [1], reason }]);
}

export const out = () => L.dense({ units: 2, name: 'out' });
export const sequence = () => L.dense({ units: 4, name: 'a', inputShape: [5, 3] });
export const image = () => L.conv2d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [4, 5, 3] });
export const firstImage = () =>
  L.conv2d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [3, 4, 5], dataFormat: first });
export const volume = () => L.conv3d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [3, 3, 3, 2] });
