/** Functions that treat each value by itself, as tfjs computes them. */
import * as tf from '@tensorflow/tfjs';
import { isElementwise } from '../tracer';
import { type Channels, type Constants, mapped, unknown } from './constant';

/** Applies what works element by element. */
export function applied<T extends Channels>(constants: T, apply: (x: tf.Tensor) => tf.Tensor): T {
  const known = constants.values.map((value) => (Number.isNaN(value) ? 0 : value));
  const made = tf.tidy(() =>
    apply(tf.tensor([...known], [1, known.length]))
      .dataSync()
      .slice(),
  );
  return mapped(constants, (value, i) => (Number.isNaN(value) ? value : made[i]!));
}

/**
 * @param layer A layer or a cell.
 * @param option Which of its activations is meant.
 * @returns What tfjs applies; nothing where it is none, or mixes values, or is not known.
 */
export function activationOf(
  layer: object,
  option = 'activation',
): { readonly isKnown: boolean; readonly apply: (x: tf.Tensor) => tf.Tensor } {
  const activation: unknown = Reflect.get(layer, option);
  const isFunction = typeof activation === 'object' && activation !== null && 'apply' in activation;
  if (!isFunction) return { isKnown: true, apply: (x) => x };
  return {
    isKnown: isElementwise(Reflect.get(activation.constructor, 'className')),
    // tfjs's own class of an activation.
    apply: (x) => (activation as { apply(x: tf.Tensor): tf.Tensor }).apply(x),
  };
}

/** The activation that a layer applies to what it gives. */
export function activated(layer: object, path: string, constants: Constants): Constants {
  const { isKnown, apply } = activationOf(layer);
  return isKnown
    ? applied(constants, apply)
    : unknown(constants.shape, `'${path}' has an activation through which constants are not followed`);
}
