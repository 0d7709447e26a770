import type * as tf from '@tensorflow/tfjs';
import { peek } from '../../core/memory';
import { checkOptions } from '../../core/options';
import { originalValues, stateOf } from '../../core/reparametrisation';
import { PruneError, shown } from '../../errors';
import { gather } from '../../masks/gather';
import type { StateDict, TensorData } from '../tensor-data';
import { batchCounters, checkKeys, namedParameters, type StateDictKeys } from './named-parameters';

/** How {@link stateDict} calls the entries. */
export interface StateDictOptions {
  /**
   * What the dict calls a parameter, by what the model calls it (`<layer's name>.<torch's name>`); the same by default. Of a
   * pruned parameter, `_orig` and `_mask` are put behind the name that it returns. A table is
   * `(name) => table[name] ?? name`. {@link loadStateDict} takes the same function for the way back.
   */
  readonly keys?: StateDictKeys;
}

/**
 * The weights of a model as torch's `state_dict()` gives them: `<layer's name>.<torch's name>`, in torch's layouts
 * (convolutions OIHW, linear layers [out, in]). Weights that torch has no name for keep tfjs's name and layout. A pruned
 * weight is two entries, `<name>_orig` and `<name>_mask`. A batch normalisation also gets `num_batches_tracked`, which
 * tfjs does not keep: an int64 0.
 *
 * Differs from PyTorch: the values are copies; writing to them changes no model.
 *
 * @param model A model, or one layer, whose entries go without the layer's name.
 * @param options Other names for the entries.
 * @returns The tensors by name, in the order of the model's layers, on the host: nothing to dispose.
 * @throws {@link PruneError} `state` if a layer has been disposed, `argument` if two weights have the same name, or an option
 * is not allowed.
 * @example
 * ```ts
 * const weight = stateDict(model).get('layer1.0.conv1.weight');
 * weight?.shape; // [64, 64, 1, 1]
 * ```
 */
export function stateDict(
  model: tf.LayersModel | tf.layers.Layer,
  options: StateDictOptions = {},
): StateDict {
  checkStateDictOptions(options);
  const { keys } = options;
  const state: StateDict = new Map();
  for (const { name, parameter } of namedParameters(model, keys)) {
    const { variable, layout } = parameter;
    const float32 = (stored: Float32Array): TensorData => {
      const data = gather(stored, layout, new Float32Array(layout.size));
      return { shape: layout.shape, dtype: 'float32', data };
    };
    const pruning = stateOf(variable);
    if (pruning === undefined) state.set(name, float32(peek(variable)));
    else {
      state.set(`${name}_orig`, float32(originalValues(variable)));
      state.set(`${name}_mask`, float32(Float32Array.from(pruning.mask.bytes)));
    }
  }
  for (const name of batchCounters(model, keys)) {
    state.set(name, { shape: [], dtype: 'int64', data: BigInt64Array.of(0n) });
  }
  return state;
}

function checkStateDictOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) {
    checkKeys(options);
    checkOptions(options, ['keys']);
    return;
  }
  const allowed = '{ keys }';
  throw new PruneError('argument', `The options must be ${allowed}, but got ${shown(options)}.`, {
    given: options,
    allowed,
  });
}
