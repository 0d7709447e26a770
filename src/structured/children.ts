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

function holdsLayer(value: unknown, layers: Layers, seen = new Set<unknown>()): boolean {
  if (layers.has(value)) return true;
  // It may hold itself.
  if (seen.has(value)) return false;
  seen.add(value);
  return partsOf(value)?.some((part) => holdsLayer(part, layers, seen)) ?? false;
}

/** The same of the new layers; undefined where none of them is left. `made` has what is or was made, by its original. */
function adoptedFrom(value: unknown, layers: Layers, made = new Map<unknown, object>()): unknown {
  if (layers.has(value)) return layers.get(value);
  if (made.has(value)) return made.get(value);
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    made.set(value, list);
    for (const part of value) {
      const adopted = adoptedFrom(part, layers, made);
      if (adopted !== undefined) list.push(adopted);
    }
    return list.length === 0 ? undefined : list;
  }
  if (partsOf(value) === undefined) return undefined;
  const parts = {};
  made.set(value, parts);
  for (const [key, part] of Object.entries(Object(value))) {
    const adopted = adoptedFrom(part, layers, made);
    if (adopted !== undefined) Reflect.set(parts, key, adopted);
  }
  return Object.keys(parts).length === 0 ? undefined : parts;
}
