/** What layers make of channels that are constant. */
import * as tf from '@tensorflow/tfjs';
import { classNameOf } from '../../core/parameter';
import { isElementwise } from '../tracer';
import { type Constants, mapped, padding, tiledConstants, unknown } from './constant';
import { summedOverPositions, weightAt, zerosAlong } from './kernels';

/** One call of a layer, whose channels are last everywhere. */
export interface ConstantCall {
  readonly layer: tf.layers.Layer;
  readonly path: string;
  readonly inputs: readonly Constants[];
  readonly inputShapes: ReadonlyArray<readonly number[]>;
  readonly outputShape: readonly number[];
}

type Rule = (call: ConstantCall) => Constants;

const sizeOf = ({ outputShape }: ConstantCall): number => outputShape.at(-1)!;
const pass: Rule = ({ inputs }) => inputs[0]!;

/** Whether a convolution surrounds its input by zeros. */
export function isPadding(layer: object): boolean {
  const padding: unknown = Reflect.get(layer, 'padding');
  const sizes: unknown[] = [Reflect.get(layer, 'kernelSize')].flat();
  return padding !== undefined && padding !== 'valid' && sizes.some((size) => size !== 1);
}

/** Applies what works element by element, as tfjs does. */
function applied(constants: Constants, rank: number, apply: (x: tf.Tensor) => tf.Tensor): Constants {
  const { values } = constants;
  const shape = [...Array(rank - 1).fill(1), values.length];
  const made = tf.tidy(() => apply(tf.tensor([...values].map(orZero), shape)).dataSync());
  return mapped(constants, (value, i) => (Number.isNaN(value) ? value : made[i]!));
}

const orZero = (value: number): number => (Number.isNaN(value) ? 0 : value);

/** A function that a layer applies to what it gives. */
function activated(layer: object, constants: Constants, rank: number): Constants {
  const activation: unknown = Reflect.get(layer, 'activation');
  const isFunction = typeof activation === 'object' && activation !== null && 'apply' in activation;
  if (!isFunction) return constants;
  if (!isElementwise(classOfActivation(activation))) return unknown(constants.values.length);
  // tfjs's own class of an activation.
  return applied(constants, rank, (x) => (activation as { apply(x: tf.Tensor): tf.Tensor }).apply(x));
}

function classOfActivation(activation: object): unknown {
  return Reflect.get(activation.constructor, 'className');
}

/** What has no weights but its bias. */
const maker =
  (kernel: string): Rule =>
  (call) => {
    const { layer, outputShape } = call;
    const weight = weightAt(layer, kernel);
    if (weight === undefined) return unknown(sizeOf(call));
    const isTransposed = /Transpose$/.test(classNameOf(layer) ?? '');
    const zeros = zerosAlong(weight, weight.shape.length - (isTransposed ? 2 : 1));
    const bias = weightAt(layer, 'bias')?.values;
    const made = mapped(unknown(zeros.length), (value, i) => (zeros[i] === 1 ? (bias?.[i] ?? 0) : value));
    return activated(layer, made, outputShape.length);
  };

const depthwise: Rule = (call) => {
  const { layer, path, inputs, outputShape } = call;
  const made = afterDepthwise(layer, path, inputs[0]!);
  const bias = weightAt(layer, 'bias')?.values;
  const shifted = mapped(made, (value, i) => value + (bias?.[i] ?? 0));
  return activated(layer, shifted, outputShape.length);
};

/**
 * @param layer One with a depthwise kernel.
 * @param path Its path.
 * @param input What goes into it.
 * @returns What that kernel makes of it, without a bias.
 */
export function afterDepthwise(layer: object, path: string, input: Constants): Constants {
  const weight = weightAt(layer, 'depthwiseKernel')!;
  const sums = summedOverPositions(weight);
  const multiplier = weight.shape.at(-1)!;
  const area = weight.values.length / sums.length;
  const isZero = Uint8Array.from(sums, (_, i) => {
    for (let tap = 0; tap < area; tap++) if (weight.values[tap * sums.length + i] !== 0) return 0;
    return 1;
  });
  const { values, padded } = isPadding(layer) ? padding(input, path) : input;
  const channelOf = (i: number): number => Math.floor(i / multiplier);
  return {
    values: sums.map((sum, i) => (isZero[i] === 1 ? 0 : sum * values[channelOf(i)]!)),
    padded: Array.from(sums, (_, i) => (isZero[i] === 1 ? undefined : padded[channelOf(i)])),
  };
}

const batchNorm: Rule = ({ layer, inputs, inputShapes }) => {
  const rank = inputShapes[0]!.length;
  const axis = Number([Reflect.get(layer, 'axis')].flat()[0]);
  if ((axis + rank) % rank !== rank - 1) return unknown(inputs[0]!.values.length);
  const weightOr = (name: string, i: number, missing: number): number =>
    weights.get(name)?.values[i] ?? missing;
  const names = ['gamma', 'beta', 'movingMean', 'movingVariance'];
  const weights = new Map(names.map((name) => [name, weightAt(layer, name)]));
  const epsilon = Number(Reflect.get(layer, 'epsilon'));
  return mapped(inputs[0]!, (value, i) => {
    const scale = weightOr('gamma', i, 1) / Math.sqrt(weightOr('movingVariance', i, 1) + epsilon);
    const shift = weightOr('beta', i, 0);
    return scale === 0 ? shift : (value - weightOr('movingMean', i, 0)) * scale + shift;
  });
};

const pointwise: Rule = ({ layer, inputs, inputShapes }) => {
  // A layer with one output that is applied to a tensor gives a tensor.
  return applied(inputs[0]!, inputShapes[0]!.length, (x) => layer.apply(x) as tf.Tensor);
};

const activation: Rule = ({ layer, inputs, inputShapes }) =>
  activated(layer, inputs[0]!, inputShapes[0]!.length);

/** Where a slope is for one position only, what is not negative stays as it is all the same. */
const prelu: Rule = (call) => {
  const alpha = weightAt(call.layer, 'alpha');
  const isShared = alpha?.shape.slice(0, -1).every((size) => size === 1) ?? false;
  const slopes = alpha?.values ?? [];
  const isOne = alpha?.shape.at(-1) === 1;
  return mapped(call.inputs[0]!, (value, i) => {
    if (!(value < 0)) return value;
    return isShared ? value * slopes[isOne ? 0 : i]! : Number.NaN;
  });
};

const zeroPadding: Rule = ({ inputs, path }) => padding(inputs[0]!, path);

const flattened: Rule = (call) => {
  const [input] = call.inputs;
  return sizeOf(call) % input!.values.length === 0
    ? tiledConstants(input!, sizeOf(call))
    : unknown(sizeOf(call));
};

type Merge = (a: number, b: number) => number;

const merge =
  (combine: Merge): Rule =>
  (call) => {
    const size = sizeOf(call);
    const whole = call.inputs.map((input) => tiledConstants(input, size));
    return whole.reduce((a, b) => ({
      values: a.values.map((value, i) => combine(value, b.values[i]!)),
      padded: a.padded.map((by, i) => by ?? b.padded[i]),
    }));
  };

/** Nothing, whatever it is multiplied by. */
const product: Merge = (a, b) => (a === 0 || b === 0 ? 0 : a * b);

const average: Rule = (call) => mapped(merge((a, b) => a + b)(call), (value) => value / call.inputs.length);

const concatenate: Rule = ({ layer, inputs, inputShapes, outputShape }) => {
  const rank = inputShapes[0]!.length;
  const axis = (Number(Reflect.get(layer, 'axis')) + rank) % rank;
  if (axis !== rank - 1) return unknown(outputShape.at(-1)!);
  return {
    values: Float64Array.from(inputs.flatMap(({ values }) => [...values])),
    padded: inputs.flatMap(({ padded }) => padded),
  };
};

const named = (names: readonly string[], rule: Rule): Array<[string, Rule]> =>
  names.map((name) => [name, rule]);

const rules: ReadonlyMap<string, Rule> = new Map([
  ...named(['Conv1D', 'Conv2D', 'Conv3D', 'Dense', 'Conv2DTranspose', 'Conv3DTranspose'], maker('kernel')),
  ['SeparableConv2D', maker('pointwiseKernel')],
  ['Embedding', maker('embeddings')],
  ['DepthwiseConv2D', depthwise],
  ['BatchNormalization', batchNorm],
  ['Activation', activation],
  ...named(['ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU'], pointwise),
  ['PReLU', prelu],
  ...named(['Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise'], pass),
  ...named(['MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D'], pass),
  ...named(['AveragePooling1D', 'AveragePooling2D', 'AveragePooling3D'], pass),
  ...named(['GlobalAveragePooling1D', 'GlobalAveragePooling2D'], pass),
  ...named(['GlobalMaxPooling1D', 'GlobalMaxPooling2D'], pass),
  ...named(['Cropping2D', 'UpSampling2D', 'RepeatVector'], pass),
  ['ZeroPadding2D', zeroPadding],
  ...named(['Flatten', 'Reshape'], flattened),
  ['Add', merge((a, b) => a + b)],
  ['Multiply', merge(product)],
  ['Average', average],
  ['Maximum', merge(Math.max)],
  ['Minimum', merge(Math.min)],
  ['Concatenate', concatenate],
]);

/** @returns What is constant of a call's output; nothing for a layer that is not known, or whose channels are not last. */
export function constantsAfter(call: ConstantCall): Constants {
  const rule = rules.get(classNameOf(call.layer) ?? '');
  const isFirst = Reflect.get(call.layer, 'dataFormat') === 'channelsFirst';
  return rule === undefined || isFirst ? unknown(sizeOf(call)) : rule(call);
}
