/** The layers that a model has as properties of its own, as a ResNet has torch's children. */
import type * as tf from '@tensorflow/tfjs';

/** By layer of the original, the new one; undefined where none is left. */
type Layers = ReadonlyMap<unknown, tf.layers.Layer | undefined>;

/**
 * Gives a model built anew the properties that hold layers in the original: lists, plain objects, Maps and Sets of layers, to
 * any depth, with what else is in them. Layers that are gone are left out, and so is what holds no others.
 *
 * @param original The model that it was built from.
 * @param made The new one.
 */
export function adoptChildren(original: tf.LayersModel, made: tf.LayersModel): void {
  const layers: Layers = new Map<unknown, tf.layers.Layer | undefined>([
    ...original.layers.map((layer) => [layer, made.layers.find(({ name }) => name === layer.name)] as const),
    [original, made],
  ]);
  const copies = new Map<unknown, object>();
  for (const [key, value] of Object.entries(original)) {
    // What a model has of itself is not for us to replace.
    if (key in made || !holds(value, (part) => layers.has(part))) continue;
    const adopted = adoptedFrom(value, layers, copies);
    if (adopted !== GONE) Reflect.set(made, key, adopted);
  }
}

function partsOf(value: unknown): unknown[] | undefined {
  if (Array.isArray(value) || value instanceof Set) return [...value];
  if (value instanceof Map) return [...value].flat();
  return isPlain(value) ? Object.values(value) : undefined;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function holds(value: unknown, isIt: (part: unknown) => boolean, seen = new Set<unknown>()): boolean {
  if (isIt(value)) return true;
  // It may hold itself.
  if (seen.has(value)) return false;
  seen.add(value);
  return partsOf(value)?.some((part) => holds(part, isIt, seen)) ?? false;
}

/** In place of a layer that is gone, and of what holds no others. */
const GONE: unique symbol = Symbol('gone');

/** The same of the new layers. `made` has what is or was made, by its original. */
function adoptedFrom(value: unknown, layers: Layers, made: Map<unknown, object>): unknown {
  if (layers.has(value)) return layers.get(value) ?? GONE;
  if (made.has(value)) return made.get(value);
  if (!holds(value, (part) => layers.has(part))) return value;
  if (!holds(value, (part) => layers.get(part) !== undefined)) return GONE;
  const { to, entries, put } = containerLike(value);
  // Known before it is filled, since it may hold itself.
  made.set(value, to);
  for (const each of entries) {
    const [key, part] = each.map((one) => adoptedFrom(one, layers, made));
    if (key !== GONE && part !== GONE) put(key, part);
  }
  return to;
}

/** An empty container of the same kind, what the original holds, and how that is put into it. */
interface Container {
  readonly to: object;
  readonly entries: Iterable<readonly [key: unknown, part: unknown]>;
  put(key: unknown, part: unknown): void;
}

function containerLike(value: unknown): Container {
  if (Array.isArray(value)) {
    const to: unknown[] = [];
    return { to, entries: value.entries(), put: (_, part) => void to.push(part) };
  }
  if (value instanceof Set) {
    const to = new Set<unknown>();
    return { to, entries: value.entries(), put: (_, part) => void to.add(part) };
  }
  if (value instanceof Map) {
    const to = new Map<unknown, unknown>();
    return { to, entries: value.entries(), put: (key, part) => void to.set(key, part) };
  }
  const to: object = Object.create(Object.getPrototypeOf(value));
  const field = { writable: true, enumerable: true, configurable: true };
  return {
    to,
    entries: Object.entries(Object(value)),
    // As its own, whatever it is called.
    put: (key, part) => void Object.defineProperty(to, String(key), { value: part, ...field }),
  };
}
