import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, randomize, release, type Symbolic } from '../../sparse/fold-models';
import { arbitraryPlan, expectLaw, randomInputs } from './law';

const L = tf.layers;

/** Layers one after another, before a dense layer that reads them. */
function chain(inputShape: number[], ...layers: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape: inputShape });
  const last = layers.reduce((x, layer) => call(layer, x), input);
  const flat = last.rank > 2 ? call(L.flatten(), last) : last;
  return tf.model({ inputs: input, outputs: call(L.dense({ units: 2 }), flat) });
}

/** What a layer gives along its last axis, or the one that is asked for. */
function sizeOf(model: tf.LayersModel, name: string, axis = -1): number | null | undefined {
  return (model.getLayer(name).output as Symbolic).shape.at(axis);
}

const name = 'it';
const image = [4, 4, 3];
const conv = { filters: 4, kernelSize: 2, padding: 'same' } as const;

/** Layers that make four channels. */
const makers: Record<string, [input: number[], layer: () => tf.layers.Layer]> = {
  Conv1D: [[5, 3], () => L.conv1d({ ...conv, name })],
  Conv2D: [image, () => L.conv2d({ ...conv, name, activation: 'swish' })],
  Conv3D: [[3, 3, 3, 2], () => L.conv3d({ ...conv, name })],
  Conv2DTranspose: [image, () => L.conv2dTranspose({ ...conv, strides: 2, name })],
  Conv3DTranspose: [[2, 2, 2, 3], () => L.conv3dTranspose({ ...conv, kernelSize: 1, name })],
  SeparableConv2D: [image, () => L.separableConv2d({ ...conv, name })],
  Dense: [[3], () => L.dense({ units: 4, name })],
  'Dense of a sequence': [[5, 3], () => L.dense({ units: 4, name, useBias: false })],
  SimpleRNN: [[5, 3], () => L.simpleRNN({ units: 4, name })],
  GRU: [[5, 3], () => L.gru({ units: 4, returnSequences: true, name })],
  LSTM: [[5, 3], () => L.lstm({ units: 4, goBackwards: true, name })],
  'TimeDistributed Dense': [[5, 3], () => L.timeDistributed({ layer: L.dense({ units: 4 }), name })],
  'TimeDistributed Conv1D': [[2, 5, 3], () => L.timeDistributed({ layer: L.conv1d(conv), name })],
};

/** The activations that tfjs has, but for those that take all channels together. */
const elementwise = Object.keys(tf.serialization.SerializationMap.getMap().classNameMap).filter(
  (activation) => /^[a-z]/.test(activation) && !['softmax', 'logSoftmax'].includes(activation),
);

/** Layers that eight channels go through, and how many come out where four are left: four, if nothing is said. */
const through: Record<string, [input: number[], layer: () => tf.layers.Layer, left?: number]> = {
  DepthwiseConv2D: [image, () => L.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 3, name }), 12],
  BatchNormalization: [image, () => L.batchNormalization({ name })],
  'LayerNormalization along another axis': [[3, 3], () => L.layerNormalization({ axis: 1, name })],
  PReLU: [image, () => L.prelu({ name })],
  'PReLU with shared axes': [image, () => L.prelu({ sharedAxes: [1, 2], name })],
  ...Object.fromEntries(
    // tfjs's types do not know all of them.
    elementwise.map((activation) => [
      `Activation ${activation}`,
      [[3], () => L.activation({ activation: activation as 'elu', name })],
    ]),
  ),
  'PReLU with one slope for all channels': [image, () => L.prelu({ sharedAxes: [3], name })],
  ReLU: [image, () => L.reLU({ maxValue: 1, name })],
  LeakyReLU: [image, () => L.leakyReLU({ name })],
  ELU: [image, () => L.elu({ name })],
  ThresholdedReLU: [image, () => L.thresholdedReLU({ theta: 0.1, name })],
  MaxPooling1D: [[5, 3], () => L.maxPooling1d({ poolSize: 2, name })],
  AveragePooling1D: [[5, 3], () => L.averagePooling1d({ poolSize: 2, name })],
  MaxPooling2D: [image, () => L.maxPooling2d({ poolSize: 2, name })],
  AveragePooling2D: [image, () => L.averagePooling2d({ poolSize: 2, name })],
  MaxPooling3D: [[3, 3, 3, 2], () => L.maxPooling3d({ poolSize: 2, name })],
  AveragePooling3D: [[3, 3, 3, 2], () => L.averagePooling3d({ poolSize: 2, name })],
  GlobalAveragePooling1D: [[5, 3], () => L.globalAveragePooling1d({ name })],
  GlobalMaxPooling1D: [[5, 3], () => L.globalMaxPooling1d({ name })],
  GlobalAveragePooling2D: [image, () => L.globalAveragePooling2d({ name })],
  GlobalMaxPooling2D: [image, () => L.globalMaxPooling2d({ name })],
  ZeroPadding2D: [image, () => L.zeroPadding2d({ padding: 1, name })],
  Cropping2D: [image, () => L.cropping2D({ cropping: 1, name })],
  UpSampling2D: [image, () => L.upSampling2d({ name })],
  CenterCrop: [image, () => L.centerCrop({ height: 2, width: 2, name })],
  Dropout: [image, () => L.dropout({ rate: 0.5, noiseShape: [1, 1, 1, 8], name })],
  SpatialDropout1D: [[5, 3], () => L.spatialDropout1d({ rate: 0.5, name })],
  AlphaDropout: [[3], () => L.alphaDropout({ rate: 0.5, name })],
  GaussianDropout: [[3], () => L.gaussianDropout({ rate: 0.5, name })],
  GaussianNoise: [[3], () => L.gaussianNoise({ stddev: 1, name })],
  Flatten: [[2, 3, 3], () => L.flatten({ name }), 24],
  'Flatten, channels first': [[8, 3, 3], () => L.flatten({ dataFormat: 'channelsFirst', name }), 96],
  'Reshape to fewer axes': [[2, 3, 3], () => L.reshape({ targetShape: [6, 8], name })],
  'Reshape to more axes': [[3], () => L.reshape({ targetShape: [1, 1, 8], name })],
  // Of equal axes the last one loses channels.
  'Reshape to equal axes': [[3], () => L.reshape({ targetShape: [2, 2, 2], name }), 1],
  RepeatVector: [[3], () => L.repeatVector({ n: 3, name })],
  'TimeDistributed BatchNormalization': [
    [5, 3],
    () => L.timeDistributed({ layer: L.batchNormalization(), name }),
  ],
};

/** Expects a model to run as it does in training, with its dropout and noise. */
function expectTrainingMode(model: tf.LayersModel, inputs: tf.Tensor[]): void {
  tf.tidy(() => {
    const outputs = [model.apply(inputs, { training: true })].flat();
    expect(outputs.map(({ shape }) => shape)).toEqual([[2, 2]]);
  });
}

async function halved(model: tf.LayersModel, isLoadable = true): Promise<tf.LayersModel> {
  randomize(model);
  const inputs = randomInputs(model);
  const slim = await expectLaw(model, await arbitraryPlan(model, 0.5), inputs, isLoadable);
  expectTrainingMode(slim, inputs);
  tf.dispose(inputs);
  release(model);
  return slim;
}

describe('half of the channels go', () => {
  beforeAll(() => useBackend('cpu'));

  for (const [kind, [input, make]] of Object.entries(makers)) {
    it(`of ${kind}, which makes them`, async () => {
      const slim = await halved(chain(input, make()));
      expect(sizeOf(slim, name)).toBe(2);
      release(slim);
    });
  }

  for (const [kind, [input, make, left = 4]] of Object.entries(through)) {
    it(`through ${kind}`, async () => {
      // tfjs saves it under a name that it does not load.
      const isLoadable = kind !== 'Activation gelu_new';
      const slim = await halved(chain(input, L.dense({ units: 8, name: 'maker' }), make()), isLoadable);
      expect(sizeOf(slim, 'maker')).toBe(4);
      expect(sizeOf(slim, name)).toBe(left);
      release(slim);
    });
  }

  it('through what drops whole images, of which as many are left', async () => {
    for (const layer of [L.dropout, L.alphaDropout]) {
      const drop = layer({ rate: 0.5, noiseShape: [2, 1, 1, 8], name });
      const slim = await halved(chain(image, L.dense({ units: 8 }), drop));
      expect(Reflect.get(slim.getLayer(name), 'noiseShape')).toEqual([2, 1, 1, 4]);
      release(slim);
    }
    const rows = L.dropout({ rate: 0.5, noiseShape: [2, 4, 1, 1], name });
    const slim = await halved(chain(image, L.dense({ units: 8 }), rows));
    expect(Reflect.get(slim.getLayer(name), 'noiseShape')).toEqual([2, 4, 1, 1]);
    release(slim);
  });

  for (const [mergeMode, left] of [
    ['concat', 4],
    ['sum', 2],
    ['mul', 2],
    ['ave', 2],
  ] as const) {
    it(`of Bidirectional, ${mergeMode}`, async () => {
      for (const returnSequences of [true, false]) {
        const layer = L.lstm({ units: 4, returnSequences }) as tf.RNN;
        const slim = await halved(chain([5, 3], L.bidirectional({ layer, mergeMode, name })));
        expect(sizeOf(slim, name)).toBe(left);
        release(slim);
      }
    });
  }
});
