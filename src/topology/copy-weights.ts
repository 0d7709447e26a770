/** Copies weights and masks to a layer that was just built. */
import * as tf from '@tensorflow/tfjs';
import type { Mask } from '../core/mask';
import { overwrite, peek } from '../core/memory';
import { describe, parameterAt, type Slot } from '../core/parameter';
import { install, originalValues, stateOf } from '../core/reparametrisation';
import { PruneError } from '../errors';

/** Writes what becomes of values into an array of the same length, which may be the same one. */
export type Transform = (values: Float32Array, result: Float32Array) => void;

/** A slot whose variable is there. */
export type Built = Slot & { readonly variable: tf.Variable };

/** Whether a slot's variable is there. */
export const isBuilt = (slot: Slot): slot is Built => slot.variable !== undefined;

/** Leaves values as they are. */
export const unchanged: Transform = (values, result) => {
  if (values !== result) result.set(values);
};

/**
 * Refuses a slot that does not hold what another one does.
 *
 * @param source A weight of the original.
 * @param target Where it is to go, in the layer that was built.
 * @param shape The shape it is to have; by default that of the original.
 * @throws {@link PruneError} `unsupported`.
 */
export function checkSame(
  source: Built,
  target: Slot | undefined,
  shape: readonly number[] = source.variable.shape,
): asserts target is Built {
  const { variable, name } = source;
  const made = target?.name === name ? target.variable : undefined;
  if (made?.dtype === variable.dtype && tf.util.arraysEqual(made.shape, [...shape])) return;
  const message = `${describe(source.layer)} has a weight '${name}' of shape [${shape}], but the layer that tfjs builds from its configuration ${made === undefined ? 'lacks it' : `has one of shape [${made.shape}]`}. A layer of your own must make all of its weights in build().`;
  throw new PruneError('unsupported', message, { given: name });
}

/**
 * Copies a weight, pruned by the same mask where it is pruned.
 *
 * @param source The weight, which stays as it is.
 * @param target Where it goes, of the same shape.
 * @param transform What becomes of its values.
 */
export function copyWeight({ variable }: Built, target: Built, transform: Transform): void {
  const state = stateOf(variable);
  if (state === undefined) {
    write(target.variable, variable, transform);
    return;
  }
  // Of a pruned variable these are a copy.
  const replacement = originalValues(variable);
  transform(replacement, replacement);
  installCopy(target, state.mask, state.method, replacement);
}

/**
 * Prunes a variable that was just made.
 *
 * @param target Where it is.
 * @param mask Which of its entries stay.
 * @param method What made the mask.
 * @param replacement Its values before the mask.
 */
export function installCopy(
  target: Built,
  mask: Mask,
  method: Parameters<typeof install>[0]['method'],
  replacement: Float32Array,
): void {
  install({ parameter: parameterAt(target, target.variable, 'tfjs'), mask, method, replacement });
}

function write(target: tf.Variable, source: tf.Variable, transform: Transform): void {
  if (source.dtype !== 'float32') {
    // A copy: a backend may hand out its own array.
    const values = source.dataSync().slice();
    tf.tidy(() => target.assign(tf.tensor(values, source.shape, source.dtype)));
    return;
  }
  if (overwrite(target, (stored) => transform(peek(source), stored))) return;
  const values = new Float32Array(source.size);
  transform(peek(source), values);
  tf.tidy(() => target.assign(tf.tensor(values, source.shape)));
}
