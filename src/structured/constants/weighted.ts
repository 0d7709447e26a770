/** What layers with kernels make that is constant. */
import { activated } from './activations';
import { type ConstantCall, type ConstantRule, shapeAfter } from './call';
import { type Constants, type Elements, mapped, spread, unknown } from './constant';
import { weightAt, zerosAlong } from './kernels';
import { placedBy, unknownByOpenSizes } from './positions';
import { depthwiseOf, kernelRead, sumsOf } from './products';
import type { Windows } from './windows';

/** By position and channel. */
function biased(call: ConstantCall, made: Elements, windows: Windows, channels: number): Constants {
  const { layer, path } = call;
  const bias = weightAt(layer, 'bias')?.values;
  const from = bias === undefined ? made.from : new Set([...made.from, `${path}:bias`]);
  const shifted = mapped(made, (value, i) => value + (bias?.[i % channels] ?? 0), from);
  return activated(layer, path, placedBy(call, shifted, windows), call.model);
}

export const depthwise: ConstantRule = (call) => {
  const made = depthwiseOf(call);
  if (made === undefined) return unknownByOpenSizes(call);
  return biased(call, made.elements, made.windows, made.channels);
};

/** Sums over channels that are constant, or that the kernel has zeros for, are constant too. */
export const maker =
  (weight: string): ConstantRule =>
  (call) => {
    const { layer, path } = call;
    const nothing = unknown(shapeAfter(call));
    // Where channels are first, tfjs's Conv1D gives them last, in another shape than it says.
    const isWrong = (call.className === 'Conv1D' && isFirst(layer)) || isMisplaced(call);
    if (weightAt(layer, weight) === undefined || isWrong) return nothing;
    const read = kernelRead(call, weight);
    if (read.windows === undefined) return unknownByOpenSizes(call);
    const made = sumsOf(read, read.windows, path);
    if (made === undefined) return nothing;
    const from = new Set([...(made.isUsed ? read.input.from : []), `${path}:${weight}`]);
    return biased(call, { ...made, from }, read.windows, read.kernel().outputs);
  };

/** tfjs adds the bias of a separable convolution along the wrong axis where channels are first. */
export const isMisplaced = ({ className, layer }: ConstantCall): boolean =>
  className === 'SeparableConv2D' && isFirst(layer) && weightAt(layer, 'bias') !== undefined;

const isFirst = (layer: object): boolean => Reflect.get(layer, 'dataFormat') === 'channelsFirst';

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
