/**
 * Finds the parameters of a layer. This is the only file that knows where tfjs keeps its variables.
 */
import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { type Layout, rowMajor } from '../masks/layout';
import { type Axes, type Role, type WeightKind, weightKinds } from './names';

type LayerVariable = tf.layers.Layer['trainableWeights'][number];

/** A place in a layer where a variable is, or would be if the layer had one. */
export interface Slot {
  /** The layer that users name: a Bidirectional, not the LSTM cell inside it. */
  readonly layer: object;
  /** The object whose `property` holds the variable. */
  readonly owner: object;
  readonly property: string;
  /** Its name in tfjs, unique in the layer. */
  readonly name: string;
  /** Its name in PyTorch, unique in the layer, where PyTorch has such a layer. */
  readonly torch: string | undefined;
  readonly role: Role;
  readonly kind: WeightKind | undefined;
  /** The variable that holds the values, undefined where the layer is not built or has none (no bias). */
  readonly variable: tf.Variable | undefined;
  /** The layer's handle on that variable; undefined for a bare tf.Variable. */
  readonly handle: LayerVariable | undefined;
}

/** One weight of one layer, under one of its names. */
export interface Parameter {
  readonly slot: Slot;
  readonly variable: tf.Variable;
  /** The name that both layouts share: PyTorch's where there is one. */
  readonly name: string;
  /** The layout that the name used stands for. */
  readonly layout: Layout;
  /** PyTorch's layout, in whose order random masks are drawn. */
  readonly torchLayout: Layout;
  /** The axes of output and input channels in `torchLayout`. */
  readonly axes: Axes;
}

function isLayerVariable(value: unknown): value is LayerVariable {
  return (
    typeof value === 'object' &&
    value !== null &&
    'read' in value &&
    'write' in value &&
    'originalName' in value
  );
}

function variableOf(held: unknown): { variable: tf.Variable | undefined; handle: LayerVariable | undefined } {
  if (held instanceof tf.Variable) return { variable: held, handle: undefined };
  if (!isLayerVariable(held)) return { variable: undefined, handle: undefined };
  const value: unknown = Reflect.get(held, 'val');
  return { variable: value instanceof tf.Variable ? value : undefined, handle: held };
}

/** tfjs's name for the class of a layer, undefined for other objects. */
export function classNameOf(layer: object): string | undefined {
  const method: unknown = Reflect.get(layer, 'getClassName');
  return typeof method === 'function' ? String(method.call(layer)) : undefined;
}

/** The name of a layer for messages, such as `Conv2D 'conv1'`. */
export function describe(layer: object): string {
  const name: unknown = Reflect.get(layer, 'name');
  const kind = classNameOf(layer) ?? layer.constructor?.name ?? 'object';
  return typeof name === 'string' ? `${kind} '${name}'` : kind;
}

function innerOf(layer: object, property: string): object[] {
  const inner: unknown = Reflect.get(layer, property);
  if (Array.isArray(inner)) return inner;
  return typeof inner === 'object' && inner !== null ? [inner] : [];
}

/** Names of a weight inside a layer that wraps others: a prefix in tfjs, a suffix in PyTorch. */
interface Affix {
  readonly prefix: string;
  readonly suffix: string;
}

function knownSlots(layer: object, owner: object, kinds: readonly WeightKind[], affix: Affix): Slot[] {
  return kinds.map((kind) => ({
    layer,
    owner,
    property: kind.property,
    name: affix.prefix + kind.property,
    torch: kind.torch === undefined ? undefined : kind.torch + affix.suffix,
    role: kind.role,
    kind,
    ...variableOf(Reflect.get(owner, kind.property)),
  }));
}

function isTrainable(owner: object, variable: tf.Variable, handle: LayerVariable | undefined): boolean {
  if (handle === undefined) return variable.trainable;
  const buffers: unknown = Reflect.get(owner, '_nonTrainableWeights');
  return !(Array.isArray(buffers) && buffers.includes(handle));
}

function ownSlot(layer: object, property: string, value: unknown): Slot | undefined {
  const { variable, handle } = variableOf(value);
  if (variable === undefined) return undefined;
  const weightLike = variable.rank > 1 ? 'kernel' : 'bias';
  const role = isTrainable(layer, variable, handle) ? weightLike : 'buffer';
  const kind = undefined;
  return { layer, owner: layer, property, name: property, torch: undefined, role, kind, variable, handle };
}

const held = Symbol.for('tfjs-prune.held');

/**
 * Marks the getter that stands in for a bare variable, so that the variable is found behind it.
 *
 * @param getter What a property is read by while its variable is pruned.
 * @param variable That variable.
 * @returns The getter.
 */
export function holding(getter: () => tf.Tensor, variable: tf.Variable): () => tf.Tensor {
  return Object.defineProperty(getter, held, { value: variable });
}

function heldBy({ get, value }: PropertyDescriptor): unknown {
  return get === undefined ? value : Reflect.get(get, held);
}

/** The variables of a layer of the user's own: by property, then what only its list of weights knows. */
function ownSlots(layer: object): Slot[] {
  const slots = Object.entries(Object.getOwnPropertyDescriptors(layer)).flatMap(
    ([property, descriptor]) => ownSlot(layer, property, heldBy(descriptor)) ?? [],
  );
  const seen = new Set(slots.map((slot) => slot.variable));
  const weights: unknown = Reflect.get(layer, 'weights');
  for (const weight of Array.isArray(weights) ? weights.filter(isLayerVariable) : []) {
    const slot = ownSlot(layer, weight.originalName.split('/').at(-1)!, weight);
    if (slot !== undefined && !seen.has(slot.variable)) slots.push(slot);
  }
  return slots;
}

function slotsWithin(layer: object, owner: object, affix: Affix): Slot[] {
  const className = classNameOf(owner);
  const kinds = className === undefined ? undefined : weightKinds.get(className);
  if (kinds !== undefined) return knownSlots(layer, owner, kinds, affix);
  const { prefix, suffix } = affix;
  const within = (property: string, inner: Affix): Slot[] =>
    innerOf(owner, property).flatMap((part) => slotsWithin(layer, part, inner));
  switch (className) {
    case 'SimpleRNN':
    case 'GRU':
    case 'LSTM':
    case 'ConvLSTM2D':
      return within('cell', { prefix, suffix: `_l0${suffix}` });
    case 'RNN': {
      const isStacked = innerOf(owner, 'cell').some((cell) => classNameOf(cell) === 'StackedRNNCells');
      return within('cell', isStacked ? affix : { prefix, suffix: `_l0${suffix}` });
    }
    case 'StackedRNNCells':
      return innerOf(owner, 'cells').flatMap((cell, i) =>
        slotsWithin(layer, cell, { prefix: `${prefix}cells.${i}.`, suffix: `_l${i}${suffix}` }),
      );
    case 'Bidirectional':
      return [
        ...within('forwardLayer', { prefix: `${prefix}forwardLayer.`, suffix }),
        ...within('backwardLayer', { prefix: `${prefix}backwardLayer.`, suffix: `${suffix}_reverse` }),
      ];
    case 'TimeDistributed':
      return within('layer', affix);
    default:
      return ownSlots(owner).map((slot) => ({ ...slot, layer, name: prefix + slot.name }));
  }
}

/**
 * Every place of a layer where a weight is or could be, in the layer's own order.
 *
 * @param layer A tfjs layer, an RNN cell, or any object that holds tf.Variables.
 * @returns The slots; empty for a model, whose layers have their own.
 */
export function slotsOf(layer: object): Slot[] {
  return isModel(layer) ? [] : slotsWithin(layer, layer, { prefix: '', suffix: '' });
}

/** Whether an object is a model: something made of layers. */
export function isModel(value: object): value is { layers: tf.layers.Layer[] } {
  return Array.isArray(Reflect.get(value, 'layers'));
}

/**
 * The layers of a model, nested models taken apart, each layer once; a single layer is its own list.
 *
 * @param model A LayersModel, a Sequential, or one layer.
 * @returns The layers in the model's order.
 * @throws {@link PruneError} `argument` for what is neither.
 */
export function layersOf(model: unknown): object[] {
  if (typeof model !== 'object' || model === null) {
    const allowed = 'a layer or a model';
    throw new PruneError('argument', `Expected ${allowed}, but got ${String(model)}.`, {
      given: model,
      allowed,
    });
  }
  const found = new Set<object>();
  const visit = (part: object): void => {
    if (isModel(part)) part.layers.forEach(visit);
    else if (classNameOf(part) === 'TimeDistributed' && innerOf(part, 'layer').some(isModel)) {
      innerOf(part, 'layer').forEach(visit);
    } else found.add(part);
  };
  visit(model);
  return [...found];
}

/**
 * A built slot as a parameter under one of its names.
 *
 * @param slot A slot that has a variable.
 * @param variable That variable.
 * @param named Which layout is meant: PyTorch's or tfjs's.
 */
export function parameterAt(slot: Slot, variable: tf.Variable, named: 'torch' | 'tfjs'): Parameter {
  const stored = rowMajor(variable.shape);
  const torchLayout = slot.kind?.torchLayout(variable.shape) ?? stored;
  const layout = named === 'torch' ? torchLayout : stored;
  const axes = slot.kind?.axes ?? {};
  return { slot, variable, name: slot.torch ?? slot.name, layout, torchLayout, axes };
}
