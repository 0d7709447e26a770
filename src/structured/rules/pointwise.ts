/** Layers that treat each channel by itself. */
import {
  type Axes,
  channelAxis,
  fresh,
  join,
  mix,
  mixBySoftmax,
  noteActivation,
  noteOption,
  noteWeight,
  pin,
  pinAxes,
  type Rule,
  type Traced,
  type Tracer,
} from '../tracer';

const pass: Rule = ({ inputs }) => [inputs[0]!.axes];

const activation: Rule = (call) => {
  const { axes } = call.inputs[0]!;
  noteActivation(call, call.config.activation, axes.at(-1));
  return [axes];
};

const softmax: Rule = (call) => {
  const { axes, shape } = call.inputs[0]!;
  for (const axis of axesOf(call.config.axis, shape.length)) mixBySoftmax(call, axes[axis]);
  return [axes];
};

/** What is dropped may be said by a shape. */
const dropout: Rule = (call) => {
  const { axes } = call.inputs[0]!;
  // The configuration of an AlphaDropout does not say it.
  const noiseShape: unknown = Reflect.get(call.layer, 'noiseShape') ?? call.config.noiseShape;
  if (Array.isArray(noiseShape)) {
    axes.forEach((channels, axis) => {
      if (Number(noiseShape[axis] ?? 1) > 1) noteOption(call, ['noiseShape', axis], channels);
    });
  }
  return [axes];
};

function axesOf(option: unknown, rank: number): number[] {
  return [option ?? -1].flat().map((axis) => (Number(axis) + rank) % rank);
}

const batchNorm: Rule = (call) => {
  const { inputs, config, tracer, path } = call;
  const { axes, shape } = inputs[0]!;
  const [axis] = axesOf(config.axis, shape.length);
  if (axis !== shape.length - 1) {
    // They take its values in turn as if its axis were the last: which one an element meets depends on every size.
    pinAxes(
      tracer,
      inputs[0]!,
      `'${path}' normalises along an axis that is not the last, which tfjs gets wrong`,
    );
  }
  for (const weight of ['gamma', 'beta', 'movingMean', 'movingVariance']) {
    noteWeight(call, weight, 0, 'through', axes[axis!]);
  }
  return [axes];
};

const layerNorm: Rule = (call) => {
  const { tracer, inputs, config, path } = call;
  const { axes, shape } = inputs[0]!;
  for (const [i, axis] of axesOf(config.axis, shape.length).entries()) {
    mix(tracer, axes[axis], `'${path}' takes their mean and variance, which all of its results depend on`);
    for (const weight of ['gamma', 'beta']) noteWeight(call, weight, i, 'through', axes[axis]);
  }
  return [axes];
};

const prelu: Rule = (call) => {
  const [input] = call.inputs;
  call.shapeOf('alpha')?.forEach((size, i) => {
    // Along other axes all share one value.
    if (size === input!.shape[i + 1]) noteWeight(call, 'alpha', i, 'through', input!.axes[i + 1]);
  });
  return [input!.axes];
};

/** Pooling, padding and the like: each channel by itself, over the other axes. */
const spatial: Rule = (call) => {
  const { tracer, inputs, outputs, path } = call;
  const axis = channelAxis(call);
  pinAxes(tracer, inputs[0]!, `'${path}' goes over that axis`, [axis]);
  return [outputs[0]!.map((_, i) => (i === axis ? inputs[0]!.axes[axis] : undefined))];
};

const globalPool: Rule = (call) => {
  const axis = channelAxis(call);
  pinAxes(call.tracer, call.inputs[0]!, `'${call.path}' goes over that axis`, [axis]);
  return [[undefined, call.inputs[0]!.axes[axis]]];
};

/** tfjs puts axes of size 1 after the batch where a tensor has fewer. */
function widened({ shape, axes }: Traced, rank: number): Traced {
  const missing = Array.from({ length: rank - shape.length });
  return {
    shape: [shape[0]!, ...missing.map(() => 1), ...shape.slice(1)],
    axes: [axes[0], ...missing.map(() => undefined), ...axes.slice(1)],
  };
}

/** What puts several tensors together, value by value. */
export const merge: Rule = ({ tracer, inputs, outputs, path }) => {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  const all = inputs.map((input) => widened(input, rank));
  return [outputs[0]!.map((size, axis) => mergedAxis(tracer, all, axis, size, path))];
};

function mergedAxis(
  tracer: Tracer,
  inputs: readonly Traced[],
  axis: number,
  size: number | null,
  path: string,
): Int32Array | undefined {
  const whole = inputs.filter(({ shape }) => shape[axis] === size);
  for (const input of inputs) {
    if (!whole.includes(input)) pin(tracer, input.axes[axis], `'${path}' broadcasts them`);
  }
  const channels = whole.map(({ axes }) => axes[axis]);
  const known = channels.filter((each) => each !== undefined);
  if (known.length < channels.length) {
    for (const each of known) pin(tracer, each, `'${path}' meets them with something that cannot shrink`);
    return undefined;
  }
  for (const each of known.slice(1)) join(tracer, known[0]!, each);
  return known[0];
}

const concatenate: Rule = ({ tracer, inputs, outputs, config, path }) => {
  const rank = inputs[0]!.shape.length;
  const [along] = axesOf(config.axis, rank);
  return [
    outputs[0]!.map((size, axis) => {
      if (axis !== along) return mergedAxis(tracer, inputs, axis, size, path);
      if (inputs.every(({ axes }) => axes[axis] === undefined)) return undefined;
      if (size === null) {
        for (const { axes } of inputs)
          pin(tracer, axes[axis], `'${path}' puts them before an unknown number`);
        return undefined;
      }
      return Int32Array.from(
        inputs.flatMap(({ axes, shape }) => [...(axes[axis] ?? fixed(tracer, shape[axis]!, path))]),
      );
    }),
  ];
};

/** Channels that stay: those of an input image, for one. */
function fixed(tracer: Tracer, count: number, path: string): Int32Array {
  const channels = fresh(tracer, count, '');
  pin(tracer, channels, `'${path}' gets them from something that cannot shrink`);
  return channels;
}

const repeatVector: Rule = ({ inputs }): Axes[] => [[undefined, undefined, inputs[0]!.axes[1]]];

const named = (names: readonly string[], rule: Rule): Array<[string, Rule]> =>
  names.map((name) => [name, rule]);

/** By class. */
export const pointwiseRules: ReadonlyMap<string, Rule> = new Map([
  ...named(['ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Rescaling'], pass),
  ...named(['SpatialDropout1D', 'GaussianDropout', 'GaussianNoise'], pass),
  ...named(['Dropout', 'AlphaDropout'], dropout),
  ['Activation', activation],
  ['Softmax', softmax],
  ['BatchNormalization', batchNorm],
  ['LayerNormalization', layerNorm],
  ['PReLU', prelu],
  ...named(['Add', 'Multiply', 'Average', 'Maximum', 'Minimum'], merge),
  ['Concatenate', concatenate],
  ['RepeatVector', repeatVector],
  ...named(['ZeroPadding2D', 'Cropping2D', 'UpSampling2D', 'CenterCrop'], spatial),
  ...named(['MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D'], spatial),
  ...named(['AveragePooling1D', 'AveragePooling2D', 'AveragePooling3D'], spatial),
  ...named(['GlobalAveragePooling1D', 'GlobalAveragePooling2D'], globalPool),
  ...named(['GlobalMaxPooling1D', 'GlobalMaxPooling2D'], globalPool),
]);
