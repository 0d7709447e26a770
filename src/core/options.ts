import { PruneError, shown } from '../errors';

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Not compared with Object.prototype: the object may come from another realm, such as a frame.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Refuses options that would be ignored.
 *
 * @param options What the caller gave.
 * @param known The names of all options.
 * @throws {@link PruneError} `argument` for what is no plain object, and for an option that there is not.
 */
export function checkOptions(options: unknown, known: readonly string[]): void {
  const allowed = `an object with ${known.join(', ')}`;
  if (!isPlainObject(options)) {
    const message = `The options must be ${allowed}, but got ${shown(options)}.`;
    throw new PruneError('argument', message, { given: options, allowed });
  }
  const stray = Object.keys(options).find((key) => !known.includes(key));
  if (stray === undefined) return;
  throw new PruneError('argument', `There is no option '${stray}'; there are: ${known.join(', ')}.`, {
    given: stray,
    allowed: known,
  });
}
