import { PruneError } from '../errors';

/**
 * How much to prune. A number in [0, 1) is a fraction, a whole number ≥ 1 a count (JavaScript cannot tell 1.0 from 1);
 * `{ fraction: 1 }` and `{ count: 1 }` say it outright.
 */
export type Amount = number | { readonly fraction: number } | { readonly count: number };

/** An {@link Amount} that has been checked: exactly one of a fraction in [0, 1] or a whole count ≥ 0. */
export type ResolvedAmount = { readonly fraction: number } | { readonly count: number };
