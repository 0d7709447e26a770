/** Functions that treat each value by itself, as tfjs computes them. */
import * as tf from '@tensorflow/tfjs';
import { isElementwise } from '../tracer';
import type { ModelTraits } from './call';
import { type Constants, type Elements, hasKnown, mapped, shapeOf, unknown } from './constant';
import { normalised } from './normalised';

/** Applies what works element by element. */
export function applied<T extends Elements>(constants: T, apply: (x: tf.Tensor) => tf.Tensor): T {
  const known = constants.values.map((value) => (Number.isNaN(value) ? 0 : value));
  const made = tf.tidy(() =>
    apply(tf.tensor([...known], [1, known.length]))
      .dataSync()
      .slice(),
  );
  return mapped(constants, (value, i) => (Number.isNaN(value) ? value : made[i]!));
}

/** What a layer or a cell applies to what it gives. */
interface Activation {
  /** Whether it is known to treat each value by itself. */
  readonly isKnown: boolean;
  /** Whether it relates the values along the last axis to each other. */
  readonly isSoftmax: boolean;
  readonly apply: (x: tf.Tensor) => tf.Tensor;
}

/**
 * @param layer A layer or a cell.
 * @param option Which of its activations is meant.
 * @returns What tfjs applies; nothing where it is none.
 */
export function activationOf(layer: object, option = 'activation'): Activation {
  const activation: unknown = Reflect.get(layer, option);
  const isFunction = typeof activation === 'object' && activation !== null && 'apply' in activation;
  if (!isFunction) return { isKnown: true, isSoftmax: false, apply: (x) => x };
  const className: unknown = Reflect.get(activation.constructor, 'className');
  return {
    isKnown: isElementwise(className),
    isSoftmax: className === 'softmax' || className === 'logSoftmax',
    // tfjs's own class of an activation.
    apply: (x) => (activation as { apply(x: tf.Tensor): tf.Tensor }).apply(x),
  };
}

/** @returns What a layer's activation makes of what it gives; of a softmax along the last axis. */
export function activated(layer: object, path: string, constants: Constants, model: ModelTraits): Constants {
  const { isKnown, isSoftmax, apply } = activationOf(layer);
  if (isKnown) return applied(constants, apply);
  if (isSoftmax) return normalised(constants, [constants.axes.length - 1], path, model, apply);
  const why = `'${path}' has an activation through which constants are not followed`;
  return unknown(shapeOf(constants), hasKnown(constants) ? why : undefined);
}
