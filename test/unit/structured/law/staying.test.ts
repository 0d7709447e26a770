import * as tf from '@tensorflow/tfjs';
import { planChannels } from 'tfjs-prune/structured';
import { beforeAll, describe, expect, it } from 'vitest';
import { pointwiseRules } from '../../../../src/structured/rules/pointwise';
import { shapeRules } from '../../../../src/structured/rules/shape';
import { reasonToStay } from '../../../../src/structured/rules/staying';
import { weightedRules } from '../../../../src/structured/rules/weighted';
import { useBackend } from '../../../support/backend';
import { call, type Symbolic } from '../../sparse/fold-models';
import { dense, halved, input, read, reasons } from './nets';

const L = tf.layers;

/** An activation that tfjs does not have. It mixes channels. */
class Centred extends tf.serialization.Serializable {
  static className = 'centred';
  getConfig(): tf.serialization.ConfigDict {
    return {};
  }
  apply(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => tf.sub(x, tf.mean(x, -1, true)));
  }
}
tf.serialization.registerClass(Centred);

/** A layer that the library cannot know. */
class Mystery extends tf.layers.Layer {
  static className = 'Mystery';
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return [inputs].flat()[0]!;
  }
}
tf.serialization.registerClass(Mystery);

describe('channels stay, and the plan says why', () => {
  beforeAll(() => useBackend('cpu'));

  const turned = () => L.permute({ dims: [2, 1] });
  const turnedImage = [L.reshape({ targetShape: [3, 1, 4] }), L.permute({ dims: [3, 1, 2] })];
  const conv = { filters: 3, kernelSize: 2, padding: 'same', name: 'it' } as const;
  const between: Record<string, tf.layers.Layer[]> = {
    LayerNormalization: [L.layerNormalization({ name: 'it' })],
    softmax: [L.activation({ activation: 'softmax', name: 'it' })],
    // tfjs knows it, its types do not.
    logSoftmax: [L.activation({ activation: 'logSoftmax' as 'softmax', name: 'it' })],
    Softmax: [L.softmax({ axis: -1, name: 'it' })],
    'a batch normalisation along another axis': [L.batchNormalization({ axis: 1, name: 'it' })],
    Masking: [L.masking({ name: 'it' })],
    'a GlobalAveragePooling1D over them': [turned(), L.globalAveragePooling1d({ name: 'it' })],
    'a MaxPooling1D over them': [turned(), L.maxPooling1d({ poolSize: 2, name: 'it' })],
    'a Conv1D over them': [turned(), L.conv1d(conv)],
    'a Conv2D over them': [...turnedImage, L.conv2d(conv)],
    'a DepthwiseConv2D over them': [...turnedImage, L.depthwiseConv2d({ kernelSize: 2, name: 'it' })],
    'a SeparableConv2D over them': [...turnedImage, L.separableConv2d(conv)],
    'a GRU over them': [turned(), L.gru({ units: 3, name: 'it' })],
  };
  for (const [kind, layers] of Object.entries(between)) {
    it(`before ${kind}`, async () => {
      const x = input(3, 2);
      const y = layers.reduce((each, layer) => call(layer, each), call(dense(4, 'a'), x));
      const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), y)));
      expect(sizes('a', 'free')).toEqual([4, 2]);
      expect(reasons(plan, 'a')).toMatch(/'it'/);
    });
  }

  it.each([
    ['a Conv2D', [4, 4, 2], () => L.conv2d({ filters: 4, kernelSize: 2, activation: 'softmax', name: 'it' })],
    [
      'a SeparableConv2D',
      [4, 4, 2],
      () => L.separableConv2d({ filters: 4, kernelSize: 2, activation: 'softmax', name: 'it' }),
    ],
    ['a Dense', [3], () => L.dense({ units: 4, activation: 'softmax', name: 'it' })],
    ['a SimpleRNN', [3, 2], () => L.simpleRNN({ units: 4, activation: 'softmax', name: 'it' })],
    ['the gates of a GRU', [3, 2], () => L.gru({ units: 4, recurrentActivation: 'softmax', name: 'it' })],
  ] as const)('of %s whose activation is a softmax', async (_kind, shape, make) => {
    const x = input(...shape);
    const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), call(make(), x))));
    expect(sizes('it', 'free')).toEqual([4, 2]);
    expect(reasons(plan, 'it')).toContain("the softmax of 'it'");
  });

  it('before a DepthwiseConv2D whose activation is a softmax', async () => {
    const x = input(4, 4, 2);
    const filtered = L.depthwiseConv2d({ kernelSize: 2, activation: 'softmax', name: 'it' });
    const { sizes, plan } = await halved(
      read(x, call(dense(4, 'free'), call(filtered, call(dense(4, 'a'), x)))),
    );
    expect(sizes('a', 'free')).toEqual([4, 2]);
    expect(reasons(plan, 'a')).toContain("the softmax of 'it'");
  });

  it('before an Embedding that looks them up', async () => {
    const x = input(3);
    const tokens = call(L.embedding({ inputDim: 5, outputDim: 4, name: 'it' }), call(dense(4, 'a'), x));
    const model = read(x, tokens);
    const { groups } = await planChannels(model, { ratio: 0.5 });
    expect(groups.map(({ id, remove }) => [id, remove.length])).toEqual([
      ['a', 0],
      ['it', 2],
      ['out', 0],
    ]);
    expect(reasons({ groups }, 'a')).toBe("'it' looks them up");
  });

  it('before a Reshape of a number of steps that is open', async () => {
    const x = tf.input({ shape: [null, 2] });
    const pairs = call(L.reshape({ targetShape: [-1, 2], name: 'it' }), call(dense(4, 'a'), x));
    const sequence = call(L.gru({ units: 4, name: 'free' }), pairs);
    const { groups } = await planChannels(read(x, sequence), { ratio: 0.5 });
    expect(groups.map(({ id, remove }) => [id, remove.length])).toEqual([
      ['a', 0],
      ['free', 2],
      ['out', 0],
    ]);
    expect(reasons({ groups }, 'a')).toContain("'it' mixes them with other axes");
  });

  it('of one that is broadcast, alone as it is', async () => {
    const x = input(3, 2);
    const gated = call(L.multiply({ name: 'it' }), [call(dense(1, 'gate'), x), call(dense(4, 'a'), x)]);
    const { sizes, plan } = await halved(read(x, gated));
    expect(sizes('gate', 'a')).toEqual([1, 2]);
    expect(reasons(plan, 'gate')).toContain("'it' broadcasts them");
  });

  it('that come into a layer which says how many, and is called on others too', async () => {
    const x = input(2);
    const shared = L.reLU({ inputShape: [4], name: 'it' });
    const towers = [4, 6].map((units, i) => call(shared, call(dense(units, 'ab'[i]!), x)));
    const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), call(L.concatenate(), towers))));
    expect(sizes('a', 'b', 'free')).toEqual([4, 6, 2]);
    expect(reasons(plan, 'b')).toContain("'it' is also called on something");
  });

  it('along one axis where both are flattened', async () => {
    const x = input(3, 2);
    const y = call(dense(4, 'free'), call(L.permute({ dims: [2, 1] }), call(dense(4, 'a'), x)));
    const { sizes, plan } = await halved(read(x, y));
    expect(sizes('a', 'free')).toEqual([4, 2]);
    expect(reasons(plan, 'a')).toMatch(/flatten.* mixes/);
  });

  it('before an activation of the caller, by its name', async () => {
    const x = input(3, 2);
    // tfjs finds it by its name, which its types do not know.
    const own = L.dense({ units: 4, activation: 'centred' as 'relu', name: 'it' });
    const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), call(own, x))));
    expect(sizes('it', 'free')).toEqual([4, 2]);
    expect(reasons(plan, 'it')).toContain("activation 'centred' of 'it' is not known");
  });

  it('where they are concatenated before an unknown number of others', async () => {
    const x = input(3, 2);
    const turned = call(L.permute({ dims: [2, 1] }), call(dense(4, 'a'), x));
    const others = call(L.reshape({ targetShape: [-1, 3] }), call(dense(3, 'b'), x));
    const both = [1, 2].map(() => call(L.concatenate({ axis: 1 }), [turned, others]));
    const sequence = call(L.gru({ units: 4, name: 'free' }), call(L.add(), both));
    const { sizes, plan } = await halved(read(x, sequence));
    // b's meet the three steps of the others.
    expect(sizes('a', 'b', 'free')).toEqual([4, 3, 2]);
    expect(reasons(plan, 'a')).toContain('before an unknown number');
  });

  it('before a layer that is not followed', async () => {
    const x = input(3, 2);
    const dot = call(L.dot({ axes: 2, name: 'it' }), [call(dense(4, 'a'), x), call(dense(4, 'b'), x)]);
    const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), dot)));
    expect(sizes('a', 'b', 'free')).toEqual([4, 4, 2]);
    expect(reasons(plan, 'a')).toMatch(/'it' sums products of them/);
  });

  it('where a recurrent layer takes a state from outside', async () => {
    const [x, ...states] = [input(3, 2), input(4), input(4)];
    const sequence = L.lstm({ units: 4, name: 'it' }).apply(x!, { initialState: states }) as Symbolic;
    const { plan } = await halved(read([x!, ...states], call(dense(4, 'free'), sequence)));
    expect(reasons(plan, 'it')).toContain('state');
  });

  it('before a layer that is not known, by its name and class', async () => {
    const x = input(3, 2);
    const own = call(new Mystery({ name: 'it' }), call(dense(4, 'a'), x));
    const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), own)));
    expect(sizes('a', 'free')).toEqual([4, 2]);
    expect(reasons(plan, 'a')).toBe("'it' is a Mystery, which is not known");
  });

  it('before recurrent layers of cells', async () => {
    const cells = L.stackedRNNCells({ cells: [L.gruCell({ units: 3 }), L.lstmCell({ units: 4 })] });
    const x = input(3, 2);
    const sequence = call(L.rnn({ cell: cells, name: 'it' }), call(dense(4, 'a'), x));
    const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), sequence)));
    expect(sizes('a', 'free')).toEqual([4, 2]);
    expect(reasons(plan, 'a')).toBe("'it' has cells that are not followed");
  });

  it('before a ConvLSTM2D', async () => {
    const x = input(2, 4, 4, 2);
    const made = call(L.dense({ units: 4, name: 'a' }), x);
    const steps = call(L.convLstm2d({ filters: 3, kernelSize: 2, name: 'it' }), made);
    const { sizes, plan } = await halved(read(x, call(dense(4, 'free'), steps)));
    expect(sizes('a', 'free')).toEqual([4, 2]);
    expect(reasons(plan, 'a')).toBe("'it' has a cell that is not followed");
  });
});

describe('every layer that tfjs exports', () => {
  const inner = () => L.dense({ units: 2 });
  const cell = () => L.gruCell({ units: 2 });
  const conv = { filters: 2, kernelSize: 1 } as const;
  // What tfjs cannot make a layer without.
  const options: Record<string, object> = {
    inputLayer: { inputShape: [2] },
    embedding: { inputDim: 2, outputDim: 2 },
    repeatVector: { n: 2 },
    reshape: { targetShape: [2] },
    permute: { dims: [1] },
    dot: { axes: 1 },
    rnn: { cell: cell() },
    stackedRNNCells: { cells: [cell()] },
    bidirectional: { layer: L.gru({ units: 2 }), mergeMode: 'concat' },
    timeDistributed: { layer: inner() },
    zeroPadding2d: {},
    cropping2D: { cropping: 1 },
    randomWidth: { factor: 0.5 },
    categoryEncoding: { numTokens: 2 },
    ...Object.fromEntries(['dense', 'simpleRNN', 'gru', 'lstm'].map((kind) => [kind, { units: 2 }])),
    ...Object.fromEntries(
      ['conv1d', 'conv2d', 'conv3d', 'conv2dTranspose', 'conv3dTranspose', 'separableConv2d'].map((kind) => [
        kind,
        conv,
      ]),
    ),
  };
  const cells = /Cell/;
  const factories = Object.entries(L).filter(([kind]) => !/^(Layer|RNN|RNNCell|input)$/.test(kind));

  it('is followed, or keeps what comes in for a reason of its own', () => {
    const followed = new Set([
      ...[...weightedRules.keys(), ...pointwiseRules.keys(), ...shapeRules.keys()],
      ...['InputLayer', 'TimeDistributed', 'Bidirectional'],
    ]);
    const stray = factories.flatMap(([kind, make]) => {
      if (cells.test(kind)) return [];
      // Each factory takes options of its own.
      const layer = (make as (given: object) => tf.layers.Layer)(
        options[kind] ?? {
          ...conv,
          units: 2,
          rate: 0.5,
          stddev: 1,
          height: 2,
          width: 2,
          scale: 2,
          activation: 'relu',
        },
      );
      const className = layer.getClassName();
      return followed.has(className) || !/not known/.test(reasonToStay(className)) ? [] : [className];
    });
    expect(factories.length).toBeGreaterThan(60);
    expect(stray).toEqual([]);
  });
});
