/**
 * What global methods share: the parameters that are ranked together, and that all of them are pruned or none.
 */
import type * as tf from '@tensorflow/tfjs';
import { located, requestOf } from '../core/apply';
import { customFromBytes } from '../core/custom-from-mask';
import type { Mask } from '../core/mask';
import { checkedMask } from '../core/mask-check';
import { joined } from '../core/method';
import { describe, type Parameter } from '../core/parameter';
import { installAll, stateOf } from '../core/reparametrisation';
import type { MaskRequest, PruningMethod } from '../core/request';
import { resolvePrunable } from '../core/resolve';
import { PruneError, shown } from '../errors';

/** A parameter of a layer, as `parameters` lists them. */
export type NamedParameter<L extends object = object> = readonly [layer: L, name: string];

/** For a layer, by parameter name, a tensor in the shape and layout of the name. */
export type ScoresByLayer = ReadonlyMap<object, Readonly<Record<string, tf.Tensor>>>;

/** Parameters that are ranked together. */
export interface ParameterGroup {
  readonly list: readonly NamedParameter[];
  readonly scores: ScoresByLayer | undefined;
}

/** A parameter, and what a method needs to know of it. */
export interface Requested {
  readonly parameter: Parameter;
  readonly request: MaskRequest;
}

/**
 * Checks a list of parameters and the scores for them.
 *
 * @param parameters Pairs of layer and name, at least one.
 * @param scores What to rank by instead of the weights, for some of them.
 * @returns Both; the parameters are not looked up yet.
 * @throws {@link PruneError} `argument` for anything else, and for scores of what is not listed.
 */
export function groupOf(
  parameters: Iterable<NamedParameter>,
  scores: ScoresByLayer | undefined,
): ParameterGroup {
  const list = listOf(parameters);
  checkScores(list, scores);
  return { list, scores };
}

/**
 * Prunes several parameters by one method, all or none. Each gets its part of the mask as a CustomFromMask.
 *
 * @param group The parameters.
 * @param method What ranks them.
 * @param check Throws for a parameter that the method cannot prune.
 * @throws {@link PruneError} with nothing changed.
 */
export function pruneTogether(
  { list, scores }: ParameterGroup,
  method: PruningMethod,
  check?: (request: MaskRequest) => void,
): void {
  const requests = requestsOf(list, scores);
  if (check !== undefined)
    for (const { parameter, request } of requests) located(parameter, () => check(request));
  const masks = checkMasks(method.masksFor(requests.map(({ request }) => request)), requests);
  installParts(requests.map(({ parameter }, i) => ({ parameter, mask: masks[i]! })));
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

function checkScores(list: readonly NamedParameter[], scores: ScoresByLayer | undefined): void {
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

/**
 * Looks parameters up.
 *
 * @param list Pairs of layer and name.
 * @param scores What to rank by instead of the weights.
 * @throws {@link PruneError} for what cannot be pruned, and `argument` for a parameter that is listed twice.
 */
export function requestsOf(list: readonly NamedParameter[], scores: ScoresByLayer | undefined): Requested[] {
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

function checkMasks(masks: unknown, requests: readonly Requested[]): Mask[] {
  if (!Array.isArray(masks) || masks.length !== requests.length) {
    const allowed = `an array of ${requests.length} masks`;
    const message = `masksFor must return ${allowed}, one for each parameter, but returned ${shown(masks)}.`;
    throw new PruneError('argument', message, { given: masks, allowed });
  }
  return requests.map(({ parameter, request }, i) =>
    located(parameter, () => checkedMask(masks[i], parameter.variable.size, request.mask)),
  );
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
