import { isPruneError, type PruneErrorKind } from '../../../src/errors';

/** The kind of PruneError that a call throws. */
export function kindOf(call: () => unknown): PruneErrorKind | undefined {
  try {
    call();
  } catch (error) {
    if (isPruneError(error)) return error.kind;
    throw error;
  }
  return undefined;
}
