import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { groupsOf, strongestOfEach } from '../../support/blocks-by-hand';
import { built, flat, linear } from '../../support/layers';
import { type LayerKind, layerKinds } from '../core/layer-kinds';

function made({ make, input }: LayerKind): tf.layers.Layer {
  const t = input();
  const layer = built(make(), t.shape.slice(1));
  t.dispose();
  return layer;
}

const ones = (size: number): number[] => Array<number>(size).fill(1);

describe.each(layerKinds.filter((kind) => kind.in !== undefined).map((kind) => [kind.title, kind] as const))(
  '1:2 of %s',
  (_, kind) => {
    it('leaves one of two input channels at each tap, by either name', () => {
      const [torch, tfjs] = [made(kind), made(kind)];
      prune.semiStructured(torch, 'weight', 1, 2);
      prune.semiStructured(tfjs, kind.tfjs, 1, 2);
      const values = flat(torch, 'weight_orig');
      const groups = groupsOf(kind.torchShape, kind.in!, 2);
      const expected = strongestOfEach(values, ones(values.length), groups, 1);
      expect(flat(torch, 'weight_mask')).toEqual(expected);
      expect(flat(tfjs, 'weight_mask')).toEqual(expected);
    });
  },
);

describe('semiStructured', () => {
  it.each([
    [2, 4],
    [4, 8],
  ])('%i:%i leaves half of the weights', (n, m) => {
    const layer = built(tf.layers.conv2d({ filters: 3, kernelSize: 3 }), [6, 6, 16]);
    prune.semiStructured(layer, 'weight', n, m);
    expect(prune.sparsity(layer, 'weight').sparsity).toBe(0.5);
    const mask = flat(layer, 'weight_mask');
    for (const group of groupsOf([3, 16, 3, 3], 1, m))
      expect(group.filter((position) => mask[position] === 1)).toHaveLength(n);
  });

  it('leaves the filters of a depthwise convolution whole: each has one input channel', () => {
    const layer = built(tf.layers.depthwiseConv2d({ kernelSize: 3 }), [6, 6, 8]);
    expect(prune.sparsity(prune.semiStructured(layer, 'weight', 2, 4), 'weight').zeros).toBe(0);
  });

  it('goes along the axis that dim says, in the layout of the name', () => {
    const [torch, tfjs] = [
      built(tf.layers.dense({ units: 8 }), [3]),
      built(tf.layers.dense({ units: 8 }), [3]),
    ];
    prune.semiStructured(torch, 'weight', 2, 4, { dim: 0 });
    prune.semiStructured(tfjs, 'kernel', 2, 4, { dim: 'out' });
    const expected = strongestOfEach(flat(torch, 'weight_orig'), ones(24), groupsOf([8, 3], 0, 4), 2);
    expect(flat(torch, 'weight_mask')).toEqual(expected);
    expect(flat(tfjs, 'weight_mask')).toEqual(expected);
  });

  it('goes on where other prunings stopped, and joins them', () => {
    const layer = linear([[9, 8, 1, 2, 5, 6, 7, 8]]);
    prune.customFromMask(layer, 'weight', [[0, 1, 1, 1, 0, 0, 0, 1]]);
    prune.semiStructured(layer, 'weight', 2, 4);
    expect(flat(layer, 'weight')).toEqual([0, 8, 0, 2, 0, 0, 0, 8]);
    const names = [...(prune.methodOf(layer, 'weight') as prune.PruningContainer)].map(
      (method) => method.constructor.name,
    );
    expect(names).toEqual(['CustomFromMask', 'SemiStructured']);
    prune.revert(layer, 'weight');
    expect(flat(layer, 'weight')).toEqual([9, 8, 1, 2, 5, 6, 7, 8]);
  });

  it('ranks by importance scores in place of the weights', () => {
    const layer = linear([[9, 9, 1, 1]]);
    prune.semiStructured(layer, 'weight', 2, 4, { importanceScores: tf.tensor2d([[0, 1, 2, 3]]) });
    expect(flat(layer, 'weight')).toEqual([0, 0, 1, 1]);
  });

  it('is a method that says what it was made from', () => {
    expect(new prune.SemiStructured(2, 4)).toMatchObject({ n: 2, m: 4, dim: 'in' });
    const pruned = new prune.SemiStructured(1, 2, { dim: 1 }).prune(tf.tensor2d([[1, 2, -4, 3]]));
    expect([...pruned.dataSync()]).toEqual([0, 2, -4, 0]);
  });
});
