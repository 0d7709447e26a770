/** The layers that a model has as properties of its own, as a ResNet has torch's children. */
import type * as tf from '@tensorflow/tfjs';

/**
 * Gives a model built anew the properties that hold layers in the original: lists and plain objects of layers, to any depth.
 *
 * @param original The model that it was built from.
 * @param made The new one.
 */
export function adoptChildren(original: tf.LayersModel, made: tf.LayersModel): void {
  const layers = new Map<unknown, tf.layers.Layer | undefined>(
    original.layers.map((layer) => [layer, made.layers.find(({ name }) => name === layer.name)]),
  );
  for (const [key, value] of Object.entries(original)) {
    // What a model has of itself is not for us to replace.
    if (key in made || !holdsLayer(value, layers)) continue;
    const adopted = adoptedFrom(value, layers);
    if (adopted !== undefined) Reflect.set(made, key, adopted);
  }
}

type Layers = ReadonlyMap<unknown, tf.layers.Layer | undefined>;

function partsOf(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  const isPlain =
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.values(value) : undefined;
}

function holdsLayer(value: unknown, layers: Layers): boolean {
  return layers.has(value) || (partsOf(value)?.some((part) => holdsLayer(part, layers)) ?? false);
}

/** The same of the new layers; undefined where none of them is left. */
function adoptedFrom(value: unknown, layers: Layers): unknown {
  if (layers.has(value)) return layers.get(value);
  if (Array.isArray(value)) {
    const parts = value.map((part) => adoptedFrom(part, layers)).filter((part) => part !== undefined);
    return parts.length === 0 ? undefined : parts;
  }
  if (partsOf(value) === undefined) return undefined;
  const parts = Object.entries(Object(value)).flatMap(([key, part]): Array<[string, unknown]> => {
    const adopted = adoptedFrom(part, layers);
    return adopted === undefined ? [] : [[key, adopted]];
  });
  return parts.length === 0 ? undefined : Object.fromEntries(parts);
}
