const key = Symbol.for('tfjs-prune.copies');
const thisCopy = {};

/** Warns once when two copies of the library are at work: they share masks, but not random generators or classes. */
export function noteCopy(): void {
  const known: unknown = Reflect.get(globalThis, key);
  const copies = known instanceof Set ? known : new Set<object>();
  Reflect.set(globalThis, key, copies);
  copies.add(thisCopy);
  if (copies.size !== 2 || copies.has('warned')) return;
  copies.add('warned');
  console.warn(
    'tfjs-prune is loaded twice. Pruned layers are understood by both copies, but manualSeed and instanceof see only ' +
      'their own; make your package manager or bundler keep one version.',
  );
}
