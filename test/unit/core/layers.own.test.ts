import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, fillWeights, flat, outputOf, read } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { expectRefused } from '../../support/trace';

type LayerVariable = ReturnType<tf.layers.Layer['addWeight']>;

/** A layer of one's own: its weight is in a property, its shift only in the list of weights. */
class Scale extends tf.layers.Layer {
  static className = 'Scale';
  factor: LayerVariable | undefined;
  override build(inputShape: tf.Shape): void {
    const shape = [inputShape.at(-1)!, 2];
    this.factor = this.addWeight('alpha', shape, 'float32', tf.initializers.ones());
    this.addWeight('shift', [2], 'float32', tf.initializers.ones());
    this.addWeight('seen', [2], 'float32', tf.initializers.ones(), undefined, false);
    this.built = true;
  }
  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [inputShape[0]!, 2];
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = inputs instanceof tf.Tensor ? [inputs] : inputs;
    return tf.tidy(() => tf.add(tf.matMul(x!, this.factor!.read()), this.weights[1]!.read()));
  }
}

describe('a custom layer', () => {
  it('has its own names: the property that holds the variable, else the name of the weight', () => {
    const layer = built(new Scale({}), [3]);
    expectNoLeak(() => prune.l1Unstructured(layer, 'factor', 2));
    prune.customFromMask(layer, 'shift', [0, 1]);
    expect(flat(layer, 'factor').filter((value) => value === 0)).toHaveLength(2);
    expect(flat(layer, 'shift')[0]).toBe(0);
    expectRefused(
      [[layer, 'factor']],
      () => prune.l1Unstructured(layer, 'weight', 1),
      'parameter',
      'factor',
      'shift',
    );
    expectRefused([[layer, 'factor']], () => prune.l1Unstructured(layer, 'seen', 1), 'parameter');
    expect(prune.isPruned(layer)).toBe(true);
  });

  it('computes with the pruned weights, trains with masked gradients and reverts', () => {
    const layer = built(new Scale({}), [3]);
    const original = flat(layer, 'factor');
    prune.lnStructured(layer, 'factor', 1, 2, 1);
    const x = tf.randomUniform([4, 3], -1, 1);
    tf.tidy(() => {
      const expected = tf.add(tf.matMul(x, layer.weights[0]!.read()), layer.weights[1]!.read());
      expect(layer.apply(x) as tf.Tensor).toBeAllClose(expected);
    });
    const mask = flat(layer, 'factor_mask');
    tf.train.adam(0.1).minimize(() => tf.sum(layer.apply(x) as tf.Tensor));
    const trained = flat(layer, 'factor');
    expect(trained.every((value, i) => (value === 0) === (mask[i] === 0))).toBe(true);
    prune.revert(layer, 'factor');
    expect(flat(layer, 'factor')).toEqual(original.map((value, i) => (mask[i] === 0 ? value : trained[i])));
  });

  it('lists its matrices and no vectors among the parameters', () => {
    const layer = built(new Scale({}), [3]);
    expect(prune.parameters(layer)).toEqual([[layer, 'factor']]);
    expect(prune.parameters(layer, { names: ['factor', 'shift'] })).toEqual([
      [layer, 'factor'],
      [layer, 'shift'],
    ]);
  });
});

describe('an object that holds tf.Variables', () => {
  function attention() {
    // Tidied, so that the variables alone hold their data.
    const query = tf.tidy(() => tf.variable(tf.tensor2d([1, -2, 3, -4], [2, 2])));
    const bias = tf.tidy(() => tf.variable(tf.tensor1d([5, 6])));
    const x = tf.tensor2d([[1, 1]]);
    const block = {
      query,
      bias,
      heads: 2,
      loss: () => tf.sum(tf.add(tf.matMul(x, block.query), block.bias)) as tf.Scalar,
    };
    return { block, query, bias };
  }

  it('is pruned by its properties', () => {
    const { block, query } = attention();
    expect(expectNoLeak(() => prune.l1Unstructured(block, 'query', 2))).toBe(block);
    expect(read(block, 'query')).toEqual([
      [0, 0],
      [3, -4],
    ]);
    expect(query.arraySync()).toEqual(read(block, 'query'));
    expect(block.query.arraySync()).toEqual(read(block, 'query'));
    expect(read(block, 'query_orig')).toEqual([
      [1, -2],
      [3, -4],
    ]);
    expect(prune.isPruned(block)).toBe(true);
    expect(prune.parameters(block)).toEqual([[block, 'query']]);
    expectRefused(
      [[block, 'query']],
      () => prune.l1Unstructured(block, 'heads', 1),
      'parameter',
      'query',
      'bias',
    );
  });

  it('computes, trains and reverts', () => {
    const { block, query } = attention();
    prune.lnStructured(block, 'query', 1, 1, 0);
    tf.tidy(() => {
      expect(block.loss().dataSync()[0]).toBe(3 - 4 + 11);
      const { grads } = tf.variableGrads(block.loss);
      expect(grads[query.name]!.arraySync()).toEqual([
        [0, 0],
        [1, 1],
      ]);
    });
    tf.train.momentum(0.5, 0.9).minimize(block.loss);
    expect(read(block, 'query')).toEqual([
      [0, 0],
      [2.5, -4.5],
    ]);
    query.assign(tf.ones([2, 2]));
    expect(read(block, 'query')).toEqual([
      [0, 0],
      [1, 1],
    ]);
    prune.revert(block, 'query');
    expect(block.query).toBe(query);
    expect(read(block, 'query')).toEqual([
      [1, -2],
      [1, 1],
    ]);
    expect(Object.keys(block)).toEqual(['query', 'bias', 'heads', 'loss']);
  });
});

describe('an object that cannot be changed', () => {
  it('is left as it is: pruned as a whole or not at all', () => {
    const weight = tf.variable(tf.tensor1d([1, 2, 3]));
    const frozen = Object.freeze({ weight });
    let refused: unknown;
    try {
      prune.l1Unstructured(frozen, 'weight', 1);
    } catch (error) {
      refused = error;
    }
    expect(refused === undefined || prune.isPruneError(refused), String(refused)).toBe(true);
    expect(prune.isPruned(frozen)).toBe(refused === undefined);
    expect([...weight.dataSync()]).toEqual(refused === undefined ? [0, 2, 3] : [1, 2, 3]);
  });
});

describe('models', () => {
  function nested() {
    const inner = tf.sequential({
      layers: [tf.layers.dense({ units: 4, inputShape: [3] }), tf.layers.dense({ units: 3 })],
    });
    const outer = tf.sequential({ layers: [inner, tf.layers.dense({ units: 2 })] });
    fillWeights(outer);
    return { inner, outer };
  }

  it('nested ones are taken apart', () => {
    const { inner, outer } = nested();
    const [first, second] = inner.layers as [tf.layers.Layer, tf.layers.Layer];
    const last = outer.layers.at(-1)!;
    expect(prune.parameters(outer)).toEqual([
      [first, 'weight'],
      [second, 'weight'],
      [last, 'weight'],
    ]);
    prune.l1Unstructured(second, 'weight', 0.5);
    expect([prune.isPruned(inner), prune.isPruned(outer), prune.isPruned(last)]).toEqual([true, true, false]);
    expect(prune.sparsity(outer)).toEqual({ zeros: 6, size: 12 + 12 + 6, sparsity: 6 / 30 });
  });

  it('a shared layer is one, and pruned in every place', () => {
    const shared = tf.layers.dense({ units: 3, useBias: false });
    const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
    const sum = tf.layers
      .add()
      .apply([
        shared.apply(a) as tf.SymbolicTensor,
        shared.apply(shared.apply(b)) as tf.SymbolicTensor,
      ]) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [a, b], outputs: sum });
    fillWeights(model);
    expect(prune.parameters(model)).toEqual([[shared, 'weight']]);
    prune.lnStructured(shared, 'weight', 1, 2, 0);
    const [x, y] = [tf.ones([1, 3]), tf.ones([1, 3])];
    tf.tidy(() => {
      const kernel = prune.parameter(shared, 'kernel');
      const expected = tf.add(tf.matMul(x, kernel), tf.matMul(tf.matMul(y, kernel), kernel));
      expect(model.predict([x, y]) as tf.Tensor).toBeAllClose(expected);
    });
  });

  it('a layer of two models is pruned in both, trained through either, and outlives one of them', () => {
    const shared = tf.layers.dense({ units: 3 });
    const models = [3, 3].map((size) => {
      const input = tf.input({ shape: [size] });
      return tf.model({ inputs: input, outputs: shared.apply(input) as tf.SymbolicTensor });
    });
    const [one, two] = models as [tf.LayersModel, tf.LayersModel];
    fillWeights(one);
    prune.l1Unstructured(shared, 'weight', 4);
    expect(models.map((model) => prune.isPruned(model))).toEqual([true, true]);
    const x = tf.ones([1, 3]);
    expect(outputOf(one, x)).toEqual(outputOf(two, x));
    tf.train.adam(0.1).minimize(() => tf.sum(two.apply(x) as tf.Tensor));
    expect(outputOf(one, x)).toEqual(outputOf(two, x));
    expect(prune.sparsity(one).zeros).toBe(4);
    one.dispose();
    expect(prune.sparsity(two).zeros).toBe(4);
    prune.revert(shared, 'weight');
    expect(prune.sparsity(two).zeros).toBe(0);
    expectNoLeak(() => two.dispose(), -2);
  });

  it('filters by class and by name', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [6, 6, 1] }),
        tf.layers.batchNormalization(),
        tf.layers.separableConv2d({ filters: 2, kernelSize: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2 }),
      ],
    });
    const [conv, norm, separable, , dense] = model.layers;
    expect(prune.parameters(model)).toEqual([
      [conv, 'weight'],
      [separable, 'depthwiseKernel'],
      [separable, 'pointwiseKernel'],
      [dense, 'weight'],
    ]);
    expect(prune.parameters(model, { types: ['Dense', 'BatchNormalization'] })).toEqual([[dense, 'weight']]);
    expect(prune.parameters(model, { names: ['bias'] })).toEqual([
      [conv, 'bias'],
      [norm, 'bias'],
      [separable, 'bias'],
      [dense, 'bias'],
    ]);
    expect(prune.parameters(model, { types: ['BatchNormalization'], names: ['weight', 'bias'] })).toEqual([
      [norm, 'weight'],
      [norm, 'bias'],
    ]);
    expect(prune.parameters(model, { types: [] })).toEqual([]);
    expect(prune.parameters(dense!)).toEqual([[dense, 'weight']]);
    expect(outputOf(model, tf.ones([1, 6, 6, 1]))).toHaveLength(2);
  });
});
