/**
 * Finds a parameter by name and says what is wrong where it cannot.
 */
import type * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import { describe, isModel, type Parameter, parameterAt, type Slot, slotsOf } from './parameter';

function bothNames(slot: Slot): string {
  return slot.torch === undefined || slot.torch === slot.name ? slot.name : `${slot.torch} (${slot.name})`;
}

function checkLayer(layer: unknown): asserts layer is object {
  if (typeof layer !== 'object' || layer === null) {
    const message = `The layer must be a tf.layers.Layer or an object holding tf.Variables, but got ${String(layer)}.`;
    throw new PruneError('argument', message, { given: layer, allowed: 'a layer' });
  }
  if (isModel(layer)) {
    const message = `Expected one layer, but got the model ${describe(layer)}. Name a layer of it, or take them all from parameters(model).`;
    throw new PruneError('argument', message, { given: layer, allowed: 'a layer' });
  }
}

function noVariable(slot: Slot, name: string): PruneError {
  const where = describe(slot.layer);
  if (Reflect.get(slot.layer, 'built') === false) {
    const message = `${where} has not been built yet, so '${name}' does not exist. Call the layer on an input, or build the model, first.`;
    return new PruneError('state', message, { given: name, allowed: 'a built layer' });
  }
  const allowed = namesOf(slot.layer);
  const message = `'${name}' of ${where} is null: the layer was made without it; it has: ${allowed.join(', ')}.`;
  return new PruneError('parameter', message, { given: name, allowed });
}

function namesOf(layer: object): string[] {
  return slotsOf(layer)
    .filter((slot) => slot.variable !== undefined && slot.role !== 'buffer')
    .map(bothNames);
}

/**
 * Finds a parameter by its name in PyTorch or in tfjs. The name picks the layout.
 *
 * @param layer A tfjs layer, an RNN cell, or any object that holds tf.Variables.
 * @param name For instance `weight` (OIHW) or `kernel` (HWIO).
 * @returns The parameter, its variable alive.
 * @throws {@link PruneError} `argument` for what is no layer, `parameter` for a name that it does not have or whose
 *   value is null, `state` for a layer that is not built or has been disposed.
 */
export function resolve(layer: unknown, name: string): Parameter {
  checkLayer(layer);
  const slots = slotsOf(layer);
  const asTorch = slots.find((slot) => slot.torch !== undefined && slot.torch === name);
  const slot = asTorch ?? slots.find((candidate) => candidate.name === name);
  if (slot === undefined) {
    const allowed = namesOf(layer);
    const has = allowed.length === 0 ? 'it has none' : `it has: ${allowed.join(', ')}`;
    const message = `${describe(layer)} has no parameter '${String(name)}'; ${has}.`;
    throw new PruneError('parameter', message, { given: name, allowed });
  }
  const { variable } = slot;
  if (variable === undefined) throw noVariable(slot, name);
  if (variable.isDisposed) {
    const message = `'${name}' of ${describe(layer)} has been disposed.`;
    throw new PruneError('state', message, { given: name, allowed: 'a layer that is still alive' });
  }
  return parameterAt(slot, variable, asTorch === undefined ? 'tfjs' : 'torch');
}

/**
 * As {@link resolve}, for a parameter that is to be pruned.
 *
 * @throws {@link PruneError} also `parameter` for a buffer, which nothing trains, and `unsupported` where the values
 *   are not float32.
 */
export function resolvePrunable(layer: unknown, name: string): Parameter {
  const parameter = resolve(layer, name);
  const { slot, variable } = parameter;
  if (slot.role === 'buffer') {
    const allowed = namesOf(slot.layer);
    const message = `'${name}' of ${describe(slot.layer)} is a buffer, not a trainable parameter, and cannot be pruned; the layer has: ${allowed.join(', ')}.`;
    throw new PruneError('parameter', message, { given: name, allowed });
  }
  if (variable.dtype !== 'float32') {
    const message = `'${name}' of ${describe(slot.layer)} is ${variable.dtype}; only float32 can be pruned.`;
    throw new PruneError('unsupported', message, { given: variable.dtype, allowed: 'float32' });
  }
  checkChangeable(slot, variable);
  return parameter;
}

/** Pruning puts properties on the variable, and on what reads it; frozen objects do not take them. */
function checkChangeable(slot: Slot, variable: tf.Variable): void {
  const reader = slot.handle ?? slot.owner;
  const held =
    slot.handle === undefined ? Object.getOwnPropertyDescriptor(slot.owner, slot.property) : undefined;
  if (Object.isExtensible(variable) && Object.isExtensible(reader) && held?.configurable !== false) return;
  const message = `'${slot.name}' of ${describe(slot.layer)} cannot be pruned because it is frozen, sealed or read-only.`;
  throw new PruneError('unsupported', message, {
    given: slot.layer,
    allowed: 'an object that can be changed',
  });
}
