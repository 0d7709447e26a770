/**
 * What went wrong, in one word:
 * - `argument`: a value of the wrong type or one that is not allowed
 * - `amount`: an amount to prune that is not a fraction or a count, or is more than what is left
 * - `dim`: an axis that the tensor does not have
 * - `shape`: a mask, scores, weights or an image whose shape does not fit
 * - `parameter`: a name that the layer does not have, or one that cannot be pruned
 * - `state`: the layer is not in the state that the call needs (not built, not pruned, disposed)
 * - `file`: a file that cannot be read as what it should be
 * - `integrity`: a file whose bytes are not the ones expected
 * - `network`: a download that failed
 * - `unsupported`: something that this backend or this library cannot do
 */
export type PruneErrorKind =
  | 'argument'
  | 'amount'
  | 'dim'
  | 'shape'
  | 'parameter'
  | 'state'
  | 'file'
  | 'integrity'
  | 'network'
  | 'unsupported';

/** The facts behind a {@link PruneError}, for code that reacts to it. */
export interface PruneErrorDetails {
  /** The value that was refused. */
  readonly given?: unknown;
  /** What would have been accepted, in words or as a list of names. */
  readonly allowed?: string | readonly string[];
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * The one error class of the library. Nothing has changed when it is thrown: every call either succeeds as a whole
 * or leaves layers, masks and files as they were.
 *
 * @example
 * ```ts
 * try {
 *   prune.l1Unstructured(layer, 'wieght', 0.5);
 * } catch (error) {
 *   if (prune.isPruneError(error, 'parameter')) console.log(error.allowed);
 * }
 * ```
 */
export class PruneError extends Error {
  /** By which {@link isPruneError} knows it, whichever copy of the library threw it. */
  override readonly name = 'PruneError';
  /** What went wrong, in one word. */
  readonly kind: PruneErrorKind;
  /** The value that was refused, where there is one. */
  readonly given: unknown;
  /** What would have been accepted, where that can be listed. */
  readonly allowed: string | readonly string[] | undefined;

  /**
   * @param kind What went wrong, in one word.
   * @param message What was given, where, what is allowed, and what to do.
   * @param details The same as fields.
   */
  constructor(kind: PruneErrorKind, message: string, details: PruneErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.given = details.given;
    this.allowed = details.allowed;
  }
}

/**
 * Whether an error is a {@link PruneError}, and of the given kind if one is named. Works across two loaded copies of
 * the library, where `instanceof` does not.
 *
 * @param error Anything that was caught.
 * @param kind The kind to ask for; any kind by default.
 * @returns True for a PruneError of that kind.
 * @example
 * ```ts
 * if (prune.isPruneError(error, 'amount')) console.log(error.given);
 * ```
 */
export function isPruneError(error: unknown, kind?: PruneErrorKind): error is PruneError {
  if (!(error instanceof Error) || error.name !== 'PruneError' || !('kind' in error)) return false;
  return kind === undefined || error.kind === kind;
}

/**
 * A value as messages show it: whatever it is, also what does not turn into text by itself.
 *
 * @param value Anything that was given.
 * @returns A few words.
 */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  return typeof value === 'object' && value !== null ? shownObject(value) : String(value);
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const name: unknown = value.constructor?.name;
  if (typeof name === 'string' && name !== 'Object' && name !== '') return `an object of class ${name}`;
  const fields = Object.entries(value).map(([key, field]) => `${key}: ${nested(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function nested(field: unknown): string {
  if (typeof field !== 'object' || field === null) return shown(field);
  return Object.keys(field).length === 0 ? '{}' : '{ … }';
}
