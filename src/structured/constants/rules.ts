/** What layers make of constants, by class. */
import type { ConstantCall, ConstantRule } from './call';
import type { Constants } from './constant';
import { activation, batchNorm, merges, notFollowed, pass, pointwise, prelu } from './elementwise';
import { concatenate, flatten, permute, repeatVector, reshape, spatial, zeroPadding } from './places';
import { recurrent } from './recurrent';
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
  ['Activation', activation],
  ...named(['ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Rescaling'], pointwise),
  ['PReLU', prelu],
  ...named(['Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise'], pass),
  ...named(['MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D'], spatial),
  ...named(['AveragePooling1D', 'AveragePooling2D', 'AveragePooling3D'], spatial),
  ...named(['GlobalAveragePooling1D', 'GlobalAveragePooling2D'], spatial),
  ...named(['GlobalMaxPooling1D', 'GlobalMaxPooling2D'], spatial),
  ...named(['Cropping2D', 'CenterCrop', 'UpSampling2D'], spatial),
  ['ZeroPadding2D', zeroPadding],
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
