/** How often a call of a layer multiplies by each value of its weights. */
import { classNameOf, isModel } from '../core/parameter';

/** Sizes of a tensor for one sample; the first, of the batch, is 1. */
export type SampleShape = readonly number[];

/** By the object that holds the weights (a layer, or a cell within), for each of them by tfjs's name, how often. */
type Uses = ReadonlyMap<object, Readonly<Record<string, number>>>;

/** What one call of a layer does. */
export interface Work {
  /** How often each value of a weight takes part in a multiplication; weights that are not named, never. */
  readonly uses: Uses;
  /** Multiplications of one input by another, which need no weight. */
  readonly betweenInputs: number;
}

type Rule = (layer: object, inputs: readonly SampleShape[], output: SampleShape) => Work | undefined;

/** How many elements a tensor has. */
export function sizeOf(shape: SampleShape): number {
  return shape.reduce((size, n) => size * n, 1);
}

function shapeOfWeight(owner: object, property: string): readonly number[] {
  const weight: unknown = Reflect.get(owner, property);
  const shape: unknown = typeof weight === 'object' && weight !== null ? Reflect.get(weight, 'shape') : [];
  return Array.isArray(shape) ? shape : [];
}

function using(owner: object, uses: Readonly<Record<string, number>>): Work {
  return { uses: new Map([[owner, uses]]), betweenInputs: 0 };
}

const nothing: Rule = (layer) => using(layer, {});

/** Each value of a kernel meets every position of the output once, whatever the order of the axes. */
const perOutput: Rule = (layer, _, output) => {
  const filters = shapeOfWeight(layer, 'kernel').at(-1)!;
  return using(layer, { kernel: sizeOf(output) / filters });
};

/** A transposed convolution spreads each position of its input; its kernel ends with the input's channels. */
const perInput: Rule = (layer, [input]) => {
  const channels = shapeOfWeight(layer, 'kernel').at(-1)!;
  return using(layer, { kernel: sizeOf(input!) / channels });
};

const depthwise: Rule = (layer, _, output) => {
  const [, , channels, multiplier] = shapeOfWeight(layer, 'depthwiseKernel');
  return using(layer, { depthwiseKernel: sizeOf(output) / (channels! * multiplier!) });
};

const separable: Rule = (layer, _, output) => {
  const positions = sizeOf(output) / shapeOfWeight(layer, 'pointwiseKernel').at(-1)!;
  return using(layer, { depthwiseKernel: positions, pointwiseKernel: positions });
};

function partOf(layer: object, property: string): object {
  const part: unknown = Reflect.get(layer, property);
  return typeof part === 'object' && part !== null ? part : {};
}

/** Cells whose kernels meet each step of the sequence once. */
const CELLS: ReadonlySet<string> = new Set(['SimpleRNNCell', 'GRUCell', 'LSTMCell']);

const recurrent: Rule = (layer, [input]) => {
  const cell = partOf(layer, 'cell');
  const inner: unknown = Reflect.get(cell, 'cells');
  const cells: object[] = Array.isArray(inner) ? inner : [cell];
  if (!cells.every((each) => CELLS.has(classNameOf(each) ?? ''))) return undefined;
  const steps = input![1]!;
  const uses = { kernel: steps, recurrentKernel: steps };
  return { uses: new Map(cells.map((each) => [each, uses])), betweenInputs: 0 };
};

/** Both kernels of a ConvLSTM2D are convolutions to the size of its output, at every step. */
const convolutionalRecurrent: Rule = (layer, [input], output) => {
  const cell = partOf(layer, 'cell');
  const isSequence = Reflect.get(layer, 'returnSequences') === true;
  const perStep = sizeOf(output) / (isSequence ? input![1]! : 1);
  const uses = (perStep / Number(Reflect.get(cell, 'filters'))) * input![1]!;
  return using(cell, { kernel: uses, recurrentKernel: uses });
};

/** Each layer's output is half of the wrapper's, or as large as it; what runs within does not depend on that. */
const bidirectional: Rule = (layer, [input], output) => {
  const parts = ['forwardLayer', 'backwardLayer'].map((property) =>
    workOf(partOf(layer, property), [input!], output),
  );
  const uses = parts.flatMap((part) => [...(part?.uses ?? [])]);
  return parts.includes(undefined) ? undefined : { uses: new Map(uses), betweenInputs: 0 };
};

function withoutSteps([batch, , ...rest]: SampleShape): SampleShape {
  return [batch!, ...rest];
}

const timeDistributed: Rule = (layer, [input], output) => {
  const inner = partOf(layer, 'layer');
  // The layers of a model within are called, and counted, by themselves.
  if (isModel(inner)) return using(inner, {});
  const work = workOf(inner, [withoutSteps(input!)], withoutSteps(output));
  if (work === undefined) return undefined;
  const steps = input![1]!;
  const times = (uses: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(uses).map(([weight, count]) => [weight, steps * count]));
  const uses = new Map([...work.uses].map(([owner, each]) => [owner, times(each)]));
  return { uses, betweenInputs: steps * work.betweenInputs };
};

/** Every element of the output is a sum over the axis that the inputs share. */
const dot: Rule = (layer, [first], output) => {
  const axes: unknown = Reflect.get(layer, 'axes');
  const axis = Number(Array.isArray(axes) ? axes[0] : axes);
  const shared = first!.at(axis)!;
  return { uses: new Map(), betweenInputs: sizeOf(output) * shared };
};

/** Layers that multiply by no weight but element by element, which is not counted. */
const ELEMENTWISE = [
  ...['InputLayer', 'Activation', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'ThresholdedReLU', 'Softmax'],
  ...['Add', 'Average', 'Maximum', 'Minimum', 'Multiply', 'Concatenate'],
  ...['BatchNormalization', 'LayerNormalization', 'Embedding', 'Masking', 'Rescaling', 'CategoryEncoding'],
  ...['Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise'],
  ...['Flatten', 'Reshape', 'Permute', 'RepeatVector', 'ZeroPadding2D', 'Cropping2D', 'UpSampling2D'],
  ...[
    'AveragePooling1D',
    'AveragePooling2D',
    'AveragePooling3D',
    'MaxPooling1D',
    'MaxPooling2D',
    'MaxPooling3D',
  ],
  ...['GlobalAveragePooling1D', 'GlobalAveragePooling2D', 'GlobalMaxPooling1D', 'GlobalMaxPooling2D'],
  ...['Resizing', 'CenterCrop', 'RandomWidth', 'RandomHeight'],
];

const rules: ReadonlyMap<string, Rule> = new Map([
  ...ELEMENTWISE.map((className): [string, Rule] => [className, nothing]),
  ['Conv1D', perOutput],
  ['Conv2D', perOutput],
  ['Conv3D', perOutput],
  ['Dense', perOutput],
  ['Conv2DTranspose', perInput],
  ['Conv3DTranspose', perInput],
  ['DepthwiseConv2D', depthwise],
  ['SeparableConv2D', separable],
  ['SimpleRNN', recurrent],
  ['GRU', recurrent],
  ['LSTM', recurrent],
  ['RNN', recurrent],
  ['ConvLSTM2D', convolutionalRecurrent],
  ['Bidirectional', bidirectional],
  ['TimeDistributed', timeDistributed],
  ['Dot', dot],
]);

/**
 * What one call of a layer multiplies. Convolutions count their padding, as their kernels do; biases, normalisations and
 * activations count as nothing.
 *
 * @param layer A built layer, not a model.
 * @param inputs The shapes of what it is called on, for one sample.
 * @param output The shape of its first output.
 * @returns The work; undefined for a layer that is not known.
 */
export function workOf(layer: object, inputs: readonly SampleShape[], output: SampleShape): Work | undefined {
  return rules.get(classNameOf(layer) ?? '')?.(layer, inputs, output);
}
