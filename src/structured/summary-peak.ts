/** The memory that a model's tensors take at a time. */
import { classNameOf } from '../core/parameter';
import type { LayerCall, Value } from './summary-calls';

/** Layers whose output is their input in inference, with another shape at most: tfjs does not copy it. */
const VIEWS: ReadonlySet<string> = new Set([
  ...['Flatten', 'Reshape', 'Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout'],
  'GaussianNoise',
]);

/**
 * @param calls The calls in the order in which they run.
 * @param inputs What goes into the model: the caller holds it to the end.
 * @param outputs What comes out of it.
 * @returns The most bytes of inputs and outputs of calls that are there at a time, each freed after the last call that
 * reads it.
 */
export function peakBytes(
  calls: readonly LayerCall[],
  inputs: readonly Value[],
  outputs: readonly Value[],
): number {
  const stored = storage(calls);
  const last = new Map<Value, number>();
  calls.forEach((call, i) => {
    for (const value of [...call.inputs, ...call.outputs]) last.set(stored(value), i);
  });
  for (const value of [...inputs, ...outputs]) last.set(stored(value), calls.length);
  const live = new Set(inputs);
  let bytes = inputs.reduce((sum, value) => sum + value.bytes, 0);
  let peak = bytes;
  calls.forEach((call, i) => {
    for (const value of [...call.inputs, ...call.outputs].map(stored)) {
      // What a model within a TimeDistributed reads is made for each step.
      if (!live.has(value)) bytes += value.bytes;
      live.add(value);
    }
    peak = Math.max(peak, bytes);
    for (const value of new Set([...call.inputs, ...call.outputs].map(stored))) {
      if (last.get(value) !== i) continue;
      live.delete(value);
      bytes -= value.bytes;
    }
  });
  return peak;
}

/** By which value the memory of another goes. */
function storage(calls: readonly LayerCall[]): (value: Value) => Value {
  const views = new Map<Value, Value>();
  const stored = (value: Value): Value => views.get(value) ?? value;
  for (const { layer, inputs, outputs } of calls) {
    const [input, output] = [inputs[0], outputs[0]];
    if (input && output && VIEWS.has(classNameOf(layer) ?? '')) views.set(output, stored(input));
  }
  return stored;
}
