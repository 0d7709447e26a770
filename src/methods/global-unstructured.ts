import type * as tf from '@tensorflow/tfjs';
import { requestOf } from '../core/apply';
import { CustomFromMask } from '../core/custom-from-mask';
import { type BasePruningMethod, joined } from '../core/method';
import { describe, type Parameter } from '../core/parameter';
import { installAll, stateOf } from '../core/reparametrisation';
import type { MaskRequest } from '../core/request';
import { resolvePrunable } from '../core/resolve';
import { PruneError } from '../errors';
import type { Amount } from '../masks/amount';

/** A parameter of a layer, as {@link index!parameters | parameters} lists them. */
export type NamedParameter<L extends object = object> = readonly [layer: L, name: string];

/** A method, or a class of methods that are made from an amount alone. */
export type GlobalMethod = BasePruningMethod | (new (amount: Amount) => BasePruningMethod);

/** How much to prune globally, and by what. */
export interface GlobalOptions {
  /** How much of all that is left to prune: a fraction in [0, 1) or a count. For a class of methods, not a method. */
  readonly amount?: Amount;
  /** For a layer, by parameter name, what to rank by instead of the weights, in the shape and layout of the name. */
  readonly importanceScores?: ReadonlyMap<object, Readonly<Record<string, tf.Tensor>>>;
}

function methodFrom(method: GlobalMethod, amount: Amount | undefined): BasePruningMethod {
  if (typeof method !== 'function') return method;
  // A class without a constructor of its own ignores the amount; the ones that need it refuse undefined.
  const made = new method(amount as Amount);
  return made;
}

function checkMethod(method: BasePruningMethod): BasePruningMethod {
  const allowed = 'an unstructured method such as L1Unstructured or RandomUnstructured';
  if (method?.pruningType !== 'unstructured') {
    const name = method?.constructor?.name ?? String(method);
    const message = `globalUnstructured takes ${allowed}, but got ${name} of type '${method?.pruningType}'.`;
    throw new PruneError('argument', message, { given: method, allowed });
  }
  return method;
}

function listOf(parameters: Iterable<NamedParameter>): NamedParameter[] {
  const allowed = 'an iterable of [layer, name] pairs';
  const isIterable = typeof parameters === 'object' && parameters !== null && Symbol.iterator in parameters;
  const list = isIterable ? [...parameters] : undefined;
  const wrong = list?.findIndex((pair) => !Array.isArray(pair) || pair.length !== 2);
  if (list !== undefined && wrong === -1) return list;
  const given: unknown = wrong === undefined ? parameters : list?.[wrong];
  throw new PruneError('argument', `parameters must be ${allowed}, but got ${String(given)}.`, {
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
    request: requestOf(parameter, { importanceScores }),
  }));
}

/**
 * Ranks the entries of several parameters together and prunes a share of all of them, so that layers that matter less
 * lose more. Each gets its part of the mask as a {@link CustomFromMask}.
 *
 * Differs from PyTorch: any iterable is taken, generators too; a parameter that is listed twice is refused, not pruned
 * too little; scores for what is not listed are refused.
 * Source: `torch.nn.utils.prune.global_unstructured`.
 *
 * @param parameters Pairs of layer and name, such as {@link index!parameters | parameters} gives.
 * @param method {@link L1Unstructured}, {@link RandomUnstructured}, or an unstructured method of your own: a class made
 *   from the amount, or an instance.
 * @param options The amount, and importance scores.
 * @throws {@link PruneError} with nothing changed: `argument`, `amount`, `shape`, `parameter` or `state`.
 * @example
 * ```ts
 * prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.8 });
 * ```
 */
export function globalUnstructured(
  parameters: Iterable<NamedParameter>,
  method: GlobalMethod,
  options: GlobalOptions = {},
): void {
  const list = listOf(parameters);
  checkScores(list, options.importanceScores);
  const chosen = checkMethod(methodFrom(method, options.amount));
  const requests = requestsOf(list, options.importanceScores);
  const masks = chosen.masksFor(requests.map(({ request }) => request));
  installAll(
    requests.map(({ parameter }, i) => {
      const mask = masks[i]!;
      const part = new CustomFromMask({ bytes: mask, layout: parameter.layout });
      part.tensorName = parameter.name;
      const previous = stateOf(parameter.variable)?.method;
      return {
        parameter,
        mask,
        method: previous === undefined ? part : joined(previous, part, parameter.name),
      };
    }),
  );
}
