/** A layer that is applied to each step of a sequence. */
import { classNameOf } from '../../core/parameter';
import type { ConstantCall } from './call';
import { type Constants, placesBy, stridesOf, taken } from './constant';
import { concatenated } from './places';

const without = ([batch, , ...rest]: readonly number[]): number[] => [batch!, ...rest];

/** @returns One step of a sequence. */
function stepAt(sequence: Constants, step: number): Constants {
  const strides = stridesOf(sequence.sizes);
  const sizes = without(sequence.sizes);
  const places = placesBy(sizes, without(strides)).map((place) => place + step * strides[1]!);
  return taken(sequence, places, without(sequence.shape), sizes);
}

/** @returns The steps of a sequence that differ: one of them where all are alike. */
export function stepsOf(sequence: Constants): Constants[] {
  return Array.from({ length: sequence.sizes[1]! }, (_, step) => stepAt(sequence, step));
}

/** @returns A sequence of steps; of as many as its shape says where there is but one. */
export function inTurn(steps: readonly Constants[], shape: readonly number[]): Constants {
  const whole = steps.map((step): Constants => {
    const [shapeOfStep, sizes] = [step.shape, step.sizes].map(([batch, ...rest]) => [batch!, 1, ...rest]);
    return { ...step, shape: shapeOfStep!, sizes: sizes! };
  });
  return whole.length === 1 ? { ...whole[0]!, shape } : concatenated(whole, 1, shape);
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
