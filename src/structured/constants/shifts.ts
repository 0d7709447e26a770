/** What a layer's bias has to take over when constant channels no longer come into it. */
import type { WeightAxis } from '../graph';
import type { ConstantCall } from './call';
import { ignoredBy, kernelOf, mattering, type Outputs, outputsAmong } from './kernels';
import { readBy } from './positions';
import { isSame, isTransposed, type KernelRead, kernelRead, productOf } from './products';
import type { Reader } from './read';
import { directionsOf, runOf } from './recurrent';
import { isMisplaced } from './weighted';

/** What becomes of the result of a layer that reads channels, if some of them go. */
export interface Reading {
  /** For each index along the axis: whether the channel can go. */
  readonly verdicts: readonly Verdict[];
  /** The bias that takes over what channels add. */
  readonly bias: string;
  /** What one of them adds to each entry of it; undefined where that is nothing. */
  readonly shareOf: (index: number) => Float64Array | undefined;
  /** The weights that all of this comes from. */
  readonly from: ReadonlySet<string>;
}

/** Whether a channel can go as far as one layer is concerned. */
export type Verdict =
  /** It can, and the result stays the same. */
  | 'exact'
  /** It depends on the input, or on something that is not followed, in words. */
  | { readonly varies: string }
  /** It can, but not exactly; what pads it. */
  | { readonly inexact: string }
  /** It is constant, but the layer cannot take that over. */
  | { readonly stays: string };

/** What goes already. */
export interface Going {
  /** By output of a weight the number of its channel; undefined where they cannot go. */
  readonly outputChannels: Int32Array | undefined;
  /** For each number of a channel 1 where it goes. */
  readonly isGone: Uint8Array;
}

/**
 * @param reader The layer.
 * @param read The axis of its weight along which it reads channels.
 * @param going What goes already, of which what is made does not matter.
 * @param continued The layer, where padding is taken to continue what it surrounds.
 * @returns What it makes of each.
 */
export function readingOf(
  reader: Reader,
  read: WeightAxis,
  { outputChannels, isGone }: Going,
  continued: () => Reader | undefined,
): Reading {
  const { weight } = read;
  const kernel = kernelOf(reader.layer, weight, isTransposed(reader.calls[0]!));
  const outputs = outputsAmong(read.channels, outputChannels, isGone, kernel.outputs);
  const ignored = ignoredBy(kernel, outputs);
  const isOwn = weight.endsWith('recurrentKernel');
  const judge = isOwn ? judgeStates(reader, read) : judgeInput(reader, read, outputs);
  const rough = once(() => {
    const other = isOwn ? undefined : continued();
    return other && judgeInput(other, read, outputs);
  });
  const verdicts = Array.from(ignored, (isIgnored, i): Verdict => {
    if (isIgnored === 1) return 'exact';
    const { verdict, isUneven } = judge.judgementOf(i);
    const other = isUneven ? rough()?.judgementOf(i).verdict : undefined;
    return other !== undefined && isInexact(other) ? other : verdict;
  });
  const isRough = verdicts.some(isInexact);
  return {
    verdicts,
    bias: `${weight.slice(0, weight.lastIndexOf('.') + 1)}bias`,
    shareOf: (i) => {
      if (ignored[i] === 1) return undefined;
      return isInexact(verdicts[i]!) ? rough()?.shareOf(i) : judge.shareOf(i);
    },
    from: new Set([...judge.from, ...((isRough && rough()?.from) || [])]),
  };
}

const isInexact = (verdict: Verdict): boolean => typeof verdict === 'object' && 'inexact' in verdict;

/** What one layer makes of a channel. */
interface Judgement {
  readonly verdict: Verdict;
  /** Whether it would be another one if padding continued what it surrounds. */
  readonly isUneven: boolean;
}

interface Judge {
  readonly judgementOf: (index: number) => Judgement;
  readonly shareOf: (index: number) => Float64Array | undefined;
  readonly from: ReadonlySet<string>;
}

/** A recurrent layer reads its own states, of which no bias can take anything over: they begin with another value. */
function judgeStates({ calls }: Reader, { layer: path, weight }: WeightAxis): Judge {
  const prefix = weight.slice(0, -'recurrentKernel'.length);
  const runs = calls.map((call) => {
    const direction = directionsOf(call).find((each) => each.prefix === prefix);
    return direction === undefined ? undefined : runOf(call, direction);
  });
  const verdictOf = (i: number): Verdict => {
    if (runs.every((run) => run?.isZero[i] === 1)) return 'exact';
    const isKnown = runs.every((run) => run !== undefined && !Number.isNaN(run.states[0]![i]!));
    const stays = `'${path}' reads its own states of them, which are not zero at all steps`;
    return isKnown
      ? { stays }
      : { varies: `'${path}' reads its own states of them, which are not known to be zero` };
  };
  return {
    judgementOf: (i) => ({ verdict: verdictOf(i), isUneven: false }),
    shareOf: () => undefined,
    from: new Set(),
  };
}

/** What a layer reads of one channel in one call. */
interface ChannelRead {
  readonly isKnown: boolean;
  /** The value that it has everywhere; undefined where that differs. */
  readonly value: number | undefined;
  /** Of what is not known, why; of what holds only away from borders, what pads it. */
  readonly note: string | undefined;
}

function channelRead({ input: { axes, values, notes } }: KernelRead, index: number): ChannelRead {
  const channels = axes.at(-1)!.count;
  const places = Array.from({ length: values.length / channels }, (_, place) => place * channels + index);
  const lost = places.filter((at) => Number.isNaN(values[at]!));
  const note = (lost.length > 0 ? lost : places).map((at) => notes[at]).find((each) => each !== undefined);
  if (lost.length > 0) return { isKnown: false, value: undefined, note };
  const isUniform = places.every((at) => values[at] === values[index]);
  return { isKnown: true, value: isUniform ? values[index] : undefined, note };
}

function judgeInput({ calls }: Reader, { layer: path, weight }: WeightAxis, outputs: Outputs): Judge {
  const [call] = calls;
  const reads = calls.map((each) => inputOf(each, weight));
  const judgementOf = (i: number): Judgement => {
    const channels = reads.map((read) => channelRead(read, i));
    const unknown = channels.filter(({ isKnown }) => !isKnown);
    const note = (unknown.length > 0 ? unknown : channels).find((each) => each.note !== undefined)?.note;
    if (unknown.length > 0) {
      const varies = note ?? `what '${path}' reads of them depends on the input`;
      return { verdict: { varies }, isUneven: call!.model.isOpen && note !== undefined };
    }
    if (note === undefined && channels.every(({ value }) => value === 0)) return even('exact');
    if (isMisplaced(call!)) return even({ stays: `'${path}' ${MISPLACED}` });
    const matters = mattering(outputs, i);
    const products = reads.map((read) => productOf(read, path, i, matters));
    const pad = note ?? products.find((product) => product?.note !== undefined)?.note;
    const isTaken = products.every((each) => each?.isAlike && isSame(each, products[0]!, matters));
    if (isTaken) return even(pad === undefined ? 'exact' : { inexact: borders(pad, path) });
    return { verdict: { stays: whyNot(channels, call!) }, isUneven: true };
  };
  return {
    judgementOf,
    shareOf: (i) => productOf(reads[0]!, path, i, mattering(outputs, i))?.sums,
    from: new Set([...reads.flatMap(({ input }) => [...input.from]), `${path}:${weight}`]),
  };
}

const even = (verdict: Verdict): Judgement => ({ verdict, isUneven: false });

const MISPLACED = 'reads them as a constant that is not zero, and tfjs adds its bias along another axis';

const borders = (by: string, path: string): string =>
  `'${by}' pads them, so that ${by === path ? 'it' : `'${path}'`} does not read a constant at the borders`;

/** Why no bias can take a constant over. */
function whyNot(channels: readonly ChannelRead[], call: ConstantCall): string {
  const { path } = call;
  const [first, ...others] = channels;
  const steps = directionsOf(call).length > 0 ? 'step to step' : 'position to position';
  if (channels.some(({ value }) => value === undefined)) {
    return `'${path}' reads them as values that differ from ${steps}, which no bias can take over`;
  }
  if (others.some(({ value }) => value !== first!.value)) {
    return `'${path}' reads another constant in each of its calls`;
  }
  return isTransposed(call)
    ? `'${path}' adds another sum of its kernel at other positions, so no bias can take them over`
    : borders(path, path);
}

/** What a cell reads at all steps, or a layer by its kernel. */
function inputOf(call: ConstantCall, weight: string): KernelRead {
  const direction = directionsOf(call).find(({ prefix }) => weight === `${prefix}kernel`);
  if (direction === undefined) return kernelRead(call, weight);
  return { ...readBy(call, [], false), kernel: () => kernelOf(direction.rnn, 'kernel') };
}

/** @returns What makes something when it is first asked for. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * @param reading What a layer reads.
 * @param isRemoved Which indices along the axis go.
 * @returns What its bias has to take over; undefined where that is nothing.
 */
export function shiftOf(
  { verdicts, shareOf }: Reading,
  isRemoved: (index: number) => boolean,
): number[] | undefined {
  const shift: number[] = [];
  verdicts.forEach((_, i) => {
    if (!isRemoved(i)) return;
    shareOf(i)?.forEach((sum, o) => {
      shift[o] = (shift[o] ?? 0) + sum;
    });
  });
  return shift.some((value) => value !== 0) ? shift : undefined;
}
