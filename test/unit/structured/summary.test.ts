import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildGraph } from '../../../src/models/resnet-graph';
import { planResNet } from '../../../src/models/resnet-plan';
import { summary } from '../../../src/structured/summary';
import { summaryTable } from '../../../src/structured/summary-table';
import { useBackend } from '../../support/backend';
import { fillWeights } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

function alone(layer: tf.layers.Layer, ...shapes: number[][]): tf.LayersModel {
  const inputs = shapes.map((shape) => tf.input({ shape }));
  const outputs = layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as tf.SymbolicTensor;
  const model = tf.model({ inputs, outputs });
  fillWeights(model);
  return model;
}

const lstm = { units: 4, returnSequences: true };
/** A layer, the shapes it takes, its parameters and its MACs, worked out by hand. */
const BY_HAND: ReadonlyArray<
  readonly [what: string, make: () => tf.layers.Layer, shapes: number[][], parameters: number, macs: number]
> = [
  // 3 taps × 2 → 4 channels, at 6 − 3 + 1 = 4 steps.
  ['Conv1D', () => tf.layers.conv1d({ filters: 4, kernelSize: 3 }), [[6, 2]], 28, 3 * 2 * 4 * 4],
  // Padding is counted: all 5 × 6 positions, strided to 3 × 3.
  [
    'Conv2D with padding and strides',
    () => tf.layers.conv2d({ filters: 7, kernelSize: 3, strides: 2, padding: 'same' }),
    [[5, 6, 2]],
    9 * 2 * 7 + 7,
    9 * 2 * 7 * 3 * 3,
  ],
  [
    'Conv3D',
    () => tf.layers.conv3d({ filters: 2, kernelSize: 2 }),
    [[3, 4, 5, 3]],
    50,
    8 * 3 * 2 * 2 * 3 * 4,
  ],
  // Each of 4 × 5 positions of 3 channels is spread by 2 × 2 taps to 6 channels.
  [
    'Conv2DTranspose',
    () => tf.layers.conv2dTranspose({ filters: 6, kernelSize: 2, strides: 2, useBias: false }),
    [[4, 5, 3]],
    4 * 6 * 3,
    4 * 5 * 3 * 4 * 6,
  ],
  [
    'Conv3DTranspose',
    () => tf.layers.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2, useBias: false }),
    [[2, 3, 4, 5]],
    8 * 2 * 5,
    2 * 3 * 4 * 5 * 8 * 2,
  ],
  // 3 channels × 2, 9 taps each, at 4 × 3 positions.
  [
    'DepthwiseConv2D',
    () => tf.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 }),
    [[6, 5, 3]],
    9 * 6 + 6,
    9 * 6 * 4 * 3,
  ],
  // The depthwise part, then 6 → 4 channels, both at 4 × 3 positions.
  [
    'SeparableConv2D',
    () => tf.layers.separableConv2d({ kernelSize: 3, filters: 4, depthMultiplier: 2 }),
    [[6, 5, 3]],
    9 * 6 + 6 * 4 + 4,
    (9 * 6 + 6 * 4) * 4 * 3,
  ],
  ['Dense', () => tf.layers.dense({ units: 4 }), [[5]], 24, 20],
  ['Dense over a sequence', () => tf.layers.dense({ units: 4 }), [[3, 5]], 24, 3 * 20],
  ['Embedding', () => tf.layers.embedding({ inputDim: 9, outputDim: 4 }), [[3]], 36, 0],
  ['BatchNormalization', () => tf.layers.batchNormalization(), [[3, 3, 4]], 8, 0],
  ['LayerNormalization', () => tf.layers.layerNormalization(), [[3, 4]], 8, 0],
  ['PReLU', () => tf.layers.prelu(), [[4]], 4, 0],
  ['Dot', () => tf.layers.dot({ axes: -1 }), [[5], [5]], 0, 5],
  ['SimpleRNN', () => tf.layers.simpleRNN({ units: 4 }), [[6, 3]], (3 + 4) * 4 + 4, 6 * (3 + 4) * 4],
  ['GRU', () => tf.layers.gru({ units: 4 }), [[6, 3]], 3 * (3 + 4) * 4 + 12, 6 * 3 * (3 + 4) * 4],
  ['LSTM', () => tf.layers.lstm(lstm), [[6, 3]], 4 * (3 + 4) * 4 + 16, 6 * 4 * (3 + 4) * 4],
  [
    'RNN of two cells',
    () =>
      tf.layers.rnn({ cell: [tf.layers.gruCell({ units: 4 }), tf.layers.lstmCell({ units: 2 })] as never }),
    [[6, 3]],
    3 * (3 + 4) * 4 + 12 + (4 * (4 + 2) * 2 + 8),
    6 * (3 * (3 + 4) * 4 + 4 * (4 + 2) * 2),
  ],
  [
    'Bidirectional',
    () => tf.layers.bidirectional({ layer: tf.layers.lstm(lstm) as tf.RNN, mergeMode: 'concat' }),
    [[6, 3]],
    2 * (4 * (3 + 4) * 4 + 16),
    2 * 6 * 4 * (3 + 4) * 4,
  ],
  [
    'TimeDistributed',
    () => tf.layers.timeDistributed({ layer: tf.layers.conv2d({ filters: 2, kernelSize: 3 }) }),
    [[4, 5, 6, 3]],
    9 * 3 * 2 + 2,
    4 * 9 * 3 * 2 * 3 * 4,
  ],
  // Four gates: 9 taps × 3 channels in, at 3 × 4 positions; 9 taps × 2 channels of the state, at the same.
  ...[true, false].map(
    (returnSequences) =>
      [
        `ConvLSTM2D, ${returnSequences ? 'all steps' : 'the last'}`,
        () => tf.layers.convLstm2d({ filters: 2, kernelSize: 3, returnSequences }),
        [[4, 5, 6, 3]],
        9 * 3 * 8 + 9 * 2 * 8 + 8,
        4 * (9 * 3 + 9 * 2) * 8 * 3 * 4,
      ] as const satisfies (typeof BY_HAND)[number],
  ),
  ['Add', () => tf.layers.add(), [[5], [5]], 0, 0],
];

describe('summary counts', () => {
  it.each(BY_HAND)('%s as by hand', (_, make, shapes, parameters, macs) => {
    const counts = summary(alone(make(), ...shapes));
    expect({ parameters: counts.parameters, macs: counts.macs, uncounted: counts.uncounted }).toEqual({
      parameters,
      macs,
      uncounted: [],
    });
    expect(counts.layers).toHaveLength(1);
  });

  // torchvision's weights name 25,557,032 and 11,689,512 parameters, 4.089 and 1.814 billion operations.
  it.each([
    ['resnet18', 11_689_512, 1_814_073_344],
    ['resnet50', 25_557_032, 4_089_184_256],
  ] as const)('%s as torchvision does', (name, parameters, macs) => {
    const counts = summary(buildGraph(planResNet(name), [224, 224, 3]));
    expect(counts).toMatchObject({ parameters, macs, nonzeros: 0, nonzeroMacs: 0, uncounted: [] });
    // The statistics of a BatchNormalization are as many as its scales and shifts.
    const norms = counts.layers.filter(({ className }) => className === 'BatchNormalization');
    expect(counts.buffers).toBe(norms.reduce((sum, layer) => sum + layer.parameters, 0));
  });

  it('zeros out of the multiplications', () => {
    const model = alone(tf.layers.conv2d({ filters: 4, kernelSize: 3, name: 'conv' }), [5, 5, 2]);
    prune.randomUnstructured(model.getLayer('conv'), 'weight', { count: 20 });
    expect(summary(model)).toMatchObject({ macs: 72 * 9, nonzeros: 76 - 20, nonzeroMacs: (72 - 20) * 9 });
  });

  it('a shared layer once, and its multiplications for each call', () => {
    const dense = tf.layers.dense({ units: 5, name: 'shared' });
    const [a, b] = [tf.input({ shape: [5] }), tf.input({ shape: [5] })];
    const twice = dense.apply(dense.apply(a)) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [a, b], outputs: [twice, dense.apply(b) as tf.SymbolicTensor] });
    // Calls outside of this model are none of its own.
    dense.apply(tf.input({ shape: [5] }));
    expect(summary(model).layers).toMatchObject([{ name: 'shared', calls: 3, parameters: 30, macs: 75 }]);
  });

  it('models within by their own sizes at each call, and for each step of a sequence', () => {
    const inner = tf.sequential({
      name: 'inner',
      layers: [
        tf.layers.conv1d({ filters: 2, kernelSize: 1, useBias: false, inputShape: [null, 3] as never }),
      ],
    });
    const [long, short] = [tf.input({ shape: [8, 3] }), tf.input({ shape: [3, 3] })];
    const outputs = [long, short].map((x) => inner.apply(x) as tf.SymbolicTensor);
    const [layer] = summary(tf.model({ inputs: [long, short], outputs })).layers;
    expect(layer).toMatchObject({
      name: `inner/${inner.layers[0]!.name}`,
      calls: 2,
      parameters: 6,
      macs: 6 * 11,
    });
    const steps = alone(tf.layers.timeDistributed({ layer: inner }), [4, 5, 3]);
    expect(summary(steps)).toMatchObject({ parameters: 6, macs: 4 * 5 * 6, uncounted: [] });
  });

  it('open sizes as they are given', () => {
    const open = tf.input({ shape: [null, null, 3] as never });
    const conv = tf.layers.conv2d({ filters: 2, kernelSize: 1, useBias: false });
    const model = tf.model({ inputs: open, outputs: conv.apply(open) as tf.SymbolicTensor });
    expect(summary(model, { inputShapes: [[4, 5, 3]] }).macs).toBe(6 * 20);
    for (const inputShapes of [undefined, [], [[4, 5, 2]], [[4, 5]], [[4, 0, 3]], ['4'] as never]) {
      expect(() => summary(model, { inputShapes })).toThrow(expect.objectContaining({ kind: 'shape' }));
    }
  });

  it('what it can of a layer that it does not know, and names it', () => {
    class Scaled extends tf.layers.Layer {
      static className = 'Scaled';
      override build(): void {
        this.addWeight('scale', [6], 'float32', tf.initializers.ones());
        this.built = true;
      }
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
        return inputs;
      }
    }
    const model = alone(new Scaled({ name: 'scaled' }), [6]);
    const counts = summary(model);
    expect(counts).toMatchObject({ parameters: 6, nonzeros: 6, macs: 0, uncounted: ['scaled'] });
    expect(summaryTable(counts)).toContain('MACs not known of: scaled');
  });
});

describe('activations', () => {
  it('are what layers give, and at their peak what is needed at a time', () => {
    const x = tf.input({ shape: [10] });
    const wide = tf.layers.dense({ units: 40, name: 'wide' }).apply(x) as tf.SymbolicTensor;
    const narrow = tf.layers.dense({ units: 5, name: 'narrow' }).apply(wide) as tf.SymbolicTensor;
    const sum = tf.layers.dense({ units: 5, name: 'last' }).apply(narrow) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: x,
      outputs: tf.layers.add({ name: 'sum' }).apply([sum, narrow]) as never,
    });
    const counts = summary(model);
    expect(counts.activationBytes).toBe(4 * (40 + 5 + 5 + 5));
    // The input stays with the caller; of the rest wide and narrow are the most.
    expect(counts.peakActivationBytes).toBe(4 * (10 + 40 + 5));
  });

  it('take no memory again where only the shape changes', () => {
    const layers = [tf.layers.reshape({ targetShape: [5, 2], inputShape: [10] }), tf.layers.flatten()];
    expect(summary(tf.sequential({ layers })).peakActivationBytes).toBe(4 * 10);
  });
});

describe('summary', () => {
  it('leaves no tensor behind', () => {
    const model = alone(tf.layers.embedding({ inputDim: 9, outputDim: 4 }), [3]);
    expectNoLeak(() => summary(model));
  });

  it('refuses what is no built model', () => {
    const refused = (model: unknown, options?: object): void => {
      expect(() => summary(model as tf.LayersModel, options)).toThrow(
        expect.objectContaining({ name: 'PruneError' }),
      );
    };
    for (const model of [undefined, null, 3, {}, { layers: [] }, tf.sequential()]) refused(model);
    const model = alone(tf.layers.dense({ units: 4 }), [5]);
    refused(model, { inputShape: [5] });
    model.layers[1]!.dispose();
    refused(model);
  });

  it('is a table as text', () => {
    const model = alone(tf.layers.dense({ units: 1000, useBias: false, name: 'fc' }), [2048]);
    expect(summaryTable(summary(model)).split('\n')).toEqual([
      'layer  class  output  parameters  nonzeros    MACs  of nonzeros  activations',
      '-----  -----  ------  ----------  --------  ------  -----------  -----------',
      'fc     Dense  1000        2.05 M    2.05 M  2.05 M       2.05 M     3.91 KiB',
      'total                     2.05 M    2.05 M  2.05 M       2.05 M     3.91 KiB',
      'peak of activations: 11.91 KiB',
    ]);
  });
});

it('counts a Sequential that was never used', () => {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 3, inputShape: [2] }), tf.layers.dense({ units: 4 })],
  });
  expect(summary(model)).toMatchObject({ parameters: 9 + 16, macs: 6 + 12 });
});
