/** What layers with kernels make of constants, and what they make that is constant. */
import { activated } from './activations';
import { type ConstantCall, type ConstantRule, channelAxisOf, positionsOf, shapeAfter } from './call';
import { allFrom, along, type Channels, type Constants, spread, unknown } from './constant';
import { type Weight, weightAt, zerosAlong } from './kernels';
import { sumsOver, type WindowSums, windowsOf } from './windows';

/** What a kernel reads: the channels that come into it, and what it adds of them. */
export interface KernelInput {
  readonly channels: Channels;
  /** Where it is not known, made only when it is needed: it copies the kernel. */
  readonly sums: () => WindowSums;
}

const isTransposed = (className: string): boolean => className.endsWith('Transpose');

/** What no bias can take over. */
const differing = (path: string): string =>
  `'${path}' reads them as values that differ from position to position, which no bias can take over`;

function inputOf({ layer, path, inputs }: ConstantCall): Channels {
  const [input] = inputs;
  return along(input!, channelAxisOf(layer, input!.shape.length), differing(path));
}

function windowSums(call: ConstantCall, kernel: Weight): WindowSums {
  const { layer, className, inputs, model } = call;
  const sizes = kernel.shape.slice(0, -2);
  const { shape } = inputs[0]!;
  const [from, to] = [shape, shapeAfter(call)].map((each) =>
    positionsOf(each, channelAxisOf(layer, each.length)),
  );
  const turned = isTransposed(className);
  return sumsOver(kernel, windowsOf(layer, sizes, model.isOpen ? undefined : from, to!, turned), turned);
}

/**
 * @param call A call of a layer with a kernel that makes channels.
 * @param weight That kernel, by tfjs's name.
 * @returns What it reads.
 */
export function kernelInput(call: ConstantCall, weight: string): KernelInput {
  const { layer } = call;
  const kernel = weightAt(layer, weight)!;
  if (weight === 'pointwiseKernel') {
    const plain: Weight = { shape: kernel.shape.slice(-2), values: kernel.values };
    return {
      channels: afterDepthwise(call),
      sums: () => sumsOver(plain, { sizes: [], sets: [] }, false),
    };
  }
  return { channels: inputOf(call), sums: () => windowSums(call, weightAt(layer, weight)!) };
}

/** What a depthwise kernel makes, without a bias. */
function afterDepthwise(call: ConstantCall): Channels {
  const { layer, path } = call;
  const { values, notes, from } = inputOf(call);
  const kernel = weightAt(layer, 'depthwiseKernel')!;
  const multiplier = kernel.shape.at(-1)!;
  const size = values.length * multiplier;
  const made = { values: new Float64Array(size), notes: Array<string | undefined>(size).fill(undefined) };
  const { sums, differs, touches } = windowSums(call, kernel);
  values.forEach((value, i) => {
    const [sum, uneven, touched] = [sums(i), differs(i), touches(i)];
    for (let m = 0; m < multiplier; m++) {
      if (touched[m] === 0) continue;
      const at = i * multiplier + m;
      made.values[at] = value * sum[m]!;
      made.notes[at] =
        notes[i] ?? (uneven[m] === 1 && value !== 0 && !Number.isNaN(value) ? path : undefined);
    }
  });
  return { ...made, from: new Set([...from, `${path}:depthwiseKernel`]) };
}

function biased(call: ConstantCall, channels: Channels): Constants {
  const { layer, path } = call;
  const shape = shapeAfter(call);
  const bias = weightAt(layer, 'bias')?.values;
  const shifted = {
    ...channels,
    values: channels.values.map((value, i) => value + (bias?.[i] ?? 0)),
    from: bias === undefined ? channels.from : new Set([...channels.from, `${path}:bias`]),
  };
  return activated(layer, path, spread(shifted, shape, channelAxisOf(layer, shape.length)));
}

export const depthwise: ConstantRule = (call) => biased(call, afterDepthwise(call));

/** Sums over channels that are constant, or that the kernel has zeros for, are constant too. */
export const maker =
  (weight: string): ConstantRule =>
  (call) => {
    const { layer, className, path } = call;
    const kernel = weightAt(layer, weight);
    const isWrong =
      className === 'SeparableConv2D' && weightAt(layer, 'bias') !== undefined && isFirst(layer);
    if (kernel === undefined || isWrong) return unknown(shapeAfter(call));
    const { channels, sums } = kernelInput(call, weight);
    const outputs = kernel.shape.at(isTransposed(className) ? -2 : -1)!;
    const depends = dependent(kernel, channels, isTransposed(className));
    const made = {
      values: Float64Array.from(depends, (each) => (each === 1 ? Number.NaN : 0)),
      notes: Array<string | undefined>(outputs).fill(undefined),
    };
    if (depends.every((each) => each === 1)) return unknown(shapeAfter(call));
    const isUsed = addConstants(made, channels, sums, path);
    const own = new Set([`${path}:${weight}`]);
    const from = isUsed ? allFrom(channels, { ...made, from: own }) : own;
    return biased(call, { ...made, from });
  };

/** tfjs adds the bias of a separable convolution along the wrong axis there. */
export const isFirst = (layer: object): boolean => Reflect.get(layer, 'dataFormat') === 'channelsFirst';

/** For each output 1 where it reads a channel that is not known. */
function dependent({ shape, values }: Weight, channels: Channels, turned: boolean): Uint8Array {
  const [a, b] = [shape.at(-2)!, shape.at(-1)!];
  const depends = new Uint8Array(turned ? a : b);
  const isKnown = Uint8Array.from(channels.values, (value) => (Number.isNaN(value) ? 0 : 1));
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) continue;
    const [first, second] = [Math.floor(i / b) % a, i % b];
    if (isKnown[turned ? second : first] === 0) depends[turned ? first : second] = 1;
  }
  return depends;
}

function addConstants(
  made: { values: Float64Array; notes: Array<string | undefined> },
  { values, notes }: Channels,
  sums: () => WindowSums,
  path: string,
): boolean {
  const given = [...values.keys()].filter((i) => !Number.isNaN(values[i]!) && values[i] !== 0);
  if (given.length === 0) return false;
  const over = sums();
  let isUsed = false;
  for (const i of given) {
    const [sum, uneven, touched] = [over.sums(i), over.differs(i), over.touches(i)];
    for (let o = 0; o < sum.length; o++) {
      if (touched[o] === 0 || Number.isNaN(made.values[o]!)) continue;
      isUsed = true;
      made.values[o]! += values[i]! * sum[o]!;
      made.notes[o] ??= notes[i] ?? (uneven[o] === 1 ? path : undefined);
    }
  }
  return isUsed;
}

export const embedding: ConstantRule = (call) => {
  const { layer, path } = call;
  const zeros = zerosAlong(weightAt(layer, 'embeddings')!, 1);
  const shape = shapeAfter(call);
  const channels = {
    values: Float64Array.from(zeros, (isZero) => (isZero === 1 ? 0 : Number.NaN)),
    notes: Array<string | undefined>(zeros.length).fill(undefined),
    from: new Set([`${path}:embeddings`]),
  };
  return spread(channels, shape, shape.length - 1);
};
