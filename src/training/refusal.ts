import { PruneError, shown } from '../errors';

/**
 * What is thrown for an argument that is not allowed.
 *
 * @param name What the argument is called.
 * @param given Its value.
 * @param allowed What would have been accepted.
 */
export function refused(name: string, given: unknown, allowed: string): PruneError {
  return new PruneError('argument', `${name} must be ${allowed}, but got ${shown(given)}.`, {
    given,
    allowed,
  });
}

/**
 * @param name What the argument is called.
 * @param given What must be a whole number.
 * @param least The least that is allowed.
 * @throws {@link PruneError} `argument` if it is anything else.
 */
export function checkWhole(name: string, given: unknown, least: number): void {
  if (Number.isSafeInteger(given) && Number(given) >= least) return;
  throw refused(name, given, `a whole number >= ${least}`);
}
