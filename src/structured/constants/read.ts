/** Which channels are constant where kernels read them. */
import type * as tf from '@tensorflow/tfjs';
import { classNameOf } from '../../core/parameter';
import { callsOf, type LayerCall, type Value } from '../summary-calls';
import type { ConstantCall, ModelTraits } from './call';
import { type Constants, unknown } from './constant';
import { constantsAfter } from './rules';
import { callsWithin, inTurn, stepsOf } from './steps';

/** A layer, and what is known of what comes into it each time it is called. */
export interface Reader {
  readonly layer: tf.layers.Layer;
  /** Of a TimeDistributed, calls of the layer within. */
  readonly calls: readonly ConstantCall[];
}

/**
 * @param model A built model.
 * @param inputShapes The shape of each input without the batch axis, where the model leaves sizes open.
 * @returns By its path, each layer.
 * @throws {@link PruneError} `shape` where a size is not known.
 */
export function readersOf(
  model: tf.LayersModel,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
): Map<string, Reader> {
  const { calls } = callsOf(model, inputShapes);
  const traits: ModelTraits = {
    isOpen: model.inputs.some(({ shape }) => shape.slice(1).includes(null)),
    hasMasks: calls.some(({ layer }) => makesMask(layer)),
  };
  const known = knownBefore(calls);
  const readers = new Map<string, Reader>();
  for (const call of calls) {
    const { layer, name: path, inputs, outputs, within } = call;
    if (within !== undefined) {
      outputs.forEach((output, i) => {
        known.set(output, inTurn([known.at(within.outputs[i]!)], output.shape));
      });
      continue;
    }
    const inner = callsWithin({
      layer,
      className: classNameOf(layer) ?? '',
      path,
      inputs: inputs.map(known.at),
      outputShapes: outputs.map(({ shape }) => shape),
      model: traits,
    });
    readers.set(path, { layer, calls: [...(readers.get(path)?.calls ?? []), ...inner] });
    const made = inner.map(constantsAfter);
    const isDistributed = inner[0]!.layer !== layer;
    outputs.forEach((output, i) => {
      const each = made.map((all) => all[i] ?? unknown(output.shape));
      known.set(output, isDistributed ? inTurn(each, output.shape) : each[0]!);
    });
  }
  return readers;
}

/** Whether a layer marks steps that others leave out. */
function makesMask(layer: object): boolean {
  const inner: unknown = Reflect.get(layer, 'layer');
  if (typeof inner === 'object' && inner !== null && makesMask(inner)) return true;
  return classNameOf(layer) === 'Masking' || Reflect.get(layer, 'maskZero') === true;
}

/** What is known of values; of what a TimeDistributed gives its model, what all steps have in common. */
function knownBefore(calls: readonly LayerCall[]) {
  const known = new Map<Value, Constants>();
  const sequences = new Map<Value, { sequence: Value; path: string }>(
    calls.flatMap(({ within, inputs, name }) =>
      within === undefined ? [] : [[within.input, { sequence: inputs[0]!, path: name }]],
    ),
  );
  const at = (value: Value): Constants => {
    const outer = sequences.get(value);
    if (outer === undefined) return known.get(value) ?? unknown(value.shape);
    const steps = stepsOf(at(outer.sequence));
    const note = `'${outer.path}' gets another constant at each step`;
    return steps.length === 1 ? steps[0]! : steps.reduce((a, b) => common(a, b, note));
  };
  return { at, set: (value: Value, constants: Constants) => known.set(value, constants) };
}

/** What two steps of a sequence have in common: they are written out alike. */
function common(a: Constants, b: Constants, note: string): Constants {
  const isSame = (i: number): boolean => Object.is(a.values[i], b.values[i]);
  return {
    ...a,
    values: a.values.map((value, i) => (isSame(i) ? value : Number.NaN)),
    notes: a.notes.map((each, i) => {
      if (isSame(i)) return each ?? b.notes[i];
      return each ?? b.notes[i] ?? note;
    }),
  };
}
