/** The hash that tells whether a plan is for a model. */
import * as tf from '@tensorflow/tfjs';
import { applyPlan, planChannels, planFromMasks, planLayers } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dependencyGraph } from '../../../src/structured/dependency-graph';
import { useBackend } from '../../support/backend';
import { call, savedAndLoaded } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;
const hashOf = (model: tf.LayersModel): string => dependencyGraph(model).topology;
const netOf = (shape: number[], layer: tf.layers.Layer): tf.LayersModel => {
  const inputs = tf.input({ shape, name: 'in' });
  return tf.model({ inputs, outputs: call(layer, inputs) });
};

/** Keeps an option in the way of people who do not write it as tfjs does. */
class Own extends tf.layers.Layer {
  static className = 'TopologyOwn';
  readonly mode: string;
  constructor(options: { mode: string; name?: string }) {
    super(options);
    this.mode = options.mode;
  }
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), mode: this.mode, dim_out: 3, limit: Number.POSITIVE_INFINITY };
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
  override call(input: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return [input].flat()[0]!;
  }
}
tf.serialization.registerClass(Own);

const image = [8, 8, 3];
const conv = { filters: 4, kernelSize: 3, padding: 'same', dilationRate: 2, name: 'it' } as const;
const steps = [5, 4];
/** Pairs of layers with the same weights and output shapes that do something else. */
const pairs: ReadonlyArray<readonly [string, number[], tf.layers.Layer, tf.layers.Layer]> = [
  [
    'activations',
    [4],
    L.dense({ units: 3, name: 'it', activation: 'tanh' }),
    L.dense({ units: 3, name: 'it', activation: 'sigmoid' }),
  ],
  [
    'activations after an addition',
    [4],
    L.activation({ activation: 'hardSigmoid', name: 'it' }),
    L.activation({ activation: 'softsign', name: 'it' }),
  ],
  ['dilations', image, L.conv2d(conv), L.conv2d({ ...conv, dilationRate: 1 })],
  ['slopes', [4], L.leakyReLU({ alpha: 0.1, name: 'it' }), L.leakyReLU({ alpha: 0.2, name: 'it' })],
  ['limits', [4], L.reLU({ name: 'it' }), L.reLU({ maxValue: 6, name: 'it' })],
  [
    'paddings',
    [7, 7, 3],
    L.maxPooling2d({ poolSize: 1, strides: 2, name: 'it' }),
    L.maxPooling2d({ poolSize: 2, strides: 2, padding: 'same', name: 'it' }),
  ],
  [
    'axes',
    [4, 4],
    L.batchNormalization({ axis: 1, name: 'it' }),
    L.batchNormalization({ axis: 2, name: 'it' }),
  ],
  ['orders', [4, 4], L.permute({ dims: [1, 2], name: 'it' }), L.permute({ dims: [2, 1], name: 'it' })],
  [
    'activations within a wrapper',
    steps,
    L.timeDistributed({ layer: L.dense({ units: 3, activation: 'relu6' }), name: 'it' }),
    L.timeDistributed({ layer: L.dense({ units: 3, activation: 'elu' }), name: 'it' }),
  ],
  [
    'merges of two directions',
    steps,
    L.bidirectional({ layer: L.gru({ units: 3 }) as tf.RNN, mergeMode: 'sum', name: 'it' }),
    L.bidirectional({ layer: L.gru({ units: 3 }) as tf.RNN, mergeMode: 'ave', name: 'it' }),
  ],
];

describe('the hash of a model', () => {
  it.each(pairs)(
    'tells %s apart, and is that of the model saved and loaded',
    async (_, shape, one, other) => {
      const models = [netOf(shape, one), netOf(shape, other)];
      const hashes = models.map(hashOf);
      expect(new Set(hashes).size).toBe(2);
      const loaded = await Promise.all(models.map(savedAndLoaded));
      expect(loaded.map(hashOf)).toEqual(hashes);
    },
  );

  it('is that of the model saved and loaded where a layer gets its type from the shape of its input', async () => {
    const model = netOf([4], L.embedding({ inputDim: 5, outputDim: 3, name: 'it' }));
    expect(hashOf(await savedAndLoaded(model))).toBe(hashOf(model));
  });

  it('does not depend on what only training needs', () => {
    const frozen = L.dense({
      units: 3,
      name: 'it',
      trainable: false,
      kernelInitializer: 'zeros',
      biasConstraint: 'nonNeg',
      kernelRegularizer: 'l1l2',
    });
    expect(hashOf(netOf([4], frozen))).toBe(hashOf(netOf([4], L.dense({ units: 3, name: 'it' }))));
  });

  it('is that of the model saved and loaded where a layer writes its options in its own way', async () => {
    const models = ['some_mode', 'Another Mode'].map((mode) => netOf([4], new Own({ mode, name: 'it' })));
    const hashes = models.map(hashOf);
    expect(new Set(hashes).size).toBe(2);
    const loaded = await Promise.all(models.map(savedAndLoaded));
    expect(loaded.map(hashOf)).toEqual(hashes);
  });
});

describe('a name that two layers would have in a plan', () => {
  const within = (name: string): tf.Sequential =>
    tf.sequential({ name: 'a', layers: [L.dense({ units: 6, inputShape: [4], name })] });
  const twoOf = (name: string, inner: string): tf.LayersModel => {
    const inputs = tf.input({ shape: [4] });
    const both = [call(within(inner), inputs), call(L.dense({ units: 6, name }), inputs)];
    return tf.model({ inputs, outputs: call(L.dense({ units: 2, name: 'out' }), call(L.add(), both)) });
  };

  it.each([
    ['a/b', 'b'],
    ['a/c', 'b'],
  ])('is refused: %s beside a model a with a layer %s', async (name, inner) => {
    const model = twoOf(name, inner);
    const refusal = expect.objectContaining({
      name: 'PruneError',
      kind: 'unsupported',
      message: expect.stringContaining(name),
    });
    await expect(planChannels(model, { ratio: 0.5 })).rejects.toThrow(refusal);
    await expect(planLayers(model, { count: 0 })).rejects.toThrow(refusal);
    expect(() => planFromMasks(model)).toThrow(refusal);
  });

  it('is none where only the beginning is alike', async () => {
    const plan = await planChannels(twoOf('a.b', 'b/c'), { ratio: 0.5 });
    expect(plan.groups.map(({ layers }) => [...layers].sort())).toEqual([['a.b', 'a/b/c'], ['out']]);
  });
});

describe('a plan from masks', () => {
  it('is refused by a model with another activation', () => {
    const [tanh, sigmoid] = (['tanh', 'sigmoid'] as const).map((activation) =>
      tf.sequential({
        layers: [
          L.dense({ units: 6, inputShape: [4], name: 'a', activation, kernelInitializer: 'zeros' }),
          L.dense({ units: 2, name: 'b' }),
        ],
      }),
    );
    const plan = planFromMasks(tanh!);
    expect(applyPlan(tanh!, plan).model.countParams()).toBeLessThan(tanh!.countParams());
    const refusal = expect.objectContaining({ name: 'PruneError', kind: 'argument' });
    expect(() => applyPlan(sigmoid!, plan)).toThrow(refusal);
  });
});
