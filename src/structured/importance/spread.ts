/** Numbers by channel, and the weights that they come from. */
import type * as tf from '@tensorflow/tfjs';
import type { Slot } from '../../core/parameter';
import { slotsOf } from '../../core/parameter';
import { modelWithin } from '../../topology/draft';
import type { ChannelGraph } from '../graph';

/** For each channel of a graph a number. */
export type ByChannel = Float64Array;

/**
 * @param graph The channels.
 * @param values A number for each.
 * @returns The same by group.
 */
export function spread({ groups }: ChannelGraph, values: ByChannel): Float64Array[] {
  return groups.map(({ channels }) => Float64Array.from(channels, (channel) => values[channel]!));
}

/**
 * @param graph The channels.
 * @param values A number for each, NaN where there is none.
 * @returns The same by group; undefined for groups some of whose channels have none.
 */
export function spreadKnown(graph: ChannelGraph, values: ByChannel): Array<Float64Array | undefined> {
  return spread(graph, values).map((own) => (own.some(Number.isNaN) ? undefined : own));
}

/**
 * @param model A built model.
 * @param prefix What comes before the names of its layers.
 * @returns Its slots, by the path of the layer and tfjs's name with a colon between, those of models within too.
 */
export function slotsByPath(model: tf.LayersModel, prefix = ''): Map<string, Slot> {
  return new Map(
    model.layers.flatMap((layer): Array<[string, Slot]> => {
      const path = prefix + layer.name;
      const within = modelWithin(layer);
      if (within !== undefined) return [...slotsByPath(within, `${path}/`)];
      return slotsOf(layer).map((slot) => [`${path}:${slot.name}`, slot]);
    }),
  );
}
