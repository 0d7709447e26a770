import type * as tf from '@tensorflow/tfjs';
import { overwrite } from '../core/memory';
import type { Parameter } from '../core/parameter';
import { scatter } from '../masks/gather';
import { checkStateDict } from '../weights/state-dict/check-state-dict';
import { assignParameter, loadStateDict } from '../weights/state-dict/load-state-dict';
import { batchCounters, namedParameters } from '../weights/state-dict/named-parameters';
import { float32Of, type StateDict } from '../weights/tensor-data';
import type { NamedValues } from './resnet-initialise';

/**
 * Gives a model that was just built its weights. The same as `loadStateDict`, but since nobody has the model yet, what it
 * held is not kept, and each weight is written where the backend keeps it: the weights are never in memory a third time,
 * besides the file and the model.
 *
 * @param model The model. If this fails, some of its weights may be set: dispose it.
 * @param dict All of its weights.
 * @throws {@link PruneError} `shape` or `parameter` if the state dict does not fit.
 */
export function fillWeights(model: tf.LayersModel, dict: StateDict): void {
  if ([...dict.keys()].some((name) => String(name).endsWith('_mask'))) {
    loadStateDict(model, dict);
    return;
  }
  const parameters = namedParameters(model);
  const expected = parameters.map(({ name, parameter }) => {
    return { name, shape: parameter.layout.shape, isMask: false };
  });
  checkStateDict(dict, expected, batchCounters(model), true);
  for (const { name, parameter } of parameters) fill(parameter, float32Of(dict.get(name)!));
}

/**
 * Sets some weights of a model that was just built.
 *
 * @param model The model.
 * @param weights Which ones, in torch's layouts; those that the model does not have are left out.
 */
export function setWeights(model: tf.LayersModel, weights: Iterable<NamedValues>): void {
  const parameters = new Map(namedParameters(model).map(({ name, parameter }) => [name, parameter]));
  for (const [name, values] of weights) {
    const parameter = parameters.get(name);
    if (parameter !== undefined) fill(parameter, values);
  }
}

function fill(parameter: Parameter, values: Float32Array): void {
  const { variable, layout } = parameter;
  const isWritten = overwrite(variable, (stored) => scatter(values, layout, stored));
  if (!isWritten) assignParameter(parameter, values);
}
