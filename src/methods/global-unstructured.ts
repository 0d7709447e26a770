import type * as tf from '@tensorflow/tfjs';
import { located, requestOf } from '../core/apply';
import { CustomFromMask, customFromBytes } from '../core/custom-from-mask';
import type { Mask } from '../core/mask';
import { checkedMask } from '../core/mask-check';
import { type BasePruningMethod, isMethod, joined, PruningContainer } from '../core/method';
import { checkOptions } from '../core/options';
import { describe, type Parameter } from '../core/parameter';
import { installAll, stateOf } from '../core/reparametrisation';
import type { MaskRequest } from '../core/request';
import { resolvePrunable } from '../core/resolve';
import { PruneError, shown } from '../errors';
import type { Amount } from '../masks/amount';
import { LnStructured } from './ln-structured';
import { RandomStructured } from './random-structured';

/** A parameter of a layer, as `parameters` lists them. */
export type NamedParameter<L extends object = object> = readonly [layer: L, name: string];

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
  readonly importanceScores?: ReadonlyMap<object, Readonly<Record<string, tf.Tensor>>>;
}

const ALLOWED = 'an unstructured method such as L1Unstructured or RandomUnstructured';

/** Classes whose constructors take something else than an amount alone, and would complain of that. */
const OTHERS: readonly unknown[] = [CustomFromMask, LnStructured, PruningContainer, RandomStructured];

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

function listOf(parameters: Iterable<NamedParameter>): NamedParameter[] {
  const allowed = 'an iterable of at least one [layer, name] pair';
  const isIterable = typeof parameters === 'object' && parameters !== null && Symbol.iterator in parameters;
  const list = isIterable ? [...parameters] : undefined;
  const wrong = list?.findIndex((pair) => !Array.isArray(pair) || pair.length !== 2);
  if (list !== undefined && list.length > 0 && wrong === -1) return list;
  const given: unknown = wrong === undefined || wrong === -1 ? parameters : list?.[wrong];
  throw new PruneError('argument', `parameters must be ${allowed}, but got ${shown(given)}.`, {
    given,
    allowed,
  });
}

function checkScores(list: readonly NamedParameter[], scores: GlobalOptions['importanceScores']): void {
  if (scores === undefined) return;
  const allowed = 'a Map from a layer of the parameters to { name: tensor }';
  const entries = scores instanceof Map ? [...scores] : [[undefined, undefined]];
  for (const [layer, byName] of entries) {
    const named = list.filter(([listed]) => listed === layer).map(([, name]) => name);
    const given = typeof byName === 'object' && byName !== null ? Object.keys(byName) : undefined;
    const stray = given?.find((name) => !named.includes(name));
    if (named.length > 0 && given !== undefined && stray === undefined) continue;
    const where = named.length === 0 ? '' : `; of ${describe(layer)} there are: ${named.join(', ')}`;
    const got = stray === undefined ? '' : `, but got scores for '${stray}'`;
    throw new PruneError('argument', `importanceScores must be ${allowed}${got}${where}.`, {
      given: scores,
      allowed,
    });
  }
}

function requestsOf(
  list: readonly NamedParameter[],
  scores: GlobalOptions['importanceScores'],
): Array<{ parameter: Parameter; request: MaskRequest }> {
  const seen = new Set<tf.Variable>();
  const resolved = list.map(([layer, name]) => {
    const parameter = resolvePrunable(layer, name);
    if (seen.has(parameter.variable)) {
      const message = `'${name}' of ${describe(layer)} is among the parameters twice.`;
      throw new PruneError('argument', message, { given: name, allowed: 'each parameter once' });
    }
    seen.add(parameter.variable);
    return { parameter, importanceScores: scores?.get(layer)?.[name] };
  });
  return resolved.map(({ parameter, importanceScores }) => ({
    parameter,
    request: located(parameter, () => requestOf(parameter, importanceScores)),
  }));
}

function checkMasks(
  masks: unknown,
  requests: ReadonlyArray<{ parameter: Parameter; request: MaskRequest }>,
): Mask[] {
  if (!Array.isArray(masks) || masks.length !== requests.length) {
    const allowed = `an array of ${requests.length} masks`;
    const message = `masksFor must return ${allowed}, one for each parameter, but returned ${shown(masks)}.`;
    throw new PruneError('argument', message, { given: masks, allowed });
  }
  return requests.map(({ parameter, request }, i) =>
    located(parameter, () => checkedMask(masks[i], parameter.variable.size, request.mask)),
  );
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
  const list = listOf(parameters);
  checkScores(list, importanceScores);
  const chosen = unstructuredMethod(method, amount);
  const requests = requestsOf(list, importanceScores);
  const masks = checkMasks(chosen.masksFor(requests.map(({ request }) => request)), requests);
  installParts(requests.map(({ parameter }, i) => ({ parameter, mask: masks[i]! })));
}

function installParts(parts: ReadonlyArray<{ parameter: Parameter; mask: Mask }>): void {
  const joins = parts.map(({ parameter, mask }) =>
    joined(
      stateOf(parameter.variable)?.method,
      customFromBytes(mask.bytes, parameter.layout),
      parameter.name,
    ),
  );
  try {
    installAll(parts.map((part, i) => ({ ...part, method: joins[i]!.method })));
  } catch (error) {
    // The newest first: parameters may share a method.
    for (const { undo } of joins.reverse()) undo();
    throw error;
  }
}
