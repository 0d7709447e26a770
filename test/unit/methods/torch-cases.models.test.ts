import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { loadStateDict, stateDict } from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { built, fillWeights, flat, linear, outputOf, read } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

// The cases of PyTorch's own tests about training, saving and several layers; numbered as in the tests' documentation.

const matrix17 = [
  [1, 2, 3, 4],
  [-4, -3, -2, -1],
];
const scores18 = [
  [4, 2, 1, 3],
  [-3, -1, -2, -4],
];

function ones(rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, () => new Array<number>(columns).fill(1));
}

/** A tf.io handler that keeps what it is given. */
function inMemory(): tf.io.IOHandler & { saved: tf.io.ModelArtifacts | undefined } {
  return {
    saved: undefined,
    async save(artifacts) {
      this.saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
    async load() {
      if (this.saved === undefined) throw new Error('nothing was saved');
      return this.saved;
    },
  };
}

/** Linear, ReLU, Linear, named as nn.Sequential numbers them. */
function twoDense(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 10, inputShape: [10], activation: 'relu', name: '0' }),
      tf.layers.dense({ units: 1, name: '2' }),
    ],
  });
  fillWeights(model);
  return model;
}

describe('training', () => {
  it('9. the gradient of orig is the mask for a sum loss, an SGD step leaves pruned entries unchanged', () => {
    const layer = built(tf.layers.dense({ units: 2 }), [5]);
    const mask = ones(2, 5);
    mask[1]![0] = 0;
    mask[0]![3] = 0;
    prune.customFromMask(layer, 'weight', mask);
    const orig = flat(layer, 'weight_orig');

    const input = tf.ones([1, 5]);
    const loss = (): tf.Scalar => tf.sum(layer.apply(input) as tf.Tensor);
    const kernel = layer.trainableWeights[0]!;
    tf.tidy(() => {
      const grad = tf.variableGrads(loss, [kernel.read() as tf.Variable]).grads[kernel.name]!;
      expect(tf.transpose(grad).arraySync()).toEqual(mask);
    });

    tf.train.sgd(0.1).minimize(loss);
    const flatMask = mask.flat();
    const stepped = orig.map((value, i) => value - 0.1 * flatMask[i]!);
    expect(flat(layer, 'weight_orig')).toBeAllClose(stepped);
    for (const i of [3, 5]) expect(flat(layer, 'weight_orig')[i]).toBe(orig[i]);
    expect(flat(layer, 'weight')).toBeAllClose(stepped.map((value, i) => value * flatMask[i]!));
  });

  it('10. the outputs are the surviving weight, plus the bias', () => {
    const layer = built(tf.layers.dense({ units: 2 }), [5]);
    const mask = [
      [0, 0, 0, 1, 0],
      [1, 0, 0, 0, 0],
    ];
    const [weight, bias] = [flat(layer, 'weight'), flat(layer, 'bias')];
    prune.customFromMask(layer, 'weight', mask);
    expect(outputOf(layer, tf.ones([1, 5]))).toBeAllClose([weight[3]! + bias[0]!, weight[5]! + bias[1]!]);
  });
});

describe('saving', () => {
  it('13. a pruned model round-trips, and restoreMasks takes its zeros as masks', async () => {
    const model = twoDense();
    const [first, second] = model.layers as [tf.layers.Layer, tf.layers.Layer];
    prune.manualSeed(3);
    prune.randomUnstructured(first, 'weight', 0.3);
    prune.randomUnstructured(second, 'weight', 0.5);
    const store = inMemory();
    await model.save(store);
    const loaded = await tf.loadLayersModel(store);
    expect(prune.isPruned(loaded)).toBe(false);

    const input = tf.randomUniform([4, 10], -1, 1);
    expect(outputOf(loaded, input)).toEqual(outputOf(model, input));
    const restored = expectNoLeak(() => prune.restoreMasks(loaded));
    const [first2, second2] = loaded.layers as [tf.layers.Layer, tf.layers.Layer];
    expect(restored).toEqual([
      [first2, 'weight'],
      [second2, 'weight'],
    ]);
    expect(prune.methodOf(first2, 'weight')).toBeInstanceOf(prune.CustomFromMask);
    expect(flat(first2, 'weight_mask')).toEqual(flat(first, 'weight_mask'));
    expect(flat(second2, 'weight_mask')).toEqual(flat(second, 'weight_mask'));
    expect(outputOf(loaded, input)).toEqual(outputOf(model, input));
  });

  it('29. the state dict of a pruned model has orig and mask in place of the weight', () => {
    const model = twoDense();
    const [first] = model.layers as [tf.layers.Layer];
    const original = flat(first, 'weight');
    prune.l1Unstructured(first, 'weight', 0.9);
    const state = expectNoLeak(() => stateDict(model));
    expect([...state.keys()]).toEqual(['0.weight_orig', '0.weight_mask', '0.bias', '2.weight', '2.bias']);
    expect([...(state.get('0.weight_orig')?.data ?? [])]).toEqual(original);
    expect([...(state.get('0.weight_mask')?.data ?? [])].filter((bit) => bit === 1)).toHaveLength(10);
  });

  it('30. after remove it has plain keys, and loads into a fresh model', () => {
    const model = twoDense();
    const [first] = model.layers as [tf.layers.Layer];
    prune.remove(prune.l1Unstructured(first, 'weight', 0.9), 'weight');
    const state = stateDict(model);
    expect([...state.keys()]).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
    const fresh = twoDense();
    expect(expectNoLeak(() => loadStateDict(fresh, state))).toEqual({ missing: [], unexpected: [] });
    expect(flat(fresh.layers[0]!, 'weight')).toEqual(flat(first, 'weight'));
    expect(prune.isPruned(fresh)).toBe(false);
    const input = tf.randomUniform([4, 10], -1, 1);
    expect(outputOf(fresh, input)).toEqual(outputOf(model, input));
  });
});

describe('global pruning', () => {
  it('25. ranks all parameters together', () => {
    const [first, second] = [linear(matrix17), linear([[0, 0.1, -2]])];
    prune.globalUnstructured(
      [
        [first, 'weight'],
        [second, 'weight'],
      ],
      prune.L1Unstructured,
      { amount: 4 },
    );
    expect(read(first, 'weight')).toEqual([
      [0, 2, 3, 4],
      [-4, -3, -2, 0],
    ]);
    expect(read(second, 'weight')).toEqual([[0, 0, -2]]);
    for (const layer of [first, second]) {
      expect(prune.methodOf(layer, 'weight')).toBeInstanceOf(prune.CustomFromMask);
    }
  });

  it('26. follows importance scores', () => {
    const [first, second] = [linear(matrix17), linear([[0, 0.1, -2]])];
    const importanceScores = new Map([
      [first, { weight: tf.tensor2d(scores18) }],
      [second, { weight: tf.tensor2d([[0, 10, -0.2]]) }],
    ]);
    prune.globalUnstructured(
      [
        [first, 'weight'],
        [second, 'weight'],
      ],
      prune.L1Unstructured,
      { amount: 4, importanceScores },
    );
    expect(read(first, 'weight')).toEqual([
      [1, 2, 0, 4],
      [-4, 0, -2, -1],
    ]);
    expect(flat(second, 'weight')).toBeAllClose([0, 0.1, 0]);
  });
});

describe('recurrent layers', () => {
  it("34. an LSTM's kernels prune and remove like any other, and its trainable list stays right", () => {
    const layer = built(tf.layers.lstm({ units: 32 }), [4, 32]);
    const trainable = [...layer.trainableWeights];
    const input = tf.randomUniform([2, 4, 32], -1, 1);
    expect(trainable).toHaveLength(3);
    const sameList = () => {
      expect(layer.trainableWeights).toHaveLength(3);
      for (const [i, weight] of trainable.entries()) expect(layer.trainableWeights[i]).toBe(weight);
    };
    for (const name of ['weight_ih_l0', 'weight_hh_l0']) {
      prune.l1Unstructured(layer, name, 0.5);
      expect(flat(layer, `${name}_mask`).filter((bit) => bit === 0)).toHaveLength((4 * 32 * 32) / 2);
      sameList();
    }
    const pruned = outputOf(layer, input);
    for (const name of ['weight_ih_l0', 'weight_hh_l0']) {
      prune.remove(layer, name);
      sameList();
      expect(flat(layer, name).filter((value) => value === 0)).toHaveLength((4 * 32 * 32) / 2);
    }
    expect(prune.isPruned(layer)).toBe(false);
    expect(outputOf(layer, input)).toEqual(pruned);
  });
});
