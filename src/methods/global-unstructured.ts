import { CustomFromMask } from '../core/custom-from-mask';
import { type BasePruningMethod, isMethod, PruningContainer } from '../core/method';
import { checkOptions } from '../core/options';
import { PruneError, shown } from '../errors';
import type { Amount } from '../masks/amount';
import { BlockStructured } from './block-structured';
import { LnStructured } from './ln-structured';
import { groupOf, type NamedParameter, pruneTogether, type ScoresByLayer } from './prune-together';
import { RandomStructured } from './random-structured';
import { SemiStructured } from './semi-structured';

/** A method that ranks entries, so that it can rank those of several parameters together. */
export type UnstructuredMethod = BasePruningMethod & {
  /** Only methods that say so are taken. */
  readonly pruningType: 'unstructured';
};

/** How much to prune globally, and by what. */
export interface GlobalOptions {
  /** How much of all that is left to prune: a fraction in [0, 1) or a count. For a class that is made from it. */
  readonly amount?: Amount;
  /** For a layer, by parameter name, what to rank by instead of the weights, in the shape and layout of the name. */
  readonly importanceScores?: ScoresByLayer;
}

const ALLOWED =
  'an unstructured method such as L1Unstructured or RandomUnstructured (for blocks of weights there is globalBlockStructured)';

/** Classes whose constructors take something else than an amount alone, and would complain of that. */
const OTHERS: readonly unknown[] = [
  BlockStructured,
  CustomFromMask,
  LnStructured,
  PruningContainer,
  RandomStructured,
  SemiStructured,
];

function refused(method: unknown, got: string): PruneError {
  return new PruneError('argument', `globalUnstructured takes ${ALLOWED}, but got ${got}.`, {
    given: method,
    allowed: ALLOWED,
  });
}

type MethodClass = new (amount: Amount) => BasePruningMethod;

function isMethodClass(method: unknown): method is MethodClass {
  if (typeof method !== 'function') return false;
  const prototype: unknown = method.prototype;
  return typeof prototype === 'object' && prototype !== null && 'computeMask' in prototype;
}

/** Whether a constructor, or one that it inherits, has a parameter without a default. */
function takesAmount(type: MethodClass): boolean {
  for (let each: unknown = type; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
    if (each.length > 0) return true;
  }
  return false;
}

function madeFrom(type: MethodClass, amount: Amount | undefined): BasePruningMethod {
  if (OTHERS.includes(type)) throw refused(type, type.name);
  if (amount !== undefined && !takesAmount(type)) {
    const message = `${type.name} takes no amount, as its constructor has no parameter for it; leave the amount out, or give an instance.`;
    throw new PruneError('argument', message, { given: amount, allowed: 'no amount' });
  }
  // A class without a constructor of its own ignores it; the ones that need it refuse undefined.
  return new type(amount as Amount);
}

function unstructuredMethod(method: unknown, amount: Amount | undefined): BasePruningMethod {
  if (isMethodClass(method)) return checkedMethod(madeFrom(method, amount));
  const made = checkedMethod(method);
  if (amount === undefined) return made;
  const message = `An amount is for a class of methods, but got one with an instance of ${made.constructor.name}; leave it out, or give the class.`;
  throw new PruneError('argument', message, { given: amount, allowed: 'no amount' });
}

function checkedMethod(method: unknown): BasePruningMethod {
  if (!isMethod(method)) throw refused(method, shown(method));
  const { pruningType } = method;
  if (pruningType === 'unstructured') return method;
  throw refused(method, `${method.constructor.name} of the type ${shown(pruningType)}`);
}

/**
 * Ranks the entries of several parameters together and prunes a share of all of them, so that layers that matter less
 * lose more. Each gets its part of the mask as a {@link CustomFromMask}.
 *
 * Differs from PyTorch: any iterable is taken, generators too; a parameter that is listed twice is refused, not pruned
 * too little; scores for what is not listed are refused, and so is an amount that nothing would use.
 * Source: `torch.nn.utils.prune.global_unstructured`.
 *
 * @param parameters Pairs of layer and name, such as `parameters` gives; at least one.
 * @param method {@link L1Unstructured}, {@link RandomUnstructured}, or an unstructured method of your own: a class made
 *   from the amount, a class made from nothing, or an instance.
 * @param options The amount, which a class needs that is made from it and which nothing else takes (a constructor that
 *   has only a default for it does not count: give an instance); and importance scores.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
 * ```
 */
export function globalUnstructured(
  parameters: Iterable<NamedParameter>,
  method: new (amount: Amount) => UnstructuredMethod,
  options: GlobalOptions & { readonly amount: Amount },
): void;
export function globalUnstructured(
  parameters: Iterable<NamedParameter>,
  method: UnstructuredMethod | (new () => UnstructuredMethod),
  options?: GlobalOptions & { readonly amount?: never },
): void;
export function globalUnstructured(
  parameters: Iterable<NamedParameter>,
  method: unknown,
  options: GlobalOptions = {},
): void {
  checkOptions(options, ['amount', 'importanceScores']);
  const { amount, importanceScores } = options;
  const group = groupOf(parameters, importanceScores);
  pruneTogether(group, unstructuredMethod(method, amount));
}
