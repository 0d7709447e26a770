/** How often the weights of a model take part in multiplications. */
import type * as tf from '@tensorflow/tfjs';
import { slotsOf } from '../core/parameter';
import { isPruneError } from '../errors';
import { type ChannelGraph, macsOf, type WeightUse } from './graph';
import { workOf } from './macs';
import type { PlannedMacs } from './plan';
import { callsOf } from './summary-calls';

/** The uses of all weights in one run of a model, for one sample. */
export interface WeightUses {
  readonly uses: readonly WeightUse[];
  /** The paths of layers whose multiplications are not known. */
  readonly uncounted: readonly string[];
}

/**
 * @param model A built model.
 * @param inputShapes The shape of each input without the batch axis; undefined to take those that the model names.
 * @returns The uses.
 * @throws {@link PruneError} `shape` where a size is not known or does not fit.
 */
export function weightUsesOf(
  model: tf.LayersModel,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
): WeightUses {
  const uses: WeightUse[] = [];
  const uncounted = new Set<string>();
  for (const { layer, name: path, times: runs, inputs, outputs } of callsOf(model, inputShapes).calls) {
    const work = workOf(
      layer,
      inputs.map(({ shape }) => shape),
      outputs[0]!.shape,
    );
    if (work === undefined) uncounted.add(path);
    for (const { owner, property, name } of slotsOf(layer)) {
      const times = work?.uses.get(owner)?.[property];
      if (times !== undefined) uses.push({ layer: path, weight: name, times: runs * times });
    }
  }
  return { uses, uncounted: [...uncounted] };
}

/**
 * @param graph The channels, with the uses of their weights.
 * @param isRemoved For each number of a channel 1 where it goes.
 * @param uses The uses.
 * @returns What is saved.
 */
export function plannedMacs(
  graph: ChannelGraph,
  isRemoved: Uint8Array,
  { uses, uncounted }: WeightUses,
): PlannedMacs {
  const counted = { ...graph, uses };
  return { before: macsOf(counted), after: macsOf(counted, isRemoved), uncounted };
}

/**
 * @param model A built model.
 * @param inputShapes As for {@link weightUsesOf}.
 * @returns The same, but undefined where the model leaves sizes open and no shapes were given.
 * @throws {@link PruneError} `shape` where the given shapes do not fit.
 */
export function weightUsesIfSized(
  model: tf.LayersModel,
  inputShapes: ReadonlyArray<readonly number[]> | undefined,
): WeightUses | undefined {
  try {
    return weightUsesOf(model, inputShapes);
  } catch (error) {
    // Only running through the layers tells which sizes their work depends on.
    if (inputShapes === undefined && isPruneError(error, 'shape')) return undefined;
    throw error;
  }
}
