/** The options of layers that change what they do. */
import type * as tf from '@tensorflow/tfjs';

/** Those that change nothing once a layer has its weights, and the shape of the input, which is known from elsewhere. */
const INERT = /^name$|^trainable$|^batchInputShape$|Initializer$|Regularizer$|Constraint$/;

/**
 * @param layer A layer.
 * @returns All options that change what it does, as text; the same for the layer saved and loaded.
 */
export function optionsOf(layer: tf.layers.Layer): string {
  return optionsIn(layer.getConfig());
}

/**
 * @param config The configuration of a layer.
 * @returns The same of it.
 */
export function optionsIn(config: tf.serialization.ConfigDict): string {
  // As it would be saved: without what is undefined, and with null for infinity.
  return JSON.stringify(canonical(JSON.parse(JSON.stringify(config))));
}

function canonical(value: unknown): unknown {
  if (typeof value === 'string') return caseless(value);
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(saved(value))
    .filter(([option, setting]) => setting !== null && !INERT.test(option))
    .map(([option, setting]) => [caseless(option), canonical(setting)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** An embedding names the shape of its input, by which it gets a type once it was saved and loaded. */
function saved(config: object): object {
  return 'batchInputShape' in config ? { dtype: 'float32', ...config } : config;
}

/** tfjs writes `channelsLast` as `channels_last` and reads everything with an underscore the other way. */
function caseless(text: string): string {
  return text.replaceAll('_', '').toLowerCase();
}
