import { expect } from 'vitest';
import { isPruneError, type PruneErrorKind } from '../../../../src/errors';

/** Checks that something throws a PruneError that says what it should. */
export function expectRefused(action: () => unknown, message: RegExp, kind: PruneErrorKind = 'file'): void {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  if (!isPruneError(thrown))
    throw new Error(`A PruneError was expected, not ${String(thrown)}`, { cause: thrown });
  expect({ kind: thrown.kind, message: thrown.message }).toEqual({
    kind,
    message: expect.stringMatching(message),
  });
}
