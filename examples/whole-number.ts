/**
 * The value of an option that takes a whole number.
 *
 * @param name The option, without its dashes.
 * @param given What the command line has for it.
 * @param least The least that is allowed.
 */
export function wholeNumber(name: string, given: string, least = 1): number {
  const value = Number(given);
  if (given.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number of at least ${least}, but got '${given}'.`);
}
