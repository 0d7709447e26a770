import { PruneError, shown } from '../errors';

/**
 * How much to prune. A number in [0, 1) is a fraction, a whole number ≥ 1 a count (JavaScript cannot tell 1.0 from 1);
 * `{ fraction: 1 }` and `{ count: 1 }` say it outright.
 */
export type Amount =
  | number
  | {
      /** Share of what is left, from 0 to 1. */
      readonly fraction: number;
      /** Not together with a fraction. */
      readonly count?: never;
    }
  | {
      /** Number of entries, or of channels. */
      readonly count: number;
      /** Not together with a count. */
      readonly fraction?: never;
    };

/** An {@link Amount} that has been checked: exactly one of a fraction in [0, 1] or a whole count ≥ 0. */
export type ResolvedAmount =
  | {
      /** Share of what is left, from 0 to 1. */
      readonly fraction: number;
    }
  | {
      /** Number of entries, or of channels. */
      readonly count: number;
    };

const ALLOWED = [
  'a fraction in [0, 1)',
  'a whole number >= 1, a count',
  '{ fraction } in [0, 1]',
  '{ count }, a whole number >= 0',
] as const;

/**
 * Checks an amount and says whether it is a fraction or a count.
 *
 * Differs from PyTorch: 1 is a count, not 100 %, and an amount that is neither a fraction nor a whole number (1.5) is
 * refused whatever the size.
 *
 * @param amount What the caller gave.
 * @returns `{ fraction }` in [0, 1] or `{ count }`, a whole number ≥ 0.
 * @throws {@link PruneError} `argument` if it is not a number or an object with exactly one of the two; `amount` if it
 * is out of range.
 * @example
 * ```ts
 * resolveAmount(0.3); // { fraction: 0.3 }
 * resolveAmount(20); // { count: 20 }
 * ```
 */
export function resolveAmount(amount: unknown): ResolvedAmount {
  if (typeof amount === 'number') {
    if (amount >= 0 && amount < 1) return { fraction: amount };
    if (Number.isSafeInteger(amount) && amount >= 1) return { count: amount };
    throw refused('amount', amount);
  }
  if (typeof amount !== 'object' || amount === null) throw refused('argument', amount);
  const fraction = 'fraction' in amount ? amount.fraction : undefined;
  const count = 'count' in amount ? amount.count : undefined;
  if (typeof fraction === 'number' && count === undefined) {
    if (fraction >= 0 && fraction <= 1) return { fraction };
    throw refused('amount', amount);
  }
  if (typeof count === 'number' && fraction === undefined) {
    if (Number.isSafeInteger(count) && count >= 0) return { count };
    throw refused('amount', amount);
  }
  throw refused('argument', amount);
}

/**
 * How many of `size` an amount is: a fraction is rounded half to even, as Python's `round` does.
 *
 * @param amount The amount.
 * @param size How many there are to prune from.
 * @returns A whole number from 0 to `size`.
 * @throws {@link PruneError} `argument` or `amount` as {@link resolveAmount} does, and `amount` if it is more than
 * `size`.
 * @example
 * ```ts
 * pruneCount(0.5, 5); // 2
 * ```
 */
export function pruneCount(amount: Amount, size: number): number {
  const resolved = resolveAmount(amount);
  if ('fraction' in resolved) return roundHalfEven(resolved.fraction * size);
  if (resolved.count <= size) return resolved.count;
  throw new PruneError('amount', `Cannot prune ${resolved.count} where only ${size} are left to prune.`, {
    given: amount,
    allowed: `a count from 0 to ${size}, or a fraction`,
  });
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

function refused(kind: 'argument' | 'amount', amount: unknown): PruneError {
  return new PruneError(
    kind,
    `The amount to prune must be ${ALLOWED.join(', or ')}, but got ${shown(amount)}.`,
    {
      given: amount,
      allowed: ALLOWED,
    },
  );
}
