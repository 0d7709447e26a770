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
  const restore = savedStates(model);
  try {
    return body();
  } finally {
    restore();
  }
}

/** {@link keepingStates} for what takes turns with others. */
export async function keepingStatesMeanwhile<T>(model: tf.LayersModel, body: () => Promise<T>): Promise<T> {
  const restore = savedStates(model);
  try {
    return await body();
  } finally {
    restore();
  }
}

/** @returns What gives a model's layers back what they remember now. */
function savedStates(model: tf.LayersModel): () => void {
  const saved = rememberingIn(model).map((layer) => ({
    layer,
    states: layer.getStates().map((state) => tf.keep(state.clone())),
  }));
  return () => {
    for (const { layer, states } of saved) {
      layer.resetStates(states);
      tf.dispose(states);
    }
  };
}

/**
 * Disposes what the layers of a model remember; its own dispose leaves that.
 *
 * @param model A model that is not used any more.
 */
export function disposeStates(model: tf.LayersModel): void {
  for (const layer of rememberingIn(model)) tf.dispose(layer.getStates());
}

function rememberingIn(model: tf.LayersModel): Stateful[] {
  return layersOf(model).flatMap(statefulIn);
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
