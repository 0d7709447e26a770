import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { foldBatchNorm } from 'tfjs-prune/sparse';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useBackend } from '../../support/backend';
import { flat } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import {
  countNorms,
  expectEqualOutputs,
  outputsOf,
  pair,
  randomize,
  savedAndLoaded,
  weightBits,
} from './fold-models';

afterEach(() => tf.disposeVariables());

const image = [6, 7, 3];

describe('masks', () => {
  it('stay on kernels, with their history, and can be reverted', async () => {
    await useBackend('wasm');
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.conv2d({ inputShape: image, filters: 8, kernelSize: 3, name: 'conv' }),
          tf.layers.batchNormalization(),
          tf.layers.flatten(),
          tf.layers.dense({ units: 4, name: 'fc' }),
        ],
      }),
    );
    const conv = model.getLayer('conv');
    const unpruned = foldBatchNorm(model).getLayer('conv');
    prune.l1Unstructured(conv, 'weight', 0.5);
    prune.lnStructured(conv, 'weight', 0.25, 2, 0);
    prune.randomUnstructured(model.getLayer('fc'), 'weight', 0.3);
    const folded = foldBatchNorm(model);
    const foldedConv = folded.getLayer('conv');
    for (const name of ['conv', 'fc']) {
      const [before, after] = [model.getLayer(name), folded.getLayer(name)];
      expect(flat(after, 'weight_mask')).toEqual(flat(before, 'weight_mask'));
      expect(prune.methodOf(after, 'weight')).toBe(prune.methodOf(before, 'weight'));
    }
    expect(flat(foldedConv, 'weight')).toEqual(
      flat(foldedConv, 'weight_orig').map((value, i) => flat(foldedConv, 'weight_mask')[i]! && value),
    );
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
    prune.revert(foldedConv, 'weight');
    expect(flat(foldedConv, 'weight')).toEqual(flat(unpruned, 'weight'));
    prune.l1Unstructured(foldedConv, 'weight', 0.1);
    expect(prune.methodOf(conv, 'weight')).toBeInstanceOf(prune.PruningContainer);
  });

  it('made permanent leave exact zeros, and never −0', async () => {
    await useBackend('wasm');
    const model = randomize(pair(tf.layers.dense({ inputShape: [20], units: 6, name: 'fc' })));
    prune.l1Unstructured(model.getLayer('fc'), 'weight', 0.5);
    prune.remove(model.getLayer('fc'), 'weight');
    const before = flat(model.getLayer('fc'), 'kernel');
    const after = flat(foldBatchNorm(model).getLayer('fc'), 'kernel');
    expect(after.map((value) => value === 0)).toEqual(before.map((value) => value === 0));
    expect(after.some((value) => Object.is(value, -0))).toBe(false);
  });
});

describe('the original', () => {
  it('stays as it is, shares nothing, and no tensor leaks', async () => {
    await useBackend('wasm');
    const model = pair(tf.layers.conv2d({ inputShape: image, filters: 5, kernelSize: 3 }));
    model.add(tf.layers.dense({ units: 3 }));
    randomize(model);
    prune.l1Unstructured(model.layers[0]!, 'weight', 0.5);
    const before = weightBits(model);
    const output = outputsOf(model);
    expectNoLeak(() => foldBatchNorm(model).dispose());
    const folded = foldBatchNorm(model);
    const shared = new Set(model.weights.map((weight) => weight.read().dataId));
    expect(folded.weights.some((weight) => shared.has(weight.read().dataId))).toBe(false);
    expect(weightBits(model)).toEqual(before);
    const foldedOutput = outputsOf(folded);
    model.dispose();
    expect(outputsOf(folded)).toEqual(foldedOutput);
    expectEqualOutputs(foldedOutput, output);
  });

  it('may have initialisers that take long: they do not run', async () => {
    await useBackend('cpu');
    const model = pair(tf.layers.dense({ inputShape: [4], units: 3, kernelInitializer: 'orthogonal' }));
    const initializer = Object.getPrototypeOf(tf.initializers.orthogonal({}));
    const apply = vi.spyOn(initializer, 'apply');
    foldBatchNorm(model);
    expect(apply).not.toHaveBeenCalled();
    pair(tf.layers.dense({ inputShape: [4], units: 3, kernelInitializer: 'orthogonal' }));
    expect(apply).toHaveBeenCalledOnce();
    apply.mockRestore();
  });

  it('may be trained, regularised and constrained; the folded layer is free of that', async () => {
    await useBackend('cpu');
    const model = pair(
      tf.layers.dense({
        inputShape: [3],
        units: 2,
        kernelConstraint: tf.constraints.unitNorm({ axis: 0 }),
        kernelRegularizer: 'l1l2',
        biasConstraint: 'nonNeg',
      }),
    );
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const xs = tf.randomNormal([8, 3], 0, 1, 'float32', 1);
    await model.fit(xs, tf.ones([8, 2]), { epochs: 1, verbose: 0 });
    randomize(model, 2);
    const folded = foldBatchNorm(model);
    expectEqualOutputs(outputsOf(folded), outputsOf(model));
    expect(outputsOf(await savedAndLoaded(folded))).toEqual(outputsOf(folded));
  });
});

/** A layer of a user's own, with a weight that tfjs knows and one that it does not. */
class Scaled extends tf.layers.Layer {
  static className = 'Scaled';
  factor: ReturnType<tf.layers.Layer['addWeight']> | undefined;
  offset: tf.Variable | undefined;
  late: tf.Variable | undefined;
  readonly config = super.getConfig();

  override build(): void {
    this.factor = this.addWeight('factor', [3], 'float32', tf.initializers.ones());
    this.offset = tf.tidy(() => tf.variable(tf.tensor1d([0, 0, 0], 'int32')));
    this.built = true;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return this.config;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [input] = [inputs].flat();
    return tf.tidy(() => input!.mul(this.factor!.read()).add(this.offset!));
  }
}
tf.serialization.registerClass(Scaled);

it("copies the weights of layers of a user's own", async () => {
  await useBackend('wasm');
  const own = new Scaled({});
  const model = randomize(
    tf.sequential({ layers: [...pair(tf.layers.dense({ inputShape: [4], units: 3 })).layers, own] }),
  );
  own.offset!.assign(tf.tensor1d([1, 2, 3], 'int32'));
  const config = JSON.stringify(own.config);
  const folded = foldBatchNorm(model);
  expect(countNorms(folded)).toBe(0);
  expectEqualOutputs(outputsOf(folded), outputsOf(model));
  expect(JSON.stringify(own.config)).toBe(config);
  own.offset!.assign(tf.tensor1d([9, 9, 9], 'int32'));
  const scaled = folded.layers[1];
  expect(scaled instanceof Scaled && [...scaled.offset!.dataSync()]).toEqual([1, 2, 3]);
});

/** A layer whose class tfjs does not know. */
class Unregistered extends tf.layers.Layer {
  static className = 'Unregistered';
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    return inputs;
  }
}

describe('foldBatchNorm refuses, and leaves nothing behind:', () => {
  const refused = (given: unknown, kind: prune.PruneErrorKind, says: RegExp): void => {
    const call = (): unknown => foldBatchNorm(given as tf.LayersModel);
    expectNoLeak(() =>
      expect(call).toThrow(expect.objectContaining({ kind, message: expect.stringMatching(says) })),
    );
  };

  it('what is no model', async () => {
    await useBackend('cpu');
    for (const given of [undefined, null, 'model', {}, tf.layers.dense({ units: 2 })]) {
      refused(given, 'argument', /LayersModel/);
    }
  });

  it('a model without layers', () => refused(tf.sequential(), 'state', /no layers/));

  it('a model that is disposed', () => {
    const model = pair(tf.layers.dense({ inputShape: [3], units: 2, name: 'fc' }));
    model.dispose();
    refused(model, 'state', /'fc'.*disposed/);
  });

  it('a layer that does not make its weights in build', () => {
    const lazy = new Scaled({ inputShape: [3] });
    const model = tf.sequential({ layers: [lazy] });
    lazy.late = tf.variable(tf.ones([2]));
    refused(model, 'unsupported', /'late'.*build\(\)/s);
  });

  it('a layer that tfjs cannot build again', () => {
    const base = pair(tf.layers.dense({ inputShape: [3], units: 2 }));
    const model = tf.sequential({ layers: [base, new Unregistered({})] });
    refused(model, 'unsupported', /Unregistered.*registerClass/s);
  });
});
