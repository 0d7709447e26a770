/** A layer that is applied to each step of a sequence. */
import { classNameOf } from '../../core/parameter';
import { type Axis, alike, countsOf, placesBy, stridesOf } from './axes';
import type { ConstantCall } from './call';
import { type Constants, compacted, taken } from './constant';
import { appended } from './places';

/** @returns What belongs to each axis, without that of the steps. */
export const without = <T>([batch, , ...rest]: readonly T[]): T[] => [batch!, ...rest];

/** @returns The steps of a sequence that differ: one of them where all are alike. */
export function stepsOf(sequence: Constants): Constants[] {
  const strides = stridesOf(countsOf(sequence.axes));
  const axes = without(sequence.axes);
  const places = placesBy(
    axes.map(({ count }, i) => Array.from({ length: count }, (_, kind) => kind * without(strides)[i]!)),
  );
  return Array.from({ length: sequence.axes[1]!.count }, (_, step) =>
    taken(
      sequence,
      places.map((place) => place + step * strides[1]!),
      axes,
    ),
  );
}

/** @returns A sequence of steps that differ, which are where an axis says. */
export function inTurn(steps: readonly Constants[], axis: Axis): Constants {
  const single = steps.map(
    ({ axes: [batch, ...rest], ...step }): Constants => ({ ...step, axes: [batch!, alike(1), ...rest] }),
  );
  const {
    axes: [batch, , ...rest],
    ...whole
  } = appended(single, 1);
  return compacted({ ...whole, axes: [batch!, axis, ...rest] });
}

/**
 * @param call The call of a layer.
 * @returns Of a TimeDistributed the calls of the layer within, at all steps that differ; of another layer its own.
 */
export function callsWithin(call: ConstantCall): ConstantCall[] {
  const inner: unknown = call.className === 'TimeDistributed' ? Reflect.get(call.layer, 'layer') : undefined;
  if (typeof inner !== 'object' || inner === null) return [call];
  const className = classNameOf(inner) ?? '';
  return stepsOf(call.inputs[0]!).map((step) => ({
    ...call,
    layer: inner,
    className,
    inputs: [step],
    outputShapes: call.outputShapes.map(without),
  }));
}
