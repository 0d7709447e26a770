/** The calls of a model's layers, in order. */
import type * as tf from '@tensorflow/tfjs';
import { classNameOf, describe } from '../core/parameter';
import { PruneError, shown } from '../errors';
import { modelWithin } from './draft';

/** One call of a layer, or of a model within as a whole. */
export interface ModelCall {
  readonly outboundLayer: tf.layers.Layer;
  readonly inputTensors: readonly tf.SymbolicTensor[];
  readonly outputTensors: readonly tf.SymbolicTensor[];
}

/**
 * The calls of a model as it is now: a Sequential that got or lost layers after its first use is brought up to date, as are
 * those within. The calls of a Sequential are those of the layers that it names, also where tfjs takes its first one apart.
 *
 * @param model A model with layers.
 * @returns Its calls as tfjs runs them; those of inputs too, but for an input that a Sequential does not name.
 * @throws {@link PruneError} `state` where a model within was changed and no longer fits; `unsupported` where tfjs cannot
 * build a Sequential of its layers.
 */
export function callsAsRun(model: tf.LayersModel): ModelCall[] {
  bringUpToDate(model);
  const calls = isSequential(model) ? chainOf(model) : nodesOf(model);
  for (const call of calls) checkFits(call, model);
  return calls;
}

/**
 * The same calls in an order that depends on nothing but how they are connected, so that a model saved and loaded has the
 * same: tfjs runs what is equally far from the outputs in the order in which it was called first.
 *
 * @param model A model with layers.
 * @returns Its calls, each after those that it needs.
 * @throws {@link PruneError} as {@link callsAsRun} does.
 */
export function callsByStructure(model: tf.LayersModel): ModelCall[] {
  const calls = callsAsRun(model);
  if (isSequential(model)) return calls;
  const ranks = new Map<ModelCall, number>();
  const makers = new Map(calls.flatMap((call) => call.outputTensors.map(({ id }) => [id, call] as const)));
  const visit = ({ id }: tf.SymbolicTensor): void => {
    const call = makers.get(id);
    if (call === undefined || ranks.has(call)) return;
    ranks.set(call, ranks.size);
    call.inputTensors.forEach(visit);
  };
  model.outputs.forEach(visit);
  const depths = new Map(
    Object.entries(model.nodesByDepth).flatMap(([depth, nodes]) =>
      nodes.map((node): [ModelCall, number] => [node, Number(depth)]),
    ),
  );
  return calls.sort((a, b) => depths.get(b)! - depths.get(a)! || ranks.get(a)! - ranks.get(b)!);
}

function isSequential(model: tf.LayersModel): boolean {
  return classNameOf(model) === 'Sequential';
}

function nodesOf({ nodesByDepth }: tf.LayersModel): ModelCall[] {
  const depths = Object.keys(nodesByDepth).map(Number);
  return depths.sort((a, b) => b - a).flatMap((depth) => nodesByDepth[depth]!);
}

function bringUpToDate(model: tf.LayersModel): void {
  for (const layer of model.layers) {
    const within = modelWithin(layer);
    if (within !== undefined) bringUpToDate(within);
  }
  if (!isSequential(model) || isCurrent(model)) return;
  try {
    model.build(model.inputs.map(({ shape }) => shape));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : shown(cause);
    const message = `tfjs cannot build ${describe(model)} from its layers: ${reason}`;
    throw new PruneError('unsupported', message, { given: model, cause });
  }
}

/** A Sequential makes its graph when it is first used, and mostly keeps it whatever becomes of its layers. */
function isCurrent({ nodesByDepth, outputs }: tf.LayersModel): boolean {
  const last = nodesByDepth[0]?.flatMap(({ outputTensors }) => outputTensors) ?? [];
  return last.some(({ id }) => id === outputs[0]!.id);
}

/**
 * A Sequential's layers, each called on what the one before gives. Where the first is a model, tfjs does not call it but
 * takes its layers over; what stands for its call is the node that every model has from its own inputs to its outputs.
 */
function chainOf(model: tf.LayersModel): ModelCall[] {
  const calls: ModelCall[] = [];
  let [output] = model.outputs;
  for (const layer of [...model.layers].reverse()) {
    const call: ModelCall | undefined = layer.inboundNodes.find(
      ({ outputTensors: [tensor] }) => tensor?.id === output!.id,
    );
    if (call === undefined) throw changed(layer, model);
    calls.push(call);
    [output] = call.inputTensors;
  }
  return calls.reverse();
}

function checkFits({ outboundLayer, inputTensors, outputTensors }: ModelCall, model: tf.LayersModel): void {
  if (modelWithin(outboundLayer) === undefined) return;
  const given = inputTensors.map(({ shape }) => [...shape]);
  const shape = outboundLayer.computeOutputShape(given.length === 1 ? given[0]! : given);
  const made = outputTensors.map((tensor) => tensor.shape);
  if (JSON.stringify(made.length === 1 ? made[0] : made) !== JSON.stringify(shape)) {
    throw changed(outboundLayer, model);
  }
}

function changed(layer: tf.layers.Layer, model: tf.LayersModel): PruneError {
  const message = `${describe(layer)} was changed after it became a part of ${describe(model)}, which no longer fits it. Make ${describe(model)} anew.`;
  return new PruneError('state', message, { given: layer.name, allowed: 'a model that fits its layers' });
}
