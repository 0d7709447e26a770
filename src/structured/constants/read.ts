/** Which channels are constant where kernels read them. */
import type * as tf from '@tensorflow/tfjs';
import { callsOf, type Value } from '../summary-calls';
import { type Constants, unknown } from './constant';
import { constantsAfter } from './rules';

/** A layer, and what is constant of its first input; several times where it is called several times. */
export interface Reader {
  readonly layer: tf.layers.Layer;
  readonly inputs: readonly Constants[];
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
  const known = new Map<Value, Constants>();
  const readers = new Map<string, Reader>();
  const at = (value: Value): Constants => known.get(value) ?? unknown(value.shape.at(-1)!);
  for (const { layer, name, inputs, outputs } of callsOf(model, inputShapes).calls) {
    const constants = inputs.map(at);
    const before = readers.get(name)?.inputs ?? [];
    readers.set(name, { layer, inputs: [...before, ...constants.slice(0, 1)] });
    const inputShape = inputs.map(({ shape }) => shape);
    const [output] = outputs;
    if (output === undefined || outputs.length > 1) continue;
    known.set(
      output,
      constantsAfter({
        layer,
        path: name,
        inputs: constants,
        inputShapes: inputShape,
        outputShape: output.shape,
      }),
    );
  }
  return readers;
}
