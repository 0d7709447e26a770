/** Which channels are constant where kernels read them. */
import type * as tf from '@tensorflow/tfjs';
import { classNameOf } from '../../core/parameter';
import { callsOf, type LayerCall, type Value } from '../summary-calls';
import type { ConstantCall, ModelTraits } from './call';
import { type Constants, unknown } from './constant';
import { constantsAfter } from './rules';
import { callsWithin, inTurn, stepsOf, without } from './steps';

/** A layer, and what is known of what comes into it each time it is called. */
export interface Reader {
  readonly layer: tf.layers.Layer;
  /** Of a TimeDistributed, calls of the layer within. */
  readonly calls: readonly ConstantCall[];
}

/** What is known of values: of those of a model that a TimeDistributed applies, at each of its steps that differ. */
type Known = Map<Value, readonly Constants[]>;

/**
 * @param model A built model.
 * @param inputShapes The shape of each input without the batch axis, where the model leaves sizes open.
 * @param isContinued Whether padding is taken to continue what it surrounds, to tell what is constant but for the borders.
 * @returns By its path, each layer.
 * @throws {@link PruneError} `shape` where a size is not known.
 */
export function readersOf(
  model: tf.LayersModel,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
  isContinued = false,
): Map<string, Reader> {
  const { calls } = callsOf(model, inputShapes);
  const traits: ModelTraits = {
    isOpen: model.inputs.some(({ shape }) => shape.slice(1).includes(null)),
    hasMasks: calls.some(({ layer }) => makesMask(layer)),
    isContinued,
  };
  const known: Known = new Map();
  const at = knowing(known, calls);
  const readers = new Map<string, Reader>();
  for (const { layer, name: path, inputs, outputs, within } of calls) {
    if (within !== undefined) {
      const sequences = at(inputs[0]!);
      outputs.forEach((output, i) => {
        known.set(output, inSequences(at(within.outputs[i]!), sequences));
      });
      continue;
    }
    const all = inputs.map(at);
    const runs = (all[0] ?? []).map((_, run) =>
      called(
        {
          layer,
          className: classNameOf(layer) ?? '',
          path,
          inputs: all.map((each) => each[run]!),
          outputShapes: outputs.map(({ shape }) => shape),
          model: traits,
        },
        readers,
      ),
    );
    outputs.forEach((output, i) => {
      known.set(
        output,
        runs.map((made) => made[i] ?? unknown(output.shape)),
      );
    });
  }
  return readers;
}

/** Notes a call, or those of the layer within a TimeDistributed. */
function called(call: ConstantCall, readers: Map<string, Reader>): Constants[] {
  const { layer, path, outputShapes } = call;
  const inner = callsWithin(call);
  // The layer of a model is one of tfjs's.
  readers.set(path, {
    layer: layer as tf.layers.Layer,
    calls: [...(readers.get(path)?.calls ?? []), ...inner],
  });
  const made = inner.map(constantsAfter);
  if (inner[0] === call) return made[0]!;
  const steps = call.inputs[0]!.axes[1]!;
  return outputShapes.map((shape, i) =>
    inTurn(
      made.map((all) => all[i] ?? unknown(without(shape))),
      steps,
    ),
  );
}

/** Of what a TimeDistributed gives its model: each step that differs, of one sequence after the other. */
function knowing(known: Known, calls: readonly LayerCall[]): (value: Value) => readonly Constants[] {
  const sequences = new Map(
    calls.flatMap(
      ({ within, inputs }): Array<[Value, Value]> =>
        within === undefined ? [] : [[within.input, inputs[0]!]],
    ),
  );
  const at = (value: Value): readonly Constants[] => {
    const sequence = sequences.get(value);
    if (sequence !== undefined) return at(sequence).flatMap(stepsOf);
    return known.get(value) ?? [unknown(value.shape)];
  };
  return at;
}

/** Puts together again what became of the steps of sequences. */
function inSequences(steps: readonly Constants[], sequences: readonly Constants[]): Constants[] {
  let at = 0;
  return sequences.map(({ axes: [, axis] }) => {
    const own = steps.slice(at, at + axis!.count);
    at += axis!.count;
    return inTurn(own, axis!);
  });
}

/** Whether a layer marks steps that others leave out. */
function makesMask(layer: object): boolean {
  const inner: unknown = Reflect.get(layer, 'layer');
  if (typeof inner === 'object' && inner !== null && makesMask(inner)) return true;
  return classNameOf(layer) === 'Masking' || Reflect.get(layer, 'maskZero') === true;
}
