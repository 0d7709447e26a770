/** What layers make of constants that go over positions, channel by channel. */
import { type Axis, apart, stridesOf } from './axes';
import { type ConstantCall, type ConstantRule, channelAxisOf, shapeAfter } from './call';
import { along, type Constants, compacted, expanded, mapped, spread } from './constant';
import { channelsLast, placedBy, readBy, unknownByOpenSizes } from './positions';
import { applying, ran } from './ran';
import { moved, reachesOf } from './reaches';
import type { Reach } from './windows';

/** What becomes of values that are met together. */
type Pool = (values: readonly number[]) => number;

const first: Pool = ([value]) => value!;

const maximum: Pool = (values) => values.reduce((a, b) => Math.max(a, b));

/** Of values that are alike it is that value, however rounding may go. */
function mean(values: readonly number[], weights: readonly number[] = values.map(() => 1)): number {
  if (values.every((value) => value === values[0])) return values[0]!;
  const sum = values.reduce((total, value, i) => total + value * weights[i]!, 0);
  return sum / weights.reduce((total, weight) => total + weight, 0);
}

const poolOf = (className: string): Pool => (className.includes('Max') ? maximum : (values) => mean(values));

/** Puts together what is met at each position; what lies beyond the input is zero if it is padded, and else left out. */
function overPositions(
  call: ConstantCall,
  reaches: readonly Reach[],
  pool: Pool,
  isPadded = false,
): Constants {
  const { input, windows } = readBy(call, reaches, isPadded && call.model.isContinued);
  if (windows === undefined) return unknownByOpenSizes(call);
  const channels = input.axes.at(-1)!.count;
  const values = new Float64Array(windows.places.length * channels);
  const notes = Array<string | undefined>(values.length).fill(undefined);
  const isContinued = windows.pads.includes(1);
  windows.places.forEach((window, w) => {
    const met = isPadded ? window : window.filter((place) => place >= 0);
    for (let c = 0, at = w * channels; c < channels; c++, at++) {
      const own = met.map((place) => (place < 0 ? 0 : input.values[place * channels + c]!));
      values[at] = pool(own);
      const lost = met.find(
        (place, i) => place >= 0 && isNoted(input, place * channels + c, own[i]!, values[at]!),
      );
      if (lost !== undefined) notes[at] = input.notes[lost * channels + c];
      else if (isContinued && values[at] !== 0 && !Number.isNaN(values[at]!)) notes[at] = call.path;
    }
  });
  const made = { values, notes, from: input.from };
  return placedBy(call, made, windows);
}

/** Whether a note says something of a result: of one that is not known what lost it, of others what pads them. */
function isNoted({ notes }: Constants, at: number, value: number, result: number): boolean {
  return notes[at] !== undefined && Number.isNaN(value) === Number.isNaN(result);
}

export const pooling: ConstantRule = (call) => {
  const { layer, className } = call;
  const sizes = [Reflect.get(layer, 'poolSize')].flat().map(Number);
  return overPositions(call, reachesOf(layer, className, sizes), poolOf(className));
};

/** How much there is before and after each axis, as `padding` and `cropping` say it. */
function marginsOf(option: unknown): ReadonlyArray<readonly [number, number]> {
  return [option].flat().map((pair) => {
    const [before, after] = [pair].flat().map(Number);
    return [before!, after!];
  });
}

export const zeroPadding: ConstantRule = (call) => {
  const reaches = marginsOf(Reflect.get(call.layer, 'padding')).map(([before, after]) =>
    moved(
      (size) => size + before + after,
      (at) => at - before,
    ),
  );
  return overPositions(call, reaches, first, true);
};

export const cropping: ConstantRule = (call) => {
  const reaches = marginsOf(Reflect.get(call.layer, 'cropping')).map(([before, after]) =>
    moved(
      (size) => Math.max(0, size - before - after),
      (at) => at + before,
    ),
  );
  return overPositions(call, reaches, first);
};

export const upSampling: ConstantRule = (call) => {
  if (Reflect.get(call.layer, 'interpolation') !== 'nearest') return resized(call);
  const factors = [Reflect.get(call.layer, 'size')].flat().map(Number);
  const reaches = factors.map((factor) =>
    moved(
      (size) => size * factor,
      (at) => Math.floor(at / factor),
    ),
  );
  return overPositions(call, reaches, first);
};

/** Makes other values of those around: what is alike stays so, and tfjs says the rest. */
export const resized: ConstantRule = (call) => {
  const input = channelsLast(call);
  const places = input.axes.slice(0, -1);
  const shape = shapeAfter(call);
  const axis = channelAxisOf(call.layer, shape.length);
  if (places.every(({ count }) => count === 1)) return spread(input, shape, axis);
  if (call.model.isOpen) return unknownByOpenSizes(call);
  const channels = along(
    mapped(input, (value) => (Number.isNaN(value) ? value : 0)),
    places.length,
    '',
  );
  const note = input.notes.find((each, i) => each !== undefined && !Number.isNaN(input.values[i]!));
  const values = ran(expanded(call.inputs[0]!), applying(call.layer));
  const stride = stridesOf(shape)[axis]!;
  const channelOf = (i: number): number => Math.floor(i / stride) % shape[axis]!;
  return compacted({
    axes: shape.map(apart),
    values: Float64Array.from(values, (value, i) => value + channels.values[channelOf(i)]!),
    notes: Array.from(values, (_, i) =>
      Number.isNaN(channels.values[channelOf(i)]!) ? channels.notes[channelOf(i)] : note,
    ),
    from: input.from,
  });
};

export const globalPooling: ConstantRule = (call) => {
  const input = channelsLast(call);
  const places = input.axes.slice(0, -1);
  const isMaximum = call.className.includes('Max');
  const isUneven = places.some(({ count }) => count > 1);
  // How often each kind occurs depends on the size; that it does, not.
  if (isUneven && call.model.isOpen && !isMaximum) return unknownByOpenSizes(call);
  const weights = timesOf(places);
  const channels = input.axes.at(-1)!.count;
  const own = (c: number): number[] => Array.from(weights, (_, place) => input.values[place * channels + c]!);
  const values = Float64Array.from({ length: channels }, (_, c) =>
    isMaximum ? maximum(own(c)) : mean(own(c), weights),
  );
  const notes = Array.from(values, (value, c) => {
    const place = own(c).findIndex((each, i) => isNoted(input, i * channels + c, each, value));
    return place < 0 ? undefined : input.notes[place * channels + c];
  });
  return spread({ values, notes, from: input.from }, shapeAfter(call), 1);
};

/** How many elements there are of each, by the kinds along axes. */
function timesOf(axes: readonly Axis[]): number[] {
  return axes.reduce<number[]>(
    (all, { kinds, count }) => {
      const own = Array<number>(count).fill(0);
      for (const kind of kinds) own[kind]!++;
      return all.flatMap((times) => own.map((each) => times * each));
    },
    [1],
  );
}
