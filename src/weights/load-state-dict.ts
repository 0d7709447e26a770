import * as tf from '@tensorflow/tfjs';
import { CustomFromMask } from '../core/custom-from-mask';
import type { Parameter } from '../core/parameter';
import { install, originalValues, stateOf } from '../core/reparametrisation';
import { PruneError } from '../errors';
import { scatter } from '../masks/gather';
import { batchCounters, type NamedParameter, namedParameters } from './named-parameters';
import type { StateDict, TensorData } from './tensor-data';

/** How {@link loadStateDict} takes names that do not match. */
export interface LoadStateDictOptions {
  /** Whether every entry of the model must be given, and no others; true by default. */
  readonly strict?: boolean;
}

/** The names that did not match. Both are empty after a strict load. */
export interface LoadStateDictResult {
  /** Entries of the model that were not given; they keep their values. */
  readonly missing: string[];
  /** Entries that were given, but that the model does not have. */
  readonly unexpected: string[];
}

/** One entry of the model, and how to store a value of it. */
interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly isMask: boolean;
}

interface Problems extends LoadStateDictResult {
  readonly misshapen: string[];
  readonly invalid: string[];
}

const LISTED = 8;

/**
 * Gives a model the weights of a state dict, as torch's `load_state_dict` does. The names are those of
 * {@link stateDict}: the model's layers must be called as torch's modules. Where the dict has `<name>_orig` and
 * `<name>_mask` the weight becomes a pruned one, if it is not yet. Everything is checked before anything changes, and all that does not fit is reported at once.
 *
 * Differs from PyTorch: `num_batches_tracked` may be left out and is not stored; masks must hold only 0 and 1; a pruned
 * state dict loads into a model that is not pruned, too.
 *
 * @param model A model, or one layer, whose entries go without the layer's name.
 * @param dict Tensors by name, in torch's layouts. Every type is converted to float32.
 * @param options Whether all names must match; they must by default.
 * @returns The names that did not match. The tensors are copied; no tf.Tensor is left to dispose.
 * @throws {@link PruneError} `shape` if only shapes differ; `parameter` if entries are missing, unexpected or not a
 * mask; `argument` if `dict` is not a Map.
 * @example
 * ```ts
 * loadStateDict(model, await readPth('resnet50-11ad3fa6.pth'));
 * ```
 */
export function loadStateDict(
  model: tf.LayersModel | tf.layers.Layer,
  dict: StateDict,
  { strict = true }: LoadStateDictOptions = {},
): LoadStateDictResult {
  if (!(dict instanceof Map)) {
    const message = `A state dict must be a Map of tensors by name, such as readPth gives, but got ${typeof dict}.`;
    throw new PruneError('argument', message, { given: dict, allowed: 'a Map<string, TensorData>' });
  }
  const parameters = namedParameters(model);
  const entries = parameters.flatMap((named) => entriesOf(named, dict));
  const problems = compare(entries, batchCounters(model), dict);
  report(problems, strict, entries);
  for (const named of parameters) {
    if (isPruned(named, dict)) loadPruned(named, dict);
    else {
      const tensor = dict.get(named.name);
      if (tensor !== undefined) assignParameter(named.parameter, float32Of(tensor));
    }
  }
  return { missing: problems.missing, unexpected: problems.unexpected };
}

/**
 * Sets a parameter that is not pruned.
 *
 * @param parameter The parameter, in the layout of `values`.
 * @param values Its new values, row-major; they are copied.
 */
export function assignParameter({ variable, layout }: Parameter, values: Float32Array): void {
  // tfjs keeps the array that a tensor is made of, so it must be one of its own even where the order is the same.
  const tensor = tf.tensor(scatter(values, layout, new Float32Array(variable.size)), variable.shape);
  variable.assign(tensor);
  tensor.dispose();
}

/** Whether a parameter is pruned, or will be by this state dict. */
function isPruned({ name, parameter }: NamedParameter, dict: StateDict): boolean {
  const given = dict.has(`${name}_orig`) && dict.has(`${name}_mask`);
  return stateOf(parameter.variable) !== undefined || (given && parameter.slot.role !== 'buffer');
}

function loadPruned({ name, parameter }: NamedParameter, dict: StateDict): void {
  const { variable, layout } = parameter;
  const orig = dict.get(`${name}_orig`);
  const mask = dict.get(`${name}_mask`);
  const state = stateOf(variable);
  const bytes =
    mask === undefined
      ? state?.mask
      : scatter(Uint8Array.from(float32Of(mask)), layout, new Uint8Array(variable.size));
  if (bytes === undefined || (orig === undefined && mask === undefined)) return;
  const original =
    orig === undefined
      ? originalValues(variable).slice()
      : scatter(float32Of(orig), layout, new Float32Array(variable.size));
  const method = state?.method ?? new CustomFromMask({ bytes, layout });
  method.tensorName ??= parameter.name;
  install({ parameter, mask: bytes, method, replacement: original });
}

function entriesOf(named: NamedParameter, dict: StateDict): Entry[] {
  const { name, parameter } = named;
  const { shape } = parameter.layout;
  if (!isPruned(named, dict)) return [{ name, shape, isMask: false }];
  return [
    { name: `${name}_orig`, shape, isMask: false },
    { name: `${name}_mask`, shape, isMask: true },
  ];
}

function compare(entries: readonly Entry[], counters: readonly string[], dict: StateDict): Problems {
  const known = new Set([...counters, ...entries.map(({ name }) => name)]);
  const problems: Problems = { missing: [], unexpected: [], misshapen: [], invalid: [] };
  for (const { name, shape, isMask } of entries) {
    const tensor = dict.get(name);
    if (tensor === undefined) problems.missing.push(name);
    else if (!tf.util.arraysEqual([...tensor.shape], [...shape])) {
      problems.misshapen.push(`${name} is [${tensor.shape.join(', ')}], not [${shape.join(', ')}]`);
    } else if (isMask && float32Of(tensor).some((value) => value !== 0 && value !== 1)) {
      problems.invalid.push(name);
    }
  }
  for (const name of dict.keys()) if (!known.has(name)) problems.unexpected.push(name);
  return problems;
}

function report(problems: Problems, strict: boolean, entries: readonly Entry[]): void {
  const { misshapen, invalid } = problems;
  const missing = strict ? problems.missing : [];
  const unexpected = strict ? problems.unexpected : [];
  const parts = [
    listed('missing', missing),
    listed('unexpected', unexpected),
    listed('of another shape', misshapen, '; '),
    listed('masks with values besides 0 and 1', invalid),
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return;
  const onlyShapes = missing.length + unexpected.length + invalid.length === 0;
  const message = `The state dict does not fit the model, which is unchanged. ${parts.join('. ')}.${hint(missing, unexpected)}`;
  throw new PruneError(onlyShapes ? 'shape' : 'parameter', message, {
    given: { missing, unexpected, misshapen, invalid },
    allowed: entries.map(({ name }) => name),
  });
}

function listed(what: string, names: readonly string[], separator = ', '): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > LISTED ? `${separator}and ${names.length - LISTED} more` : '';
  return `${names.length} ${what}: ${names.slice(0, LISTED).join(separator)}${more}`;
}

/** A mistake that is easy to make. */
function hint(missing: readonly string[], unexpected: readonly string[]): string {
  if (unexpected.some((name) => missing.includes(name.replace(/^module\./, '')))) {
    return " It was saved from a DataParallel model: take the prefix 'module.' off its names.";
  }
  return '';
}

function float32Of({ data }: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  return data instanceof BigInt64Array ? Float32Array.from(data, Number) : Float32Array.from(data);
}
