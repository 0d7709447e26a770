/** Layers that mix channels by their weights. */
import {
  type Axes,
  type Call,
  channelAxis,
  join,
  made,
  noteActivation,
  noteOption,
  noteWeight,
  pin,
  pinAxes,
  type Rule,
  repeated,
  tiled,
} from '../tracer';

function onlyAt(call: Call, axis: number, channels: Int32Array | undefined): Axes[] {
  return [call.outputs[0]!.map((_, i) => (i === axis ? channels : undefined))];
}

/** A convolution; `kernelAxes` are those of its input and output channels, counted from the end. */
function convolution(inputFromEnd: number, outputFromEnd: number): Rule {
  return (call) => {
    const { tracer, inputs, path, outputs, shapeOf } = call;
    const axis = channelAxis(call);
    pinAxes(tracer, inputs[0]!, `'${path}' goes over that axis`, [axis]);
    const rank = shapeOf('kernel')!.length;
    const channels = made(call, outputs[0]![axis]!);
    noteWeight(call, 'kernel', rank - inputFromEnd, 'in', inputs[0]!.axes[axis]);
    noteWeight(call, 'kernel', rank - outputFromEnd, 'out', channels);
    noteWeight(call, 'bias', 0, 'out', channels);
    noteOption(call, ['filters'], channels);
    noteActivation(call, call.config.activation, channels);
    return onlyAt(call, axis, channels);
  };
}

const conv1d: Rule = (call) => {
  if (!isFirst(call)) return convolution(2, 1)(call);
  const { tracer, inputs, outputs, path } = call;
  const reason = `'${path}' gives its channels last, where its dataFormat says first: tfjs gets it wrong`;
  pinAxes(tracer, inputs[0]!, reason);
  return outputs.map((shape) => shape.map(() => undefined));
};

/** By the layer itself, since not every configuration says it. */
function isFirst({ layer }: Call): boolean {
  return Reflect.get(layer, 'dataFormat') === 'channelsFirst';
}

const dense: Rule = (call) => {
  const { inputs, outputs } = call;
  const [input] = inputs;
  const last = input!.shape.length - 1;
  const channels = made(call, outputs[0]!.at(-1)!);
  noteWeight(call, 'kernel', 0, 'in', input!.axes[last]);
  noteWeight(call, 'kernel', 1, 'out', channels);
  noteWeight(call, 'bias', 0, 'out', channels);
  noteOption(call, ['units'], channels);
  noteActivation(call, call.config.activation, channels);
  return [input!.axes.map((axis, i) => (i === last ? channels : axis))];
};

const depthwise: Rule = (call) => {
  const { tracer, inputs, path, shapeOf } = call;
  const axis = channelAxis(call);
  pinAxes(tracer, inputs[0]!, `'${path}' goes over that axis`, [axis]);
  const input = inputs[0]!.axes[axis];
  const output = repeated(input, shapeOf('depthwiseKernel')![3]!);
  noteWeight(call, 'depthwiseKernel', 2, 'through', input);
  noteWeight(call, 'bias', 0, 'through', output);
  noteActivation(call, call.config.activation, output);
  return onlyAt(call, axis, output);
};

const separable: Rule = (call) => {
  const { tracer, inputs, path, outputs, shapeOf } = call;
  const axis = channelAxis(call);
  pinAxes(tracer, inputs[0]!, `'${path}' goes over that axis`, [axis]);
  const input = inputs[0]!.axes[axis];
  const channels = made(call, outputs[0]![axis]!);
  noteWeight(call, 'depthwiseKernel', 2, 'through', input);
  noteWeight(call, 'pointwiseKernel', 2, 'in', repeated(input, shapeOf('depthwiseKernel')![3]!));
  noteWeight(call, 'pointwiseKernel', 3, 'out', channels);
  noteWeight(call, 'bias', 0, 'out', channels);
  if (isFirst(call) && shapeOf('bias') !== undefined) {
    pin(tracer, channels, `'${path}' adds its bias along another axis than theirs, which tfjs gets wrong`);
  }
  noteOption(call, ['filters'], channels);
  noteActivation(call, call.config.activation, channels);
  return onlyAt(call, axis, channels);
};

const embedding: Rule = (call) => {
  const { tracer, inputs, path, shapeOf } = call;
  pinAxes(tracer, inputs[0]!, `'${path}' looks them up`);
  const channels = made(call, shapeOf('embeddings')![1]!);
  noteWeight(call, 'embeddings', 1, 'out', channels);
  noteOption(call, ['outputDim'], channels);
  return onlyAt(call, call.outputs[0]!.length - 1, channels);
};

const GATES: Readonly<Record<string, number>> = { SimpleRNN: 1, GRU: 3, LSTM: 4 };

function noteCell(call: Call, prefix: string, gates: number, channels: Int32Array): void {
  const all = tiled(channels, gates);
  noteWeight(call, `${prefix}kernel`, 0, 'in', call.inputs[0]!.axes[2]);
  noteWeight(call, `${prefix}kernel`, 1, 'out', all);
  noteWeight(call, `${prefix}recurrentKernel`, 0, 'in', channels);
  noteWeight(call, `${prefix}recurrentKernel`, 1, 'out', all);
  noteWeight(call, `${prefix}bias`, 0, 'out', all);
}

/** What is given for a state lives and dies with the units, and so does what comes out of it. */
function joinStates(call: Call, config: Readonly<Record<string, unknown>>, channels: Int32Array): void {
  const { tracer, inputs, path } = call;
  for (const { axes } of inputs.slice(1)) {
    const given = axes[1];
    if (given === undefined) pin(tracer, channels, `'${path}' takes a state that cannot shrink`);
    else join(tracer, channels, given);
  }
  noteActivation(call, config.activation, channels);
  noteActivation(call, config.recurrentActivation, channels);
  pin(tracer, inputs[0]!.axes[1], `'${path}' goes over that axis`);
}

const recurrent: Rule = (call) => {
  const { className, config, outputs } = call;
  const channels = made(call, Number(config.units));
  noteCell(call, '', GATES[className]!, channels);
  noteOption(call, ['units'], channels);
  joinStates(call, config, channels);
  return outputs.map((shape) => shape.map((_, i) => (i === shape.length - 1 ? channels : undefined)));
};

/** Both directions have as many units, by one option, so their channels go together. */
export function bidirectional(call: Call, inner: string, config: Readonly<Record<string, unknown>>): Axes[] {
  const channels = made(call, Number(config.units));
  for (const part of ['forwardLayer.', 'backwardLayer.']) noteCell(call, part, GATES[inner]!, channels);
  noteOption(call, ['layer', 'config', 'units'], channels);
  joinStates(call, config, channels);
  const mode: unknown = Reflect.get(call.layer, 'mergeMode');
  const merged = mode === 'concat' ? tiled(channels, 2) : channels;
  // After the first come states, or the other direction.
  return call.outputs.map((shape, output) =>
    shape.map((_, i) => (i < shape.length - 1 ? undefined : output === 0 ? merged : channels)),
  );
}

/** Whether a layer is one whose cell is known. */
export function isRecurrent(className: string): boolean {
  return Object.hasOwn(GATES, className);
}

/** By class. */
export const weightedRules: ReadonlyMap<string, Rule> = new Map([
  ['Conv1D', conv1d],
  ['Conv2D', convolution(2, 1)],
  ['Conv3D', convolution(2, 1)],
  ['Conv2DTranspose', convolution(1, 2)],
  ['Conv3DTranspose', convolution(1, 2)],
  ['Dense', dense],
  ['DepthwiseConv2D', depthwise],
  ['SeparableConv2D', separable],
  ['Embedding', embedding],
  ...Object.keys(GATES).map((name): [string, Rule] => [name, recurrent]),
]);
