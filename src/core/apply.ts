import type * as tf from '@tensorflow/tfjs';
import { isPruneError, PruneError } from '../errors';
import { scatter } from '../masks/gather';
import { checkShape, checkTensor } from './bridge';
import { describe, type Parameter } from './parameter';
import { type Installation, install, originalValues, stateOf, storedValues } from './reparametrisation';
import type { MaskRequest, PruningMethod } from './request';
import { resolvePrunable } from './resolve';

/** How a parameter is to be pruned. */
export interface ApplyOptions {
  /** What to rank the entries by, in the shape and layout of the name used; by default the current weights. */
  readonly importanceScores?: tf.Tensor | undefined;
}

/** Everything that pruning a parameter needs to know of it, read once. */
export interface Reading {
  readonly parameter: Parameter;
  readonly request: MaskRequest;
  readonly stored: Float32Array;
}

function scoresOf(parameter: Parameter, importanceScores: tf.Tensor): Float32Array {
  const { layout, variable } = parameter;
  checkTensor(importanceScores, 'importanceScores');
  checkShape(importanceScores, layout.shape, `importanceScores of '${parameter.name}'`);
  return scatter(Float32Array.from(importanceScores.dataSync()), layout, new Float32Array(variable.size));
}

/**
 * Reads a parameter from its backend.
 *
 * @param parameter Which one.
 * @param options Importance scores, if not the weights themselves.
 * @throws {@link PruneError} `shape` if the scores' shape is not the parameter's.
 */
export function readParameter(parameter: Parameter, { importanceScores }: ApplyOptions): Reading {
  const { layout, torchLayout, axes, variable } = parameter;
  const given = importanceScores === undefined ? undefined : scoresOf(parameter, importanceScores);
  const stored = storedValues(variable);
  const mask = stateOf(variable)?.mask;
  return { parameter, stored, request: { scores: given ?? stored, layout, torchLayout, axes, mask } };
}

/**
 * What it takes to put a new mask on a parameter.
 *
 * @param reading The parameter as it was read.
 * @param mask The new mask, zero wherever the old one is, in the variable's own order.
 * @param method What made it.
 */
export function installationOf(reading: Reading, mask: Uint8Array, method: PruningMethod): Installation {
  const { parameter, stored } = reading;
  return { parameter, method, mask, original: originalValues(parameter.variable, stored) };
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
    const reading = readParameter(parameter, options);
    const mask = method.maskFor(reading.request);
    method.tensorName = parameter.name;
    const combined = combine(stateOf(parameter.variable)?.method, parameter.name);
    install(installationOf(reading, mask, combined));
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
