import { PruneError, shown } from '../../errors';
import { float32Of, isTensorElements, type StateDict, type TensorData } from '../tensor-data';

/** An entry that a model's state dict has. */
export interface ExpectedEntry {
  readonly name: string;
  /** In the layout that the name stands for. */
  readonly shape: readonly number[];
  /** Whether it may hold only 0 and 1. */
  readonly isMask: boolean;
}

/** The names that did not match. Both are empty after a strict load. */
export interface LoadStateDictResult {
  /** Entries of the model that were not given; they keep their values. */
  readonly missing: string[];
  /** Entries that were given, but that the model does not have. */
  readonly unexpected: string[];
}

interface Problems extends LoadStateDictResult {
  readonly unreadable: string[];
  readonly misshapen: string[];
  readonly invalid: string[];
}

const LISTED = 8;

/**
 * Checks that a state dict fits a model.
 *
 * @param dict The state dict; of its entries nothing is taken for granted.
 * @param expected The entries that the model has.
 * @param optional Names of entries that may be given too, and are not looked at.
 * @param strict Whether all names must match.
 * @returns The names that did not.
 * @throws {@link PruneError} `shape` if only shapes differ, `parameter` if anything else does not fit; all of it is
 * reported at once.
 */
export function checkStateDict(
  dict: StateDict,
  expected: readonly ExpectedEntry[],
  optional: readonly string[],
  strict: boolean,
): LoadStateDictResult {
  const known = new Set([...optional, ...expected.map(({ name }) => name)]);
  const problems: Problems = { missing: [], unexpected: [], unreadable: [], misshapen: [], invalid: [] };
  for (const entry of expected) {
    if (dict.has(entry.name)) checkEntry(dict.get(entry.name), entry, problems);
    else problems.missing.push(entry.name);
  }
  // Untyped code may use other keys than strings.
  for (const name of dict.keys()) if (!known.has(name)) problems.unexpected.push(String(name));
  const { missing, unexpected } = problems;
  report(strict ? problems : { ...problems, missing: [], unexpected: [] }, expected);
  return { missing, unexpected };
}

function checkEntry(given: unknown, { name, shape, isMask }: ExpectedEntry, problems: Problems): void {
  if (!isTensorData(given)) {
    problems.unreadable.push(`${name} ${whyNot(given)}`);
    return;
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (given.shape.length !== shape.length || shape.some((n, axis) => given.shape[axis] !== n)) {
    problems.misshapen.push(`${name} is [${given.shape.join(', ')}], not [${shape.join(', ')}]`);
  } else if (given.data.length !== size) {
    problems.misshapen.push(`${name} is [${shape.join(', ')}] but has ${given.data.length} elements`);
  } else if (isMask && float32Of(given).some((value) => value !== 0 && value !== 1)) {
    problems.invalid.push(name);
  }
}

function isTensorData(value: unknown): value is TensorData {
  return hasShape(value) && 'data' in value && isTensorElements(value.data);
}

function hasShape(value: unknown): value is { readonly shape: readonly number[] } {
  if (typeof value !== 'object' || value === null || !('shape' in value)) return false;
  return Array.isArray(value.shape) && value.shape.every((size) => typeof size === 'number');
}

function whyNot(value: unknown): string {
  if (!hasShape(value)) return `is ${shown(value)}, which has no shape`;
  const data = 'data' in value ? value.data : undefined;
  if (typeof data === 'function') {
    return 'is a tf.Tensor, not its shape and data: give { shape, dtype, data: await tensor.data() }';
  }
  return `has ${shown(data)} in place of data`;
}

function report(problems: Problems, expected: readonly ExpectedEntry[]): void {
  const { missing, unexpected, unreadable, misshapen, invalid } = problems;
  const parts = [
    listed('missing', missing),
    listed('unexpected', unexpected),
    listed('unreadable', unreadable, '; '),
    listed('of another shape', misshapen, '; '),
    listed('masks with values besides 0 and 1', invalid),
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return;
  const isShape = parts.length === 1 && misshapen.length > 0;
  const message = `The state dict does not fit the model, which is unchanged. ${parts.join('. ')}.${hint(problems)}`;
  throw new PruneError(isShape ? 'shape' : 'parameter', message, {
    given: problems,
    allowed: expected.map(({ name }) => name),
  });
}

function listed(what: string, names: readonly string[], separator = ', '): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > LISTED ? `${separator}and ${names.length - LISTED} more` : '';
  return `${names.length} ${what}: ${names.slice(0, LISTED).join(separator)}${more}`;
}

/** A mistake that is easy to make. */
function hint({ missing, unexpected }: Problems): string {
  if (unexpected.some((name) => missing.includes(name.replace(/^module\./, '')))) {
    return " It was saved from a (Distributed)DataParallel model: give the option { keys: (name) => 'module.' + name }.";
  }
  return '';
}
