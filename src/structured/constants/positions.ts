/** Layers that go over positions, as constants see it: their channels last, whatever their format. */
import { apart, countsOf, product } from './axes';
import { type ConstantCall, channelAxisOf, shapeAfter } from './call';
import {
  along,
  type Constants,
  compacted,
  type Elements,
  expanded,
  spread,
  turned,
  unknown,
} from './constant';
import { EACH, type Reach, type Windows, windowsOver } from './windows';

/** What a layer reads position by position. */
export interface Read {
  /** Channels are along the last axis, each by itself. */
  readonly input: Constants;
  /** Undefined where they depend on a size that is open. */
  readonly windows: Windows | undefined;
}

/** Moves an axis to the end. */
const withLast = (rank: number, axis: number): number[] => [
  ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis),
  axis,
];

/** @returns What a layer reads, with its channels last, each by itself. */
export function channelsLast({ layer, inputs }: ConstantCall): Constants {
  const [input] = inputs;
  const rank = input!.axes.length;
  return expanded(turned(input!, withLast(rank, channelAxisOf(layer, rank))), rank - 1);
}

/**
 * @param call The call of a layer.
 * @param reaches How it goes over the axes of its input but for those of the batch and of channels; all one by one if left out.
 * @param isContinued Whether what is beyond its borders is taken to be like what is inside.
 * @returns What it reads.
 */
export function readBy(
  call: ConstantCall,
  reaches: readonly Reach[] | undefined,
  isContinued: boolean,
): Read {
  const input = channelsLast(call);
  const axes = input.axes.slice(0, -1);
  const all = axes.map((_, i) => (i === 0 ? EACH : (reaches?.[i - 1] ?? EACH)));
  return { input, windows: windowsOver(axes, all, { isOpen: call.model.isOpen, isContinued }) };
}

/** Why a constant is lost where a size is open. */
export const openSizes = (path: string): string =>
  `'${path}' makes something else of them at borders, and the model leaves sizes open`;

/**
 * @param call The call of a layer.
 * @param made What it gives: by position, as windows say them, and channel.
 * @param windows The windows.
 * @returns What is known of what it gives.
 */
export function placedBy(
  call: ConstantCall,
  made: Elements,
  { axes, isOpen }: Pick<Windows, 'axes' | 'isOpen'>,
): Constants {
  const channels = made.values.length / product(countsOf(axes));
  const last = axes.length;
  const whole = { ...made, axes: [...axes, apart(channels)] };
  const settled = isOpen
    ? spread(
        along(whole, last, openSizes(call.path)),
        [...axes.map(({ kinds }) => kinds.length), channels],
        last,
      )
    : whole;
  const order = axes.map((_, i) => i);
  order.splice(channelAxisOf(call.layer, last + 1), 0, last);
  return compacted(turned(settled, order));
}

/** @returns The shape that a call gives, of which nothing is known, since a size is open. */
export const unknownByOpenSizes = (call: ConstantCall): Constants =>
  unknown(shapeAfter(call), openSizes(call.path));
