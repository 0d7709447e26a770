import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, fillWeights, flat, linear, read, zeros } from '../../support/layers';
import { expectRefused } from '../../support/trace';

// What goes wrong in PyTorch and must not here.

describe('a second pruning that fails', () => {
  it('leaves the first one working: it can be continued, trained and removed', () => {
    const layer = linear([
      [1, 2, 3, 4],
      [-4, -3, -2, -1],
    ]);
    prune.l1Unstructured(layer, 'weight', 2);
    const method = prune.methodOf(layer, 'weight');
    expectRefused([[layer, 'weight']], () => prune.l1Unstructured(layer, 'weight', 7), 'amount');
    expect(prune.methodOf(layer, 'weight')).toBe(method);
    expect(prune.isPruned(layer)).toBe(true);

    prune.l1Unstructured(layer, 'weight', 2);
    expect(prune.methodOf(layer, 'weight')).toHaveLength(2);
    expect(read(layer, 'weight')).toEqual([
      [0, 0, 3, 4],
      [-4, -3, 0, 0],
    ]);
    tf.train.adam(0.1).minimize(() => tf.sum(layer.apply(tf.ones([1, 4])) as tf.Tensor));
    expect(zeros(layer, 'weight')).toBe(4);
    prune.remove(layer, 'weight');
    expect(prune.isPruned(layer)).toBe(false);
  });

  it('leaves a container as long as it was', () => {
    const layer = built(tf.layers.dense({ units: 4 }), [4]);
    prune.l1Unstructured(layer, 'weight', 2);
    prune.l1Unstructured(layer, 'weight', 2);
    expectRefused([[layer, 'weight']], () => prune.lnStructured(layer, 'weight', 9, 2, 0), 'amount');
    expectRefused([[layer, 'weight']], () => prune.lnStructured(layer, 'weight', 1, 2, 5), 'dim');
    expect(prune.methodOf(layer, 'weight')).toHaveLength(2);
  });
});

describe('a global run', () => {
  it('takes a generator', () => {
    const layers = [linear([[1, 2, 3]]), linear([[4, 0.5, 6]])];
    function* weights(): Generator<[tf.layers.Layer, string]> {
      for (const layer of layers) yield [layer, 'weight'];
    }
    prune.globalUnstructured(weights(), prune.L1Unstructured, { amount: 2 });
    expect(layers.map((layer) => flat(layer, 'weight'))).toEqual([
      [0, 2, 3],
      [4, 0, 6],
    ]);
  });

  it('refuses a parameter that is in the list twice, by one name or by two', () => {
    const layer = linear([[1, 2, 3, 4]]);
    for (const name of ['weight', 'kernel']) {
      const twice: [tf.layers.Layer, string][] = [
        [layer, 'weight'],
        [layer, name],
      ];
      expectRefused(
        [[layer, 'weight']],
        () => prune.globalUnstructured(twice, prune.L1Unstructured, { amount: 0.5 }),
        'argument',
      );
    }
  });
});

describe('loading a pruned network', () => {
  it('restores the masks, without an identity pruning first', () => {
    const make = (): tf.Sequential =>
      tf.sequential({
        layers: [tf.layers.dense({ units: 4, inputShape: [6] }), tf.layers.dense({ units: 2 })],
      });
    const [saved, loaded] = [make(), make()];
    fillWeights(saved);
    prune.l1Unstructured(saved.layers[0]!, 'weight', 0.5);
    loaded.setWeights(saved.getWeights());

    const restored = prune.restoreMasks(loaded);
    expect(restored).toEqual([[loaded.layers[0], 'weight']]);
    expect(flat(loaded.layers[0]!, 'weight_mask')).toEqual(flat(saved.layers[0]!, 'weight_mask'));
    expect(prune.methodOf(loaded.layers[1]!, 'weight')).toBeUndefined();
  });
});

describe('ln_structured', () => {
  it('prunes the weight of a channel and not its bias, as documented', () => {
    const layer = linear(
      [
        [1, 1],
        [5, 5],
      ],
      [7, 8],
    );
    prune.lnStructured(layer, 'weight', 1, 2, 0);
    expect(read(layer, 'weight')).toEqual([
      [0, 0],
      [5, 5],
    ]);
    expect(flat(layer, 'bias')).toEqual([7, 8]);
    expect(prune.methodOf(layer, 'bias')).toBeUndefined();
  });
});

describe('a mask that is not binary', () => {
  it.each([0.5, 2, -1, Number.NaN, Infinity])('is refused: %d', (wrong) => {
    const layer = linear([[1, 2, 3]]);
    const mask = tf.tensor2d([[1, wrong, 0]]);
    for (const call of [
      () => prune.customFromMask(layer, 'weight', mask),
      () => prune.CustomFromMask.apply(layer, 'weight', mask),
      () => new prune.CustomFromMask(mask).applyTo(layer, 'weight'),
    ]) {
      expectRefused([[layer, 'weight']], call, 'argument', /0.*1/);
    }
  });

  it('of booleans or integers is binary', () => {
    for (const dtype of ['bool', 'int32', 'float32'] as const) {
      const layer = linear([[1, 2, 3]]);
      prune.customFromMask(layer, 'weight', tf.tensor2d([[1, 0, 1]], undefined, dtype));
      expect(read(layer, 'weight')).toEqual([[1, 0, 3]]);
    }
    const layer = linear([[1, 2, 3]]);
    prune.customFromMask(layer, 'weight', [[false, true, true]]);
    expect(read(layer, 'weight')).toEqual([[0, 2, 3]]);
  });
});
