import * as tf from '@tensorflow/tfjs';
import { peek } from '../core/memory';
import type { BasePruningMethod } from '../core/method';
import { classNameOf, describe, layersOf, type Parameter, type Slot, slotsOf } from '../core/parameter';
import { originalValues, stateOf } from '../core/reparametrisation';
import { resolve } from '../core/resolve';
import { PruneError } from '../errors';
import { gather } from '../masks/gather';
import type { NamedParameter } from './prune-together';

/** Which parameters of a model are meant. */
export interface ParameterFilter {
  /** Only layers of these classes, by tfjs's class names such as `Conv2D`; all by default. */
  readonly types?: readonly string[];
  /** Parameters of these names, PyTorch's or tfjs's; by default kernels, and neither biases nor norms. */
  readonly names?: readonly string[];
}

function selectedName(slot: Slot, names: readonly string[] | undefined): string | undefined {
  if (slot.variable?.dtype !== 'float32' || slot.role === 'buffer') return undefined;
  if (names === undefined) return slot.role === 'kernel' ? (slot.torch ?? slot.name) : undefined;
  return names.find((name) => name === slot.torch || name === slot.name);
}

function checkList(list: unknown, what: string): void {
  if (list === undefined || (Array.isArray(list) && list.every((item) => typeof item === 'string'))) return;
  const allowed = 'an array of names';
  throw new PruneError('argument', `${what} must be ${allowed}, but got ${JSON.stringify(list)}.`, {
    given: list,
    allowed,
  });
}

function hasType(layer: object, types: readonly string[] | undefined): boolean {
  return types === undefined || types.includes(classNameOf(layer) ?? '');
}

/**
 * Lists the parameters of a model, for {@link globalUnstructured} or a loop of your own.
 *
 * @param model A model, or one layer. Layers inside of wrappers and nested models are found too, each weight once.
 * @param filter Which parameters; by default every weight that is like a kernel, under PyTorch's name where it has one.
 * @returns Pairs of layer and name, in the model's order.
 * @example
 * ```ts
 * prune.parameters(model); // [[conv1, 'weight'], …]
 * prune.parameters(model, { types: ['Dense'], names: ['weight', 'bias'] });
 * ```
 */
export function parameters(
  model: tf.LayersModel | tf.layers.Layer,
  filter?: ParameterFilter,
): Array<NamedParameter<tf.layers.Layer>>;
export function parameters(model: object, filter?: ParameterFilter): NamedParameter[];
export function parameters(model: object, { types, names }: ParameterFilter = {}): NamedParameter[] {
  checkList(types, 'types');
  checkList(names, 'names');
  const seen = new Set<tf.Variable>();
  return layersOf(model)
    .filter((layer) => hasType(layer, types))
    .flatMap(slotsOf)
    .flatMap((slot): NamedParameter[] => {
      const name = selectedName(slot, names);
      if (name === undefined || slot.variable === undefined || seen.has(slot.variable)) return [];
      seen.add(slot.variable);
      return [[slot.layer, name]];
    });
}

const derived = /^(.+)_(orig|mask)$/;

function tensorIn({ layout }: Parameter, values: Float32Array): tf.Tensor {
  return tf.tensor(gather(values, layout, new Float32Array(layout.size)), [...layout.shape]);
}

/** `weight_orig` and `weight_mask`, unless a parameter really has such a name. */
function derivedParameter(layer: object, name: string): tf.Tensor | undefined {
  const [, base, what] = derived.exec(name) ?? [];
  if (base === undefined || slotsOf(layer).some((slot) => slot.torch === name || slot.name === name))
    return undefined;
  const parameter = resolve(layer, base);
  const { variable } = parameter;
  const state = stateOf(variable);
  if (state === undefined) {
    const message = `'${name}' does not exist, because '${base}' of ${describe(layer)} is not pruned.`;
    throw new PruneError('parameter', message, { given: name, allowed: base });
  }
  return tensorIn(
    parameter,
    what === 'mask' ? Float32Array.from(state.mask.bytes) : originalValues(variable),
  );
}

/**
 * A parameter as a tensor: `weight` is what the layer computes with; while it is pruned, `weight_orig` is what it was
 * before the mask and `weight_mask` the mask.
 *
 * Source: the attributes that `torch.nn.utils.prune` gives a module.
 *
 * @param layer The layer.
 * @param name PyTorch's name for PyTorch's layout (`weight`, OIHW), tfjs's for tfjs's (`kernel`, HWIO), also with
 *   `_orig` or `_mask`.
 * @returns A new float32 tensor, a copy through which no gradient flows; the caller disposes it.
 * @throws {@link PruneError} `parameter` if there is none of that name, `state` if the layer is not built or disposed.
 * @example
 * ```ts
 * const mask = prune.parameter(model.conv1, 'weight_mask'); // [64, 3, 7, 7]
 * mask.dispose();
 * ```
 */
export function parameter(layer: object, name: string): tf.Tensor {
  const special = typeof layer === 'object' && layer !== null ? derivedParameter(layer, name) : undefined;
  if (special !== undefined) return special;
  const found = resolve(layer, name);
  return tensorIn(found, peek(found.variable));
}

/**
 * How a parameter has been pruned.
 *
 * @param layer The layer.
 * @param name The parameter, under either name.
 * @returns The method, a {@link PruningContainer} if there was more than one, undefined where it is not pruned.
 * @throws {@link PruneError} `parameter` if there is none of that name.
 * @example
 * ```ts
 * prune.methodOf(model.conv1, 'weight'); // RandomUnstructured { amount: { fraction: 0.2 }, … }
 * ```
 */
export function methodOf(layer: object, name: string): BasePruningMethod | undefined {
  // Every state is made from a BasePruningMethod: apply and globalUnstructured see to it.
  return stateOf(resolve(layer, name).variable)?.method as BasePruningMethod | undefined;
}

/** How many entries are zero. */
export interface Sparsity {
  /** Number of entries that are exactly zero. */
  readonly zeros: number;
  /** Number of entries in all. */
  readonly size: number;
  /** zeros ÷ size, 0 where there are none. */
  readonly sparsity: number;
}

/**
 * Counts zeros: in one parameter, or in all the kernels of a layer or a model.
 *
 * @param layerOrModel A layer or a model.
 * @param name One parameter of the layer; by default all that {@link parameters} lists.
 * @returns The counts and their ratio. Zeros count whether a mask holds them or not.
 * @throws {@link PruneError} `parameter` if there is none of that name.
 * @example
 * ```ts
 * prune.sparsity(model.conv1, 'weight'); // { zeros: 1882, size: 9408, sparsity: 0.2000… }
 * ```
 */
export function sparsity(layerOrModel: object, name?: string): Sparsity {
  const counted: readonly NamedParameter[] =
    name === undefined ? parameters(layerOrModel) : [[layerOrModel, name]];
  let zeros = 0;
  let size = 0;
  for (const [layer, own] of counted) {
    const values = peek(resolve(layer, own).variable);
    for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++;
    size += values.length;
  }
  return { zeros, size, sparsity: size === 0 ? 0 : zeros / size };
}
