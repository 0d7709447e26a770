import type * as tf from '@tensorflow/tfjs';
import { isPruneError, PruneError } from '../errors';
import { scatter } from '../masks/gather';
import { checkShape, checkTensor } from './bridge';
import { peek } from './memory';
import { describe, type Parameter } from './parameter';
import { install, stateOf } from './reparametrisation';
import type { MaskRequest, PruningMethod } from './request';
import { resolvePrunable } from './resolve';

/** How a parameter is to be pruned. */
export interface ApplyOptions {
  /** What to rank the entries by, in the shape and layout of the name used; by default the current weights. */
  readonly importanceScores?: tf.Tensor | undefined;
}

function scoresOf(parameter: Parameter, importanceScores: tf.Tensor): Float32Array {
  const { layout, variable } = parameter;
  checkTensor(importanceScores, 'importanceScores');
  checkShape(importanceScores, layout.shape, `importanceScores of '${parameter.name}'`);
  return scatter(Float32Array.from(importanceScores.dataSync()), layout, new Float32Array(variable.size));
}

/**
 * What a method needs to know of a parameter.
 *
 * @param parameter Which one.
 * @param options Importance scores, if not the weights themselves.
 * @throws {@link PruneError} `shape` if the scores' shape is not the parameter's.
 */
export function requestOf(parameter: Parameter, { importanceScores }: ApplyOptions): MaskRequest {
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
    mask: stateOf(variable)?.mask,
  };
}

/**
 * Prunes one parameter of one layer.
 *
 * @param layer The layer.
 * @param name The parameter's name.
 * @param method What makes the mask.
 * @param combine What to remember: the method, or a container that it joins the previous one in.
 * @param options Importance scores.
 * @returns What `combine` made.
 * @throws {@link PruneError} with nothing changed.
 */
export function apply<M extends PruningMethod>(
  layer: unknown,
  name: string,
  method: PruningMethod,
  combine: (previous: PruningMethod | undefined, name: string) => M,
  options: ApplyOptions,
): M {
  const parameter = resolvePrunable(layer, name);
  const nameBefore = method.tensorName;
  try {
    const mask = method.maskFor(requestOf(parameter, options));
    method.tensorName = parameter.name;
    const combined = combine(stateOf(parameter.variable)?.method, parameter.name);
    install({ parameter, mask, method: combined });
    return combined;
  } catch (error) {
    method.tensorName = nameBefore;
    throw located(error, parameter);
  }
}

/** Says of an error in which parameter it happened. */
function located(error: unknown, { slot, name }: Parameter): unknown {
  if (!isPruneError(error)) return error;
  const { kind, given, allowed } = error;
  const message = `'${name}' of ${describe(slot.layer)}: ${error.message}`;
  return new PruneError(kind, message, {
    given,
    cause: error,
    ...(allowed === undefined ? {} : { allowed }),
  });
}
