import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { blocksLeft, groupsOf, withoutWeakest } from '../../support/blocks-by-hand';
import { built, flat, linear, shapeOf } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { expectRefused } from '../../support/trace';
import { type LayerKind, layerKinds } from '../core/layer-kinds';

type Pair = [tf.layers.Layer, string];

/** A layer of this kind whose weights differ from one another. */
function made({ make, input }: LayerKind): tf.layers.Layer {
  const t = input();
  const layer = built(make(), t.shape.slice(1));
  t.dispose();
  return layer;
}

const ones = (size: number): number[] => Array<number>(size).fill(1);

describe.each(layerKinds.filter(({ out }) => out !== undefined).map((kind) => [kind.title, kind] as const))(
  'blocks of %s',
  (_, kind) => {
    it('are those that sorting gives in PyTorch’s layout, by either name', () => {
      const [torch, tfjs] = [made(kind), made(kind)];
      prune.blockStructured(torch, 'weight', 0.5, { size: 2 });
      prune.blockStructured(tfjs, kind.tfjs, 0.5, { size: 2 });
      const values = flat(torch, 'weight_orig');
      const blocks = groupsOf(kind.torchShape, kind.out!, 2);
      const half = Math.floor(blocks.length / 2);
      const expected = withoutWeakest(values, ones(values.length), blocks, half, 2);
      expect(flat(torch, 'weight_mask')).toEqual(expected);
      expect(flat(tfjs, 'weight_mask')).toEqual(expected);
    });
  },
);

describe('blockStructured', () => {
  it('prunes depthwise kernels, whose channels PyTorch counts together with the multiplier', () => {
    const kind = layerKinds.find(({ title }) => title === 'DepthwiseConv2D')!;
    const layer = prune.blockStructured(made(kind), 'weight', 7, { size: 4, n: 1 });
    const values = flat(layer, 'weight_orig');
    const blocks = groupsOf(kind.torchShape, 0, 4);
    expect(flat(layer, 'weight_mask')).toEqual(withoutWeakest(values, ones(values.length), blocks, 7, 1));
  });

  it('makes blocks of a GRU’s gates in the order of PyTorch’s', () => {
    const layer = built(tf.layers.gru({ units: 3, recurrentActivation: 'sigmoid' }), [5, 4]);
    prune.blockStructured(layer, 'weight_ih_l0', 0.5, { size: 2 });
    const values = flat(layer, 'weight_ih_l0_orig');
    const blocks = groupsOf([9, 4], 0, 2);
    expect(flat(layer, 'weight_ih_l0_mask')).toEqual(withoutWeakest(values, ones(36), blocks, 10, 2));
  });

  it('goes along the axis that dim says, in the layout of the name', () => {
    const [byWord, torch, tfjs] = [1, 2, 3].map(() => built(tf.layers.dense({ units: 6 }), [8]));
    prune.blockStructured(byWord!, 'weight', 9, { size: 4, dim: 'in' });
    prune.blockStructured(torch!, 'weight', 9, { size: 4, dim: 1 });
    prune.blockStructured(tfjs!, 'kernel', 9, { size: 4, dim: -2 });
    const values = flat(torch!, 'weight_orig');
    const expected = withoutWeakest(values, ones(48), groupsOf([6, 8], 1, 4), 9, 2);
    for (const layer of [byWord!, torch!, tfjs!]) expect(flat(layer, 'weight_mask')).toEqual(expected);
  });

  it('goes on where other prunings stopped, and joins them', () => {
    const layer = built(tf.layers.dense({ units: 7 }), [6]);
    prune.l1Unstructured(layer, 'weight', 0.6);
    const before = flat(layer, 'weight_mask');
    prune.blockStructured(layer, 'weight', 0.25, { size: 3 });
    const left = blocksLeft(before, groupsOf([7, 6], 0, 3));
    const after = flat(layer, 'weight_mask');
    const values = flat(layer, 'weight_orig');
    expect(after).toEqual(withoutWeakest(values, before, left, Math.round(left.length / 4), 2));
    const history = prune.methodOf(layer, 'weight');
    expect(history).toBeInstanceOf(prune.PruningContainer);
    const names = [...(history as prune.PruningContainer)].map((method) => method.constructor.name);
    expect(names).toEqual(['L1Unstructured', 'BlockStructured']);
    prune.revert(layer, 'weight');
    expect(flat(layer, 'weight')).toEqual(values);
  });

  it('ranks by importance scores in place of the weights', () => {
    const layer = linear([
      [9, 1],
      [9, 1],
    ]);
    const importanceScores = tf.tensor2d([
      [0, 5],
      [1, 0],
    ]);
    prune.blockStructured(layer, 'weight', 1, { size: 2, importanceScores });
    expect(flat(layer, 'weight')).toEqual([0, 1, 0, 1]);
  });

  it('is a method that says what it was made from', () => {
    const method = new prune.BlockStructured(0.5);
    expect(method).toMatchObject({ amount: { fraction: 0.5 }, size: 16, n: 2, dim: 'out' });
    const t = tf.tensor2d([[1], [2], [3], [4]]);
    const pruned = new prune.BlockStructured(1, { size: 2, dim: 0 }).prune(t);
    expect([...pruned.dataSync()]).toEqual([0, 0, 3, 4]);
    expect(() => method.prune(t)).toThrow(/dim must be a number/);
  });
});

describe('globalBlockStructured', () => {
  const layers = (): Pair[] => [
    [built(tf.layers.conv2d({ filters: 6, kernelSize: 3 }), [8, 8, 3]), 'weight'],
    [built(tf.layers.dense({ units: 5 }), [7]), 'kernel'],
  ];

  it('ranks the blocks of all parameters together', () => {
    const [[conv, name], [dense, kernel]] = layers() as [Pair, Pair];
    expect(
      prune.globalBlockStructured(
        [
          [conv, name],
          [dense, kernel],
        ],
        0.6,
        { size: 4, n: 1 },
      ),
    ).toBeUndefined();
    const values = [...flat(conv, 'weight_orig'), ...flat(dense, 'weight_orig')];
    const start = shapeOf(conv, 'weight').reduce((product, length) => product * length, 1);
    const blocks = [
      ...groupsOf([6, 3, 3, 3], 0, 4),
      ...groupsOf([5, 7], 0, 4).map((block) => block.map((position) => start + position)),
    ];
    const expected = withoutWeakest(values, ones(values.length), blocks, Math.round(0.6 * blocks.length), 1);
    expect([...flat(conv, 'weight_mask'), ...flat(dense, 'weight_mask')]).toEqual(expected);
    expect(prune.methodOf(conv, 'weight')).toBeInstanceOf(prune.CustomFromMask);
  });

  it('ranks by importance scores where there are some', () => {
    const [strong, weak] = [linear([[9], [9]]), linear([[1], [1]])];
    const importanceScores = new Map([[strong, { weight: tf.zeros([2, 1]) }]]);
    const both: Pair[] = [
      [strong, 'weight'],
      [weak, 'weight'],
    ];
    prune.globalBlockStructured(both, 1, { size: 2, importanceScores });
    expect([...flat(strong, 'weight'), ...flat(weak, 'weight')]).toEqual([0, 0, 1, 1]);
  });

  it('prunes a whole model, nothing leaks', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 16, kernelSize: 3, inputShape: [8, 8, 2] }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 8 }),
      ],
    });
    expectNoLeak(() => prune.globalBlockStructured(prune.parameters(model), 0.75, { size: 8 }));
    expect(prune.sparsity(model).sparsity).toBeCloseTo(0.75, 3);
  });

  it('refuses what does not fit and changes nothing', () => {
    const parameters = layers();
    const refused = (
      kind: prune.PruneErrorKind,
      says: RegExp,
      amount: unknown,
      options?: unknown,
      list: unknown = parameters,
    ) =>
      expectRefused(
        parameters,
        // What TypeScript would refuse is what plain JavaScript may pass.
        () => prune.globalBlockStructured(list as never, amount as never, options as never),
        kind,
        says,
      );
    refused('amount', /left/, 1e6);
    refused('argument', /amount/, 'half');
    refused('argument', /size/, 0.5, { size: 1 });
    refused('argument', /sizes/, 0.5, { sizes: 8 });
    refused('argument', /iterable/, 0.5, {}, parameters[0]![0]);
    refused('argument', /Map/, 0.5, { importanceScores: {} });
    refused('dim', /'kernel'|'weight'/, 0.5, { dim: 3 });
    const bias: Pair[] = [...parameters, [parameters[1]![0], 'bias']];
    const error = refused('dim', /'bias'/, 0.5, {}, bias);
    expect(error.message).toContain(parameters[1]![0].name);
    refused('argument', /twice/, 0.5, {}, [...parameters, parameters[0]]);
  });
});
