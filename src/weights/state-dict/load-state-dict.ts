import * as tf from '@tensorflow/tfjs';
import { customFromBytes } from '../../core/custom-from-mask';
import { maskOf } from '../../core/mask';
import { checkOptions } from '../../core/options';
import type { Parameter } from '../../core/parameter';
import {
  type Installation,
  install,
  installAll,
  originalValues,
  stateOf,
} from '../../core/reparametrisation';
import { PruneError, shown } from '../../errors';
import { scatter } from '../../masks/gather';
import { float32Of, remedyForDict, type StateDict } from '../tensor-data';
import { checkStateDict, type ExpectedEntry, type LoadStateDictResult } from './check-state-dict';
import { batchCounters, checkKeys, type NamedParameter, namedParameters } from './named-parameters';
import type { StateDictOptions } from './state-dict';

/** How {@link loadStateDict} takes names. */
export interface LoadStateDictOptions extends StateDictOptions {
  /** Whether every entry of the model must be given, and no others; true by default. */
  readonly strict?: boolean;
}

/**
 * Gives a model the weights of a state dict, as torch's `load_state_dict` does. The names are those of
 * {@link stateDict}: the model's layers must be called as torch's modules, or `keys` must say what those are called. Where the dict has `<name>_orig` and
 * `<name>_mask` the weight becomes a pruned one, if it is not yet. Everything is checked before anything changes, and all
 * that does not fit is reported at once.
 *
 * Differs from PyTorch: `num_batches_tracked` may be left out and is not stored; masks must hold only 0 and 1; a pruned
 * state dict loads into a model that is not pruned, too.
 *
 * @param model A model, or one layer, whose entries go without the layer's name.
 * @param dict Tensors by name, in torch's layouts. Every type is converted to float32.
 * @param options Whether all names must match, which they must by default, and what the dict calls the parameters.
 * @returns The names that did not match. The tensors are copied; no tf.Tensor is left to dispose.
 * @throws {@link PruneError} `shape` if only shapes or numbers of elements differ; `parameter` if entries are missing,
 * unexpected, no tensors or not a mask; `argument` if `dict` is not a Map or an option is not allowed. If the backend
 * fails its error is passed on, and the model is as it was.
 * @example
 * ```ts
 * loadStateDict(model, await readPth('resnet50-11ad3fa6.pth'));
 * loadStateDict(other, await readPth('lenet.pth'), { keys: (name) => name.replace('dense', 'fc') });
 * ```
 */
export function loadStateDict(
  model: tf.LayersModel | tf.layers.Layer,
  dict: StateDict,
  options: LoadStateDictOptions = {},
): LoadStateDictResult {
  checkArguments(dict, options);
  const parameters = namedParameters(model, options.keys);
  const expected = parameters.flatMap((named) => entriesOf(named, dict));
  const unmatched = checkStateDict(
    dict,
    expected,
    batchCounters(model, options.keys),
    options.strict ?? true,
  );
  tf.tidy(() => store(parameters, dict));
  return unmatched;
}

function checkArguments(dict: unknown, options: unknown): void {
  if (!(dict instanceof Map)) {
    const message = `A state dict must be a Map of tensors by name, such as readPth gives, but got ${shown(dict)}${remedyForDict(dict)}.`;
    throw new PruneError('argument', message, { given: dict, allowed: 'a Map<string, TensorData>' });
  }
  const isObject = typeof options === 'object' && options !== null;
  if (isObject) checkKeys(options);
  const strict: unknown = isObject ? Reflect.get(options, 'strict') : null;
  if (strict === undefined || typeof strict === 'boolean') {
    checkOptions(options, ['keys', 'strict']);
    return;
  }
  const allowed = '{ strict: true } or { strict: false }';
  throw new PruneError('argument', `The options must be ${allowed}, but got ${shown(options)}.`, {
    given: options,
    allowed,
  });
}

/**
 * Sets a parameter that is not pruned.
 *
 * @param parameter The parameter, in the layout of `values`.
 * @param values Its new values, row-major; they are copied.
 */
export function assignParameter(parameter: Parameter, values: Float32Array): void {
  tf.tidy(() => parameter.variable.assign(tensorOf(parameter, values)));
}

/** Values in a parameter's layout as a tensor in the variable's. */
function tensorOf({ variable, layout }: Parameter, values: Float32Array): tf.Tensor {
  // tfjs keeps the array that a tensor is made of, so it must be one of its own even where the order is the same.
  return tf.tensor(scatter(values, layout, new Float32Array(variable.size)), variable.shape);
}

/** Stores all that a dict has for some parameters, or nothing if that fails. To be called in a `tf.tidy`. */
function store(parameters: readonly NamedParameter[], dict: StateDict): void {
  const assignments: Array<{ parameter: Parameter; value: tf.Tensor }> = [];
  const installations: Installation[] = [];
  for (const named of parameters) {
    const { name, parameter } = named;
    const given = dict.get(name);
    if (isPruned(named, dict)) installations.push(...installationsOf(named, dict));
    else if (given !== undefined) {
      assignments.push({ parameter, value: tensorOf(parameter, float32Of(given)) });
    }
  }
  const undos = [...assignments, ...installations].map(({ parameter }) => undoOf(parameter));
  try {
    for (const { parameter, value } of assignments) parameter.variable.assign(value);
    installAll(installations);
  } catch (error) {
    for (const undo of undos) undo();
    throw error;
  }
}

/** What makes a parameter as it is now again; of the values that a mask is installed with, installAll keeps no others. */
function undoOf(parameter: Parameter): () => void {
  const { variable } = parameter;
  const state = stateOf(variable);
  if (state === undefined) {
    // Not a clone, which is a copy on wasm.
    const before = tf.reshape(variable, variable.shape);
    return () => void variable.assign(before);
  }
  const { mask, method } = state;
  const replacement = originalValues(variable);
  return () => install({ parameter, mask, method, replacement });
}

/** Whether a parameter is pruned, or will be by this state dict. */
function isPruned({ name, parameter }: NamedParameter, dict: StateDict): boolean {
  const given = dict.has(`${name}_orig`) && dict.has(`${name}_mask`);
  return stateOf(parameter.variable) !== undefined || (given && parameter.slot.role !== 'buffer');
}

/** What a dict has for a pruned parameter; none if that is nothing. */
function installationsOf({ name, parameter }: NamedParameter, dict: StateDict): Installation[] {
  const { variable, layout } = parameter;
  const orig = dict.get(`${name}_orig`);
  const given = dict.get(`${name}_mask`);
  const state = stateOf(variable);
  const mask =
    given === undefined
      ? state?.mask
      : maskOf(scatter(Uint8Array.from(float32Of(given)), layout, new Uint8Array(variable.size)));
  if (mask === undefined || (orig === undefined && given === undefined)) return [];
  const replacement =
    orig === undefined
      ? originalValues(variable).slice()
      : scatter(float32Of(orig), layout, new Float32Array(variable.size));
  const method = state?.method ?? customFromBytes(mask.bytes, layout);
  method.tensorName ??= parameter.name;
  return [{ parameter, mask, method, replacement }];
}

function entriesOf(named: NamedParameter, dict: StateDict): ExpectedEntry[] {
  const { name, parameter } = named;
  const { shape } = parameter.layout;
  if (!isPruned(named, dict)) return [{ name, shape, isMask: false }];
  return [
    { name: `${name}_orig`, shape, isMask: false },
    { name: `${name}_mask`, shape, isMask: true },
  ];
}
