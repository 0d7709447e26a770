import * as tf from '@tensorflow/tfjs';
import { accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { sparseModel } from './sparse-model';

beforeAll(() => useBackend('wasm'));
afterEach(() => tf.disposeVariables());

describe('accelerate refuses', () => {
  it('a backend that is not wasm', async () => {
    const model = sparseModel();
    await useBackend('cpu');
    try {
      await expect(accelerate(model)).rejects.toMatchObject({ kind: 'unsupported', given: 'cpu' });
    } finally {
      await useBackend('wasm');
    }
    model.dispose();
  });

  it('what is not built, or is disposed', async () => {
    await expect(accelerate(tf.layers.dense({ units: 2 }))).rejects.toMatchObject({ kind: 'state' });
    const model = sparseModel();
    model.dispose();
    await expect(accelerate(model)).rejects.toMatchObject({ kind: 'state' });
  });

  it('infinite weights if it is to be strict', async () => {
    const layer = tf.layers.dense({ inputShape: [4], units: 2, useBias: false, name: 'fc' });
    const model = tf.sequential({ layers: [layer] });
    layer.setWeights([tf.tensor2d([0, 0, 0, 0, 0, 0, 0, Infinity], [4, 2])]);
    await expect(accelerate(model, { strict: true })).rejects.toMatchObject({
      kind: 'state',
      message: expect.stringContaining("'fc'"),
    });
    (await accelerate(model)).dispose();
    model.dispose();
  });

  it('what is neither a model nor a layer, and a model without layers', async () => {
    for (const given of [undefined, 'conv', tf.ones([2]), {}, [sparseModel()]]) {
      await expect(accelerate(given as never)).rejects.toMatchObject({ kind: 'argument' });
    }
    await expect(accelerate(new tf.GraphModel('model.json') as never)).rejects.toMatchObject({
      kind: 'argument',
      message: expect.stringContaining('shares the tensors of a LayersModel'),
    });
    await expect(accelerate(tf.sequential())).rejects.toMatchObject({ kind: 'state' });
  });

  it('a model that is disposed, or a backend that is changed, while it is waiting', async () => {
    const disposed = sparseModel();
    await expect(Promise.all([accelerate(disposed), disposed.dispose()])).rejects.toMatchObject({
      kind: 'state',
    });
    const model = sparseModel();
    try {
      await expect(Promise.all([accelerate(model), tf.setBackend('cpu')])).rejects.toMatchObject({
        kind: 'unsupported',
      });
    } finally {
      await useBackend('wasm');
    }
    model.dispose();
  });

  it('options that it does not know, or that are not true or false', async () => {
    const model = sparseModel();
    for (const options of [{ strict: 'yes' }, { measure: 1 }, { relaxed: null }]) {
      await expect(accelerate(model, options as never)).rejects.toMatchObject({ kind: 'argument' });
    }
    await expect(accelerate(model, { stict: true } as never)).rejects.toMatchObject({ kind: 'argument' });
    model.dispose();
  });
});
