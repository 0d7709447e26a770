/** What stateful recurrent layers remember from one batch to the next. */
import * as tf from '@tensorflow/tfjs';
import { layersOf } from '../core/parameter';

/** A layer as tfjs keeps it. */
interface Stateful {
  getStates(): tf.Tensor[];
  resetStates(states: tf.Tensor[]): void;
}

/**
 * Runs something that runs a model, and gives its stateful layers back what they remembered before.
 *
 * @param model The model.
 * @param body What runs it.
 * @returns What that gives.
 */
export function keepingStates<T>(model: tf.LayersModel, body: () => T): T {
  const saved = layersOf(model)
    .flatMap(statefulIn)
    .map((layer) => ({ layer, states: layer.getStates().map((state) => tf.keep(state.clone())) }));
  try {
    return body();
  } finally {
    for (const { layer, states } of saved) {
      layer.resetStates(states);
      tf.dispose(states);
    }
  }
}

/** Itself, or both directions of a Bidirectional. */
function statefulIn(layer: object): Stateful[] {
  const parts = ['forwardLayer', 'backwardLayer'].map((part): unknown => Reflect.get(layer, part));
  return [layer, ...parts].filter(isStateful);
}

function isStateful(layer: unknown): layer is Stateful {
  if (typeof layer !== 'object' || layer === null || Reflect.get(layer, 'stateful') !== true) return false;
  return Array.isArray(Reflect.get(layer, 'states_'));
}
