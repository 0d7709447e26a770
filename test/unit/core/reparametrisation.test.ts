import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { afterAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { built, fillWeights, flat, linear, outputOf, read, zeros } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

function kernelOf(layer: tf.layers.Layer): tf.Variable {
  return layer.trainableWeights[0]!.read() as tf.Variable;
}

function classifier(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 5, inputShape: [4], activation: 'tanh' }),
      tf.layers.dense({ units: 2 }),
    ],
  });
  fillWeights(model);
  return model;
}

const x = tf.randomUniform([8, 4], -1, 1, 'float32', 1);
const y = tf.randomUniform([8, 2], -1, 1, 'float32', 2);

describe('the variable', () => {
  it('is the same object before, during and after', () => {
    const layer = linear([[1, 2, 3]]);
    const handle = layer.trainableWeights[0]!;
    const variable = kernelOf(layer);
    const same = () => {
      expect(layer.trainableWeights[0]).toBe(handle);
      expect(layer.weights[0]).toBe(handle);
      expect(kernelOf(layer)).toBe(variable);
      expect(variable.trainable).toBe(true);
    };
    prune.l1Unstructured(layer, 'weight', 1);
    same();
    prune.l1Unstructured(layer, 'kernel', 1);
    same();
    prune.revert(layer, 'weight');
    same();
    prune.remove(prune.identity(layer, 'weight'), 'weight');
    same();
    // Nothing of the pruning is left on it.
    const fresh = kernelOf(linear([[1, 2, 3]]));
    expect(Reflect.ownKeys(variable).sort()).toEqual(Reflect.ownKeys(fresh).sort());
  });

  it('stores the masked values, always', () => {
    const layer = linear([[1, 2, 3]]);
    prune.l1Unstructured(layer, 'weight', 1);
    expect([...kernelOf(layer).dataSync()]).toEqual([0, 2, 3]);
    expect([...layer.getWeights()[0]!.dataSync()]).toEqual([0, 2, 3]);
  });

  it.each<[string, (layer: tf.layers.Layer, value: tf.Tensor) => void]>([
    ['setWeights', (layer, value) => layer.setWeights([value])],
    ['assign', (layer, value) => kernelOf(layer).assign(value)],
    ['write', (layer, value) => void layer.trainableWeights[0]!.write(value)],
  ])('is masked again after %s, NaN and infinities included', (_, write) => {
    const layer = linear([[1, 2, 3]]);
    prune.customFromMask(layer, 'weight', [[0, 1, 0]]);
    // The first assignment makes a tensor of the mask, which stays until the mask goes.
    write(layer, tf.ones([3, 1]));
    for (const value of [7, Number.NaN, Infinity, -Infinity, -0]) {
      const tensor = tf.fill([3, 1], value);
      expectNoLeak(() => write(layer, tensor));
      expect(read(layer, 'weight')).toEqual([[0, value, 0]]);
      expect([...tensor.dataSync()]).toEqual([value, value, value]);
    }
    expect(flat(layer, 'weight_orig')).toEqual([1, -0, 3]);
  });

  it('refuses a value of another shape, as tfjs does, and stays as it was', () => {
    const layer = linear([[1, 2, 3]]);
    prune.l1Unstructured(layer, 'weight', 1);
    const square = tf.ones([2, 2]);
    expectNoLeak(() => {
      expect(() => layer.setWeights([square])).toThrow();
      expect(() => kernelOf(layer).assign(square)).toThrow();
    });
    expect(read(layer, 'weight')).toEqual([[0, 2, 3]]);
  });

  it('takes what setWeights gives for the entries that are left; revert brings the others back', () => {
    const layer = linear([[1, 2, 3]]);
    prune.l1Unstructured(layer, 'weight', 1);
    layer.setWeights([tf.tensor2d([[5], [6], [7]])]);
    prune.revert(layer, 'weight');
    expect(read(layer, 'weight')).toEqual([[1, 6, 7]]);
  });
});

describe('gradients', () => {
  const loss = (model: tf.layers.Layer) => (): tf.Scalar =>
    tf.losses.meanSquaredError(y, model.apply(x) as tf.Tensor) as tf.Scalar;

  /** The gradient of every variable of a model that was never pruned but has the same weights. */
  function plainGradients(model: tf.Sequential): tf.Tensor[] {
    const copy = classifier();
    copy.setWeights(model.getWeights());
    const { grads } = tf.variableGrads(
      loss(copy),
      copy.trainableWeights.map((w) => w.read() as tf.Variable),
    );
    return copy.trainableWeights.map((weight) => grads[weight.name]!);
  }

  it('are those of PyTorch: of the masked weight, times the mask', () => {
    const model = classifier();
    const [first] = model.layers as [tf.layers.Layer];
    prune.l1Unstructured(first, 'weight', 0.5);
    tf.tidy(() => {
      const plain = plainGradients(model);
      const { grads } = tf.variableGrads(loss(model));
      const [masked, ...others] = model.trainableWeights.map((weight) => grads[weight.name]!);
      expect(masked!).toBeAllClose(tf.mul(plain[0]!, prune.parameter(first, 'kernel_mask')));
      for (const [i, grad] of others.entries()) expect(grad).toBeAllClose(plain[i + 1]!);
    });
  });

  it('leave no tensors behind but the mask, which remove frees', () => {
    const model = classifier();
    const [first] = model.layers as [tf.layers.Layer];
    expectNoLeak(() => {
      prune.l1Unstructured(first, 'weight', 0.5);
      for (let step = 0; step < 3; step++) {
        const { value, grads } = tf.variableGrads(loss(model));
        tf.dispose([value, grads]);
      }
      expectNoLeak(() => tf.dispose(tf.variableGrads(loss(model))));
      prune.remove(first, 'weight');
    });
  });

  it('reach the inputs unmasked: tf.grad gives what the masked weights say', () => {
    const layer = linear([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    prune.customFromMask(layer, 'weight', [
      [0, 1, 1],
      [1, 0, 1],
    ]);
    tf.tidy(() => {
      const grad = tf.grad((input) => tf.sum(layer.apply(input) as tf.Tensor));
      expect(grad(tf.ones([1, 3])).arraySync()).toEqual([[4, 2, 9]]);
    });
  });

  it('of higher order are masked too', () => {
    const layer = linear([[1, 2, 3]]);
    prune.customFromMask(layer, 'weight', [[0, 1, 1]]);
    tf.tidy(() => {
      // f(x) = (w · x)²; the sum of df/dx is 2 (w · x) (Σ w)
      const f = (input: tf.Tensor): tf.Tensor => tf.sum(tf.square(layer.apply(input) as tf.Tensor));
      const second = tf.grad((input) => tf.sum(tf.grad(f)(input)));
      // Σ_j H_ij = 2 w_i Σ w
      expect(second(tf.ones([1, 3]))).toBeAllClose(tf.tensor2d([[0, 20, 30]]));
    });
  });

  it('respect a mask that changed since the last step', () => {
    const layer = linear([[1, 2, 3]]);
    const step = (): Float32Array => {
      const { grads } = tf.tidy(() =>
        tf.variableGrads(
          () => tf.sum(layer.apply(tf.ones([1, 3])) as tf.Tensor) as tf.Scalar,
          [kernelOf(layer)],
        ),
      );
      return Object.values(grads)[0]!.dataSync() as Float32Array;
    };
    prune.l1Unstructured(layer, 'weight', 1);
    expect([...step()]).toEqual([0, 1, 1]);
    prune.l1Unstructured(layer, 'weight', 1);
    expect([...step()]).toEqual([0, 0, 1]);
    prune.revert(layer, 'weight');
    expect([...step()]).toEqual([1, 1, 1]);
  });
});

describe('a model compiled before', () => {
  it('stays valid through pruning, remove and revert, with the optimiser it has', async () => {
    const model = classifier();
    const optimizer = tf.train.adam(0.05);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    await model.fit(x, y, { epochs: 2, verbose: 0 });
    const [first, second] = model.layers as [tf.layers.Layer, tf.layers.Layer];
    prune.l1Unstructured(first, 'weight', 0.5);
    prune.lnStructured(second, 'weight', 2, 2, 1);
    const history = await model.fit(x, y, { epochs: 5, verbose: 0 });
    const losses = history.history.loss as number[];
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect([zeros(first, 'weight'), zeros(second, 'weight')]).toEqual([10, 4]);
    const evaluated = model.evaluate(x, y) as tf.Scalar;
    expect(Number.isFinite(evaluated.dataSync()[0])).toBe(true);

    prune.remove(first, 'weight');
    prune.revert(second, 'weight');
    expect(zeros(second, 'weight')).toBe(0);
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    expect(optimizer.iterations).toBe(8);
  });

  it('trains on pruned weights without leaking', async () => {
    const model = classifier();
    model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
    prune.l1Unstructured(model.layers[0]!, 'weight', 0.5);
    await model.trainOnBatch(x, y);
    await expectNoLeak(async () => {
      for (let step = 0; step < 3; step++) await model.trainOnBatch(x, y);
    });
  });
});

describe('regularisers', () => {
  it('see the masked weight, and their gradient is masked', () => {
    const layer = built(
      tf.layers.dense({ units: 3, kernelRegularizer: tf.regularizers.l2({ l2: 0.5 }), useBias: false }),
      [4],
    );
    prune.l1Unstructured(layer, 'weight', 6);
    const penalty = (): tf.Scalar =>
      tf.add(tf.sum(layer.apply(tf.zeros([1, 4])) as tf.Tensor), layer.calculateLosses()[0]!);
    tf.tidy(() => {
      const kernel = prune.parameter(layer, 'kernel');
      const { value, grads } = tf.variableGrads(penalty, [kernelOf(layer)]);
      expect(value).toBeAllClose(tf.mul(0.5, tf.sum(tf.square(kernel))));
      expect(Object.values(grads)[0]!).toBeAllClose(kernel);
    });
  });
});

describe('backends', () => {
  afterAll(() => useBackend('cpu'));

  it('may be changed after pruning, in both directions, and training goes on', async () => {
    const model = classifier();
    const [first] = model.layers as [tf.layers.Layer];
    const optimizer = tf.train.sgd(0.1);
    const step = (): void =>
      void optimizer.minimize(() => tf.losses.meanSquaredError(y, model.apply(x) as tf.Tensor) as tf.Scalar);
    prune.l1Unstructured(first, 'weight', 0.5);
    step();
    for (const backend of ['wasm', 'cpu'] as const) {
      const [before, output] = [flat(first, 'weight'), outputOf(model, x)];
      await useBackend(backend);
      expect(flat(first, 'weight')).toEqual(before);
      expect(outputOf(model, x)).toBeAllClose(output, { rtol: 1e-4, atol: 1e-6 });
      step();
      expect(zeros(first, 'weight')).toBe(10);
      expect(flat(first, 'weight')).not.toEqual(before);
    }
    const orig = flat(first, 'weight_orig');
    prune.revert(first, 'weight');
    expect(flat(first, 'weight')).toEqual(orig);
  });
});
