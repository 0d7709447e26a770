/** What layers make of constants, by class. */
import { type ConstantCall, type ConstantRule, notFollowed } from './call';
import type { Constants } from './constant';
import { activation, batchNorm, merges, pass, pointwise, prelu } from './elementwise';
import { layerNorm, softmax } from './normalised';
import { concatenate, flatten, permute, repeatVector, reshape } from './places';
import { recurrent } from './recurrent';
import { cropping, globalPooling, pooling, resized, upSampling, zeroPadding } from './spatial';
import { depthwise, embedding, maker } from './weighted';

const named = (names: readonly string[], rule: ConstantRule): Array<[string, ConstantRule]> =>
  names.map((name) => [name, rule]);

const rules: ReadonlyMap<string, ConstantRule> = new Map([
  ...named(['Conv1D', 'Conv2D', 'Conv3D', 'Dense', 'Conv2DTranspose', 'Conv3DTranspose'], maker('kernel')),
  ['SeparableConv2D', maker('pointwiseKernel')],
  ['DepthwiseConv2D', depthwise],
  ['Embedding', embedding],
  ...named(['SimpleRNN', 'GRU', 'LSTM', 'Bidirectional'], recurrent),
  ['BatchNormalization', batchNorm],
  ['LayerNormalization', layerNorm],
  ['Softmax', softmax],
  ['Activation', activation],
  ...named(['ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Rescaling'], pointwise),
  ['PReLU', prelu],
  ...named(['Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise'], pass),
  ...named(['MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D'], pooling),
  ...named(['AveragePooling1D', 'AveragePooling2D', 'AveragePooling3D'], pooling),
  ...named(['GlobalAveragePooling1D', 'GlobalAveragePooling2D'], globalPooling),
  ...named(['GlobalMaxPooling1D', 'GlobalMaxPooling2D'], globalPooling),
  ['ZeroPadding2D', zeroPadding],
  ['Cropping2D', cropping],
  ['UpSampling2D', upSampling],
  ['CenterCrop', resized],
  ['RepeatVector', repeatVector],
  ['Flatten', flatten],
  ['Reshape', reshape],
  ['Permute', permute],
  ['Concatenate', concatenate],
  ...merges,
]);

/** @returns What is known of what a call gives. */
export function constantsAfter(call: ConstantCall): Constants[] {
  return [(rules.get(call.className) ?? notFollowed)(call)].flat();
}
