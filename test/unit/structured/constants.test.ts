import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { expectEqualOutputs, outputsOf, randomize, savedAndLoaded } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;
const first = 'channelsFirst' as const;

/** Zeroes what makes channel 1 of the layer `a`, in all of its kernels and, of a recurrent one, all of its gates. */
function zeroIn(model: tf.LayersModel, outFromEnd = 1): tf.LayersModel {
  const layer = model.getLayer('a');
  const gates = { GRU: 3, LSTM: 4 }[layer.getClassName()] ?? 1;
  tf.tidy(() =>
    layer.setWeights(
      layer.getWeights().map((weight) => {
        if (weight.rank < 2) return weight;
        const axis = weight.rank - outFromEnd;
        const size = weight.shape[axis]!;
        const keep = [...Array(size).keys()].map((i) => (i % (size / gates) === 1 ? 0 : 1));
        return weight.mul(
          tf.tensor(
            keep,
            weight.shape.map((n, i) => (i === axis ? n : 1)),
          ),
        );
      }),
    ),
  );
  return model;
}

/** Zeroes what the units of a recurrent layer `a` read of unit 1. */
function zeroRow(model: tf.LayersModel): tf.LayersModel {
  const layer = model.getLayer('a');
  tf.tidy(() => {
    const [kernel, recurrent, ...rest] = layer.getWeights();
    const units = recurrent!.shape[0]!;
    const keep = tf.tensor2d([...Array(units).keys()].map((i) => [i === 1 ? 0 : 1]));
    layer.setWeights([kernel!, recurrent!.mul(keep), ...rest]);
  });
  return model;
}

const modelOf = (layers: readonly tf.layers.Layer[]): tf.LayersModel =>
  randomize(tf.sequential({ layers: [...layers] }), 3);

/** Channel 1 of `a` goes, what it gave is taken over by these layers, and outputs are equal, also saved and loaded. */
async function expectGone(model: tf.LayersModel, takers: readonly string[]): Promise<void> {
  const plan = expectNoLeak(() => planFromMasks(model));
  const own = plan.groups.find(({ id }) => id === 'a')!;
  expect(own.kept.filter(({ channels }) => channels.includes(1))).toEqual([]);
  expect(own.remove).toEqual([1]);
  expect(plan.shifts.map(({ layer }) => layer)).toEqual(takers);
  const { model: slim } = applyPlan(model, JSON.parse(JSON.stringify(plan)));
  expect(slim.countParams()).toBeLessThan(model.countParams() + 1);
  expectEqualOutputs(outputsOf(slim), outputsOf(model));
  expectEqualOutputs(outputsOf(await savedAndLoaded(slim)), outputsOf(model));
}

/** Channel 1 of `a` stays, for this reason. */
function expectKept(model: tf.LayersModel, reason: string): void {
  const plan = planFromMasks(model);
  const own = plan.groups.find(({ id }) => id === 'a')!;
  expect(own.remove).toEqual([]);
  expect(own.kept).toEqual([{ channels: [1], reason }]);
}

const out = () => L.dense({ units: 2, name: 'out' });
const sequence = () => L.dense({ units: 4, name: 'a', inputShape: [5, 3] });
const image = () => L.conv2d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [4, 5, 3] });
const firstImage = () =>
  L.conv2d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [3, 4, 5], dataFormat: first });
const volume = () => L.conv3d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [3, 3, 3, 2] });

describe('a constant is taken over by the bias of what reads it', () => {
  const cases: Record<string, () => [tf.layers.Layer[], string[]]> = {
    'a TimeDistributed Dense': () => [
      [sequence(), L.timeDistributed({ layer: L.dense({ units: 2 }), name: 'b' })],
      ['b'],
    ],
    'a TimeDistributed Dense without a bias': () => [
      [sequence(), L.timeDistributed({ layer: L.dense({ units: 2, useBias: false }), name: 'b' })],
      ['b'],
    ],
    'a TimeDistributed Conv1D': () => [
      [image(), L.timeDistributed({ layer: L.conv1d({ filters: 2, kernelSize: 2 }), name: 'b' })],
      ['b'],
    ],
    'a TimeDistributed LSTM': () => [
      [image(), L.timeDistributed({ layer: L.lstm({ units: 2 }) as tf.RNN, name: 'b' })],
      ['b'],
    ],
    'a model in a TimeDistributed': () => {
      const within = tf.sequential({
        layers: [L.dense({ units: 3, name: 'b', inputShape: [4] }), L.dense({ units: 2 })],
      });
      return [[sequence(), L.timeDistributed({ layer: within, name: 'td' })], ['td/b']];
    },
    'a Conv1D': () => [[sequence(), L.conv1d({ filters: 2, kernelSize: 2, strides: 2, name: 'b' })], ['b']],
    'a Conv3D': () => [[volume(), L.conv3d({ filters: 2, kernelSize: 2, name: 'b' })], ['b']],
    'a Conv3DTranspose of single values': () => [
      [volume(), L.conv3dTranspose({ filters: 2, kernelSize: 1, name: 'b' })],
      ['b'],
    ],
    'a Conv2DTranspose of single values': () => [
      [image(), L.conv2dTranspose({ filters: 2, kernelSize: 1, name: 'b' })],
      ['b'],
    ],
    'a SeparableConv2D': () => [
      [image(), L.separableConv2d({ filters: 2, kernelSize: 2, name: 'b', useBias: false })],
      ['b'],
    ],
    'a Conv2D whose channels are first': () => [
      [firstImage(), L.conv2d({ filters: 2, kernelSize: 2, name: 'b', dataFormat: first, useBias: false })],
      ['b'],
    ],
    'a Conv2DTranspose whose channels are first': () => [
      [firstImage(), L.conv2dTranspose({ filters: 2, kernelSize: 1, name: 'b', dataFormat: first })],
      ['b'],
    ],
    // Every output meets the middle of the kernel and nothing else.
    'a Conv2D that pads a single pixel': () => [
      [
        L.dense({ units: 4, name: 'a', inputShape: [1, 1, 3] }),
        L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }),
      ],
      ['b'],
    ],
    'a SimpleRNN': () => [[sequence(), L.simpleRNN({ units: 3, name: 'b' })], ['b']],
    'a GRU': () => [[sequence(), L.gru({ units: 3, name: 'b', returnSequences: true })], ['b']],
    'a GRU without a bias': () => [[sequence(), L.gru({ units: 3, name: 'b', useBias: false })], ['b']],
    'an LSTM': () => [[sequence(), L.lstm({ units: 3, name: 'b', goBackwards: true })], ['b']],
    'an LSTM without a bias': () => [[sequence(), L.lstm({ units: 3, name: 'b', useBias: false })], ['b']],
    'a Bidirectional GRU, in both directions': () => [
      [sequence(), L.bidirectional({ layer: L.gru({ units: 3 }) as tf.RNN, mergeMode: 'sum', name: 'b' })],
      ['b', 'b'],
    ],
    'a Bidirectional LSTM without a bias': () => [
      [
        sequence(),
        L.bidirectional({
          layer: L.lstm({ units: 3, useBias: false }) as tf.RNN,
          mergeMode: 'concat',
          name: 'b',
        }),
      ],
      ['b', 'b'],
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    it(`of ${name}`, async () => {
      const [layers, takers] = make();
      const { outputShape } = tf.sequential({ layers });
      const flat = outputShape.length > 2 ? [L.flatten()] : [];
      await expectGone(zeroIn(modelOf([...layers, ...flat, out()])), takers);
    });
  }

  it('of a Conv2DTranspose whose kernel adds the same everywhere', async () => {
    const model = zeroIn(
      modelOf([
        image(),
        L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, name: 'b' }),
        L.flatten(),
        out(),
      ]),
    );
    expectKept(model, "'b' adds another sum of its kernel at other positions, so no bias can take them over");
    tf.tidy(() => model.getLayer('b').setWeights([tf.ones([2, 2, 2, 4]), tf.ones([2])]));
    await expectGone(model, ['b']);
  });

  it('but not of a Conv2D that pads, unless the border of its kernel is zero', async () => {
    const model = zeroIn(
      modelOf([
        image(),
        L.conv2d({ filters: 2, kernelSize: 3, padding: 'same', name: 'b' }),
        L.flatten(),
        out(),
      ]),
    );
    expectKept(model, "'b' pads them, so that 'b' does not read a constant at the borders");
    const middle = tf.tidy(() =>
      tf.pad(tf.randomNormal([1, 1, 4, 2], 0, 1, 'float32', 4), [
        [1, 1],
        [1, 1],
        [0, 0],
        [0, 0],
      ]),
    );
    tf.tidy(() => model.getLayer('b').setWeights([middle, tf.ones([2])]));
    await expectGone(model, ['b']);
  });
});

describe('a constant is passed on', () => {
  const distributed = (layer: tf.layers.Layer) => L.timeDistributed({ layer });
  const cases: Record<string, () => tf.layers.Layer[]> = {
    'by a TimeDistributed Dense that makes it': () => [
      L.timeDistributed({ layer: L.dense({ units: 4, activation: 'tanh' }), name: 'a', inputShape: [5, 3] }),
    ],
    'by a TimeDistributed BatchNormalization': () => [sequence(), distributed(L.batchNormalization())],
    'by a TimeDistributed activation': () => [
      sequence(),
      distributed(L.activation({ activation: 'sigmoid' })),
    ],
    'by a TimeDistributed LeakyReLU': () => [sequence(), distributed(L.leakyReLU())],
    'by a TimeDistributed Flatten': () => [image(), distributed(L.flatten())],
    'by a TimeDistributed model': () => [
      sequence(),
      distributed(
        tf.sequential({ layers: [L.activation({ activation: 'tanh', inputShape: [4] }), L.leakyReLU()] }),
      ),
    ],
    'by a Permute': () => [sequence(), L.permute({ dims: [2, 1] }), L.flatten()],
    'by a Permute of an image': () => [image(), L.permute({ dims: [3, 1, 2] }), L.flatten()],
    'by a Reshape': () => [image(), L.reshape({ targetShape: [20, 4] }), L.prelu({ sharedAxes: [1] })],
    'by a Reshape that puts them together': () => [image(), L.reshape({ targetShape: [4, 20] })],
    'by a PReLU of many slopes': () => [sequence(), L.prelu(), L.flatten()],
    'by a RepeatVector': () => [L.dense({ units: 4, name: 'a', inputShape: [3] }), L.repeatVector({ n: 3 })],
    'where channels are first': () =>
      [
        firstImage(),
        L.batchNormalization({ axis: 1, name: 'skipped' }),
        L.prelu({ sharedAxes: [2, 3] }),
        L.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, dataFormat: first }),
        L.maxPooling2d({ poolSize: 2, dataFormat: first }),
        L.upSampling2d({ dataFormat: first }),
        L.flatten({ dataFormat: first }),
      ].filter(({ name }) => name !== 'skipped'),
    'by a global pooling of channels that are first': () => [
      firstImage(),
      L.globalAveragePooling2d({ dataFormat: first }),
    ],
    'by a Conv2DTranspose that makes it': () => [
      L.conv2dTranspose({ filters: 4, kernelSize: 2, name: 'a', inputShape: [2, 2, 3] }),
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    it(name, async () => {
      const layers = make();
      const isTransposed = layers[0]!.getClassName() === 'Conv2DTranspose';
      await expectGone(zeroIn(modelOf([...layers, out()]), isTransposed ? 2 : 1), ['out']);
    });
  }

  it('by a layer of sums whose other terms are zero', async () => {
    const model = zeroIn(modelOf([sequence(), L.dense({ units: 3, name: 'b', useBias: false }), out()]));
    // Unit 1 of b reads nothing but the constant, so it is one too.
    const kernel = tf.tensor2d([1, 0, 2, 3, 5, 4, 6, 0, 7, 8, 0, 9], [4, 3]);
    model.getLayer('b').setWeights([kernel]);
    const plan = planFromMasks(model);
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[1], [1], []]);
    expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
  });
});

describe('a unit of a recurrent layer without weights', () => {
  const inputShape = [5, 3];
  const kinds = { SimpleRNN: L.simpleRNN, GRU: L.gru, LSTM: L.lstm } as const;
  for (const [kind, make] of Object.entries(kinds)) {
    it(`of a ${kind} goes: its last state is the same for every input`, async () => {
      await expectGone(zeroRow(zeroIn(modelOf([make({ units: 4, name: 'a', inputShape }), out()]))), ['out']);
    });

    it(`of a ${kind} goes from all steps where they are read apart`, async () => {
      const layers = [make({ units: 4, name: 'a', inputShape, returnSequences: true }), L.flatten(), out()];
      await expectGone(zeroRow(zeroIn(modelOf(layers))), ['out']);
    });

    it(`of a ${kind} goes where their mean is read`, async () => {
      const layers = [
        make({ units: 4, name: 'a', inputShape, returnSequences: true }),
        L.globalAveragePooling1d(),
        out(),
      ];
      await expectGone(zeroRow(zeroIn(modelOf(layers))), ['out']);
    });

    it(`of a ${kind} stays where the others read it, which find zero at first`, () => {
      const model = zeroIn(modelOf([make({ units: 4, name: 'a', inputShape }), out()]));
      expectKept(model, "'a' reads its own states of them, which are not zero at all steps");
    });

    it(`of a ${kind} goes where the others read it, if it is zero`, async () => {
      const model = zeroIn(modelOf([make({ units: 4, name: 'a', inputShape, useBias: false }), out()]));
      await expectGone(model, []);
    });

    it(`of a ${kind} that begins where it ended stays if it may change`, () => {
      const layers = [
        make({ units: 4, name: 'a', batchInputShape: [2, ...inputShape], stateful: true }),
        out(),
      ];
      const model = zeroRow(zeroIn(modelOf(layers)));
      // That of a SimpleRNN does not depend on where it began.
      if (kind === 'SimpleRNN') expect(planFromMasks(model).groups[0]!.remove).toEqual([1]);
      else expectKept(model, "'a' has zeros for them, but 'a' begins with states that are not known");
    });
  }

  it('goes from each step of a SimpleRNN, whose states are alike', async () => {
    const layers = [L.simpleRNN({ units: 4, name: 'a', inputShape, returnSequences: true }), out()];
    await expectGone(zeroRow(zeroIn(modelOf(layers))), ['out']);
  });

  for (const [kind, make] of [
    ['GRU', L.gru],
    ['LSTM', L.lstm],
  ] as const) {
    it(`stays at each step of a ${kind}, whose states differ`, () => {
      const layers = [make({ units: 4, name: 'a', inputShape, returnSequences: true }), out()];
      const differ =
        "'out' reads them as values that differ from position to position, which no bias can take over";
      expectKept(zeroRow(zeroIn(modelOf(layers))), `'a' has zeros for them, but ${differ}`);
    });

    it(`stays where the number of steps of a ${kind} is open`, () => {
      const model = zeroRow(
        zeroIn(modelOf([make({ units: 4, name: 'a', inputShape: [null as unknown as number, 3] }), out()])),
      );
      const own = planFromMasks(model, { inputShapes: [[5, 3]] }).groups[0]!;
      expect(own.remove).toEqual([]);
      expect(own.kept[0]!.reason).toContain(
        "'a' changes them from step to step, and the number of steps is open",
      );
    });
  }

  it('stays where steps may be masked', () => {
    const embedding = L.embedding({ inputDim: 5, outputDim: 3, inputLength: 5, maskZero: true });
    const model = zeroRow(zeroIn(modelOf([embedding, L.lstm({ units: 4, name: 'a' }), out()])));
    const own = planFromMasks(model).groups.find(({ id }) => id === 'a')!;
    expect(own.kept[0]!.reason).toContain("'a' leaves out the steps that a mask says");
  });
});

describe('the reason of a channel that stays', () => {
  const reasonOf = (model: tf.LayersModel): string => {
    const own = planFromMasks(model).groups.find(({ id }) => id === 'a')!;
    expect(own.remove).toEqual([]);
    expect(own.kept.map(({ channels }) => channels)).toEqual([[1]]);
    return own.kept[0]!.reason;
  };

  it('names a layer through which it is not followed', () => {
    const model = zeroIn(modelOf([sequence(), L.layerNormalization({ axis: 1, name: 'norm' }), out()]));
    expect(reasonOf(model)).toBe(
      "'a' has zeros for them, but 'norm' is a LayerNormalization, through which constants are not followed",
    );
  });

  it('names an activation through which it is not followed', () => {
    const permuted = [L.permute({ dims: [2, 1] }), L.activation({ activation: 'softmax', name: 'soft' })];
    const model = zeroIn(modelOf([sequence(), ...permuted, L.flatten(), out()]));
    expect(reasonOf(model)).toBe(
      "'a' has zeros for them, but 'soft' has an activation through which constants are not followed",
    );
  });

  it('names a layer within that changes from step to step', () => {
    const lstm = L.lstm({ units: 4, name: 'a', inputShape: [5, 3], returnSequences: true });
    const within = tf.sequential({ layers: [L.dense({ units: 2, name: 'b', inputShape: [4] })] });
    const model = zeroRow(
      zeroIn(modelOf([lstm, L.timeDistributed({ layer: within, name: 'td' }), L.flatten(), out()])),
    );
    expect(reasonOf(model)).toBe("'a' has zeros for them, but 'td' gets another constant at each step");
  });

  it('names a layer that reads it twice, each time as another constant', () => {
    const input = tf.input({ shape: [3] });
    const a = L.dense({ units: 4, name: 'a' }).apply(input) as tf.SymbolicTensor;
    const shared = L.dense({ units: 2, name: 'shared' });
    const both = [a, L.activation({ activation: 'tanh' }).apply(a) as tf.SymbolicTensor];
    const read = both.map((each) => shared.apply(each) as tf.SymbolicTensor);
    const outputs = L.concatenate().apply(read) as tf.SymbolicTensor;
    const model = zeroIn(randomize(tf.model({ inputs: input, outputs }), 3));
    expect(reasonOf(model)).toBe(
      "'a' has zeros for them, but 'shared' reads another constant in each of its calls",
    );
  });

  it('names what depends on the input where that is so', () => {
    const input = tf.input({ shape: [3] });
    const [a, b] = ['a', 'b'].map((name) => L.dense({ units: 4, name }).apply(input) as tf.SymbolicTensor);
    const shared = L.dense({ units: 2, name: 'shared' });
    const read = [a!, b!].map((each) => shared.apply(each) as tf.SymbolicTensor);
    const outputs = L.concatenate().apply(read) as tf.SymbolicTensor;
    const model = zeroIn(randomize(tf.model({ inputs: input, outputs }), 3));
    expect(reasonOf(model)).toBe(
      "'a' has zeros for them, but what 'shared' reads of them depends on the input",
    );
  });
});
