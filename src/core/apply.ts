import type * as tf from '@tensorflow/tfjs';
import { isPruneError, PruneError } from '../errors';
import { scatter } from '../masks/gather';
import { checkedMask } from './mask-check';
import { peek } from './memory';
import { checkOptions } from './options';
import { describe, type Parameter } from './parameter';
import { install, stateOf } from './reparametrisation';
import type { MaskRequest, PruningMethod } from './request';
import { resolvePrunable } from './resolve';
import { checkShape, checkTensor, floatsOf } from './tensors';

/** How a parameter is to be pruned. */
export interface ApplyOptions {
  /**
   * What to rank the entries by, in the shape and layout of the name used; by default the current weights. Of type
   * float32, int32 or bool.
   */
  readonly importanceScores?: tf.Tensor | undefined;
}

/** What is remembered of a parameter once it is pruned again. */
export interface Joined<M extends PruningMethod> {
  /** A method, or a container with those before it. */
  readonly method: M;
  /** Gives all methods in it the names back that they had. */
  readonly undo: () => void;
}

function scoresOf(parameter: Parameter, importanceScores: tf.Tensor): Float32Array {
  const { layout, variable } = parameter;
  checkTensor(importanceScores, 'importanceScores');
  checkShape(importanceScores, layout.shape, 'importanceScores');
  const scores = floatsOf(importanceScores, 'importanceScores');
  return scatter(scores, layout, new Float32Array(variable.size));
}

/**
 * What a method needs to know of a parameter.
 *
 * @param parameter Which one.
 * @param importanceScores What to rank by, if not the weights themselves.
 * @throws {@link PruneError} `argument` or `shape` if the scores are not such as the parameter needs.
 */
export function requestOf(parameter: Parameter, importanceScores: tf.Tensor | undefined): MaskRequest {
  const { layout, torchLayout, axes, variable } = parameter;
  const given = importanceScores === undefined ? undefined : scoresOf(parameter, importanceScores);
  // Brings the values to this backend now: doing so later could move those of other parameters that are being read.
  peek(variable);
  return {
    get scores() {
      return given ?? peek(variable);
    },
    layout,
    torchLayout,
    axes,
    mask: stateOf(variable)?.mask.bytes,
  };
}

/**
 * Prunes one parameter of one layer.
 *
 * @param layer The layer.
 * @param name The parameter's name.
 * @param method What makes the mask.
 * @param join What to remember: the method, or a container that it joins the previous one in.
 * @param options Importance scores.
 * @returns What `join` made.
 * @throws {@link PruneError} with nothing changed.
 */
export function apply<M extends PruningMethod>(
  layer: unknown,
  name: string,
  method: PruningMethod,
  join: (previous: PruningMethod | undefined, name: string) => Joined<M>,
  options: ApplyOptions,
): M {
  checkOptions(options, ['importanceScores']);
  const parameter = resolvePrunable(layer, name);
  return located(parameter, () => {
    const request = requestOf(parameter, options.importanceScores);
    const mask = checkedMask(method.maskFor(request), parameter.variable.size, request.mask);
    const joined = join(stateOf(parameter.variable)?.method, parameter.name);
    try {
      install({ parameter, mask, method: joined.method });
    } catch (error) {
      joined.undo();
      throw error;
    }
    return joined.method;
  });
}

/**
 * Runs what concerns one parameter, so that errors say which one.
 *
 * @param parameter The parameter.
 * @param run What may throw.
 * @returns What it returns.
 */
export function located<T>({ slot, name }: Parameter, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!isPruneError(error)) throw error;
    const { kind, given, allowed } = error;
    const message = `'${name}' of ${describe(slot.layer)}: ${error.message}`;
    throw new PruneError(kind, message, {
      given,
      cause: error,
      ...(allowed === undefined ? {} : { allowed }),
    });
  }
}
