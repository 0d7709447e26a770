/** What a layer's bias has to take over when constant channels no longer come into it. */
import type { WeightAxis } from '../graph';
import type { ConstantCall } from './call';
import { allFrom, along, type Channels } from './constant';
import { weightAt, zerosAlong } from './kernels';
import type { Reader } from './read';
import { directionsOf, runOf } from './recurrent';
import { isFirst, kernelInput } from './weighted';
import { isOther, type WindowSums } from './windows';

/** What becomes of the result of a layer that reads channels, if some of them go. */
export interface Reading {
  /** For each index along the axis: whether the channel can go. */
  readonly verdicts: readonly Verdict[];
  /** The bias that takes over what channels add; undefined where they add nothing. */
  readonly shares: Shares | undefined;
}

/** What each channel adds to each entry of a bias. */
export interface Shares {
  readonly bias: string;
  readonly sums: (index: number) => Float64Array;
  readonly values: Float64Array;
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

/**
 * @param reader The layer.
 * @param read The axis of its weight along which it reads channels.
 * @returns What it makes of each.
 */
export function readingOf(reader: Reader, read: WeightAxis): Reading {
  const { weight, axis } = read;
  const ignored = zerosAlong(weightAt(reader.layer, weight)!, axis);
  const judge = weight.endsWith('recurrentKernel') ? judgeStates(reader, read) : judgeInput(reader, read);
  const verdicts = Array.from(ignored, (isIgnored, i) => (isIgnored === 1 ? 'exact' : judge.verdictOf(i)));
  return { verdicts, shares: judge.shares };
}

interface Judge {
  readonly verdictOf: (index: number) => Verdict;
  readonly shares: Shares | undefined;
}

/** A recurrent layer reads its own states, of which no bias can take anything over: they begin with another value. */
function judgeStates({ calls }: Reader, { layer: path, weight }: WeightAxis): Judge {
  const prefix = weight.slice(0, -'recurrentKernel'.length);
  const zeros = calls.map((call) => {
    const direction = directionsOf(call).find((each) => each.prefix === prefix);
    return direction === undefined ? undefined : runOf(call, direction);
  });
  const verdictOf = (i: number): Verdict => {
    if (zeros.every((run) => run?.isZero[i] === 1)) return 'exact';
    const isKnown = zeros.every((run) => run !== undefined && !Number.isNaN(run.states[0]![i]!));
    const stays = `'${path}' reads its own states of them, which are not zero at all steps`;
    return isKnown
      ? { stays }
      : { varies: `'${path}' reads its own states of them, which are not known to be zero` };
  };
  return { verdictOf, shares: undefined };
}

function judgeInput({ calls }: Reader, { layer: path, weight }: WeightAxis): Judge {
  const [first] = calls;
  const isRecurrent = directionsOf(first!).length > 0;
  const inputs = calls.map((call) => (isRecurrent ? sequenceInput(call, weight) : kernelInput(call, weight)));
  const channels = agreed(
    inputs.map((input) => input.channels),
    path,
  );
  const sums = once(inputs[0]!.sums);
  // Sizes differ from call to call, so windows may too.
  const all = once(() => inputs.map((input) => input.sums()));
  const cannot =
    weight === 'pointwiseKernel' && isFirst(first!.layer)
      ? `'${path}' reads them as a constant that is not zero, and tfjs adds its bias along another axis`
      : undefined;
  const isTransposed = first!.className.endsWith('Transpose');
  const verdictOf = (i: number): Verdict => {
    const value = channels.values[i]!;
    const note = channels.notes[i];
    if (Number.isNaN(value)) return { varies: note ?? `what '${path}' reads of them depends on the input` };
    if (value === 0 && note === undefined) return 'exact';
    if (cannot !== undefined) return { stays: cannot };
    if (note !== undefined) return { inexact: borders(note, path) };
    const isUneven = all().some((each) => each.differs(i).includes(1)) || isUnlike(all(), i);
    if (!isUneven) return 'exact';
    return isTransposed
      ? {
          stays: `'${path}' adds another sum of its kernel at other positions, so no bias can take them over`,
        }
      : { inexact: borders(path, path) };
  };
  const bias = `${weight.slice(0, weight.lastIndexOf('.') + 1)}bias`;
  const own = [`${path}:${weight}`, ...(weight === 'pointwiseKernel' ? [`${path}:depthwiseKernel`] : [])];
  const from = new Set([...channels.from, ...own]);
  return { verdictOf, shares: { bias, values: channels.values, sums: (i) => sums().sums(i), from } };
}

const borders = (by: string, path: string): string =>
  `'${by}' pads them, so that '${path}' does not read a constant at the borders`;

function isUnlike(all: readonly WindowSums[], i: number): boolean {
  const [first, ...others] = all.map((each) => each.sums(i));
  return others.some((sum) => sum.some((value, o) => isOther(value, first![o]!)));
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What a cell reads at all steps. */
function sequenceInput(call: ConstantCall, weight: string): { channels: Channels; sums: () => WindowSums } {
  const differs = `'${call.path}' reads them as values that differ from step to step, which no bias can take over`;
  const channels = along(call.inputs[0]!, 2, differs);
  const sums = (): WindowSums => {
    const prefix = weight.slice(0, -'kernel'.length);
    const { rnn } = directionsOf(call).find((each) => each.prefix === prefix)!;
    const { shape, values } = weightAt(rnn, 'kernel')!;
    const width = shape[1]!;
    const copy = values.slice();
    const row = (i: number): Float64Array => Float64Array.from(copy.subarray(i * width, (i + 1) * width));
    return {
      sums: row,
      differs: () => new Uint8Array(width),
      touches: (i) => Uint8Array.from(row(i), (value) => (value === 0 ? 0 : 1)),
    };
  };
  return { channels, sums };
}

/** What all calls of a layer agree on. */
function agreed(calls: readonly Channels[], path: string): Channels {
  return calls.reduce((a, b) => {
    const isSame = (i: number): boolean => a.values[i] === b.values[i];
    const isKnown = (i: number): boolean => !Number.isNaN(a.values[i]!) && !Number.isNaN(b.values[i]!);
    return {
      values: a.values.map((value, i) => (isSame(i) ? value : Number.NaN)),
      notes: a.notes.map((note, i) => {
        if (isSame(i)) return note ?? b.notes[i];
        if (isKnown(i)) return `'${path}' reads another constant in each of its calls`;
        return (
          (Number.isNaN(a.values[i]!) ? note : undefined) ??
          (Number.isNaN(b.values[i]!) ? b.notes[i] : undefined)
        );
      }),
      from: allFrom(a, b),
    };
  });
}

/**
 * @param reading What a layer reads.
 * @param isRemoved Which indices along the axis go.
 * @returns What its bias has to take over; undefined where that is nothing.
 */
export function shiftOf({ shares }: Reading, isRemoved: (index: number) => boolean): number[] | undefined {
  if (shares === undefined) return undefined;
  const shift: number[] = [];
  shares.values.forEach((value, i) => {
    if (!isRemoved(i) || !(value !== 0) || Number.isNaN(value)) return;
    shares.sums(i).forEach((sum, o) => {
      shift[o] = (shift[o] ?? 0) + value * sum;
    });
  });
  return shift.some((value) => value !== 0) ? shift : undefined;
}
