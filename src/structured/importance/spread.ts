/** Numbers by channel, and the weights that they come from. */
import type * as tf from '@tensorflow/tfjs';
import type { Slot } from '../../core/parameter';
import { slotsOf } from '../../core/parameter';
import { modelWithin } from '../../topology/draft';
import type { ChannelGraph } from '../graph';

/** For each channel of a graph a number. */
export type ByChannel = Float64Array;

/** Numbers of those channels that have one. */
export interface KnownByChannel {
  readonly values: ByChannel;
  /** For each channel 1 where it has one. */
  readonly isKnown: Uint8Array;
}

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
 * @param known A number for some.
 * @returns The same by group; undefined for groups some of whose channels have none.
 */
export function spreadKnown(
  { groups }: ChannelGraph,
  { values, isKnown }: KnownByChannel,
): Array<Float64Array | undefined> {
  return groups.map(({ channels }) =>
    channels.every((channel) => isKnown[channel] === 1)
      ? Float64Array.from(channels, (channel) => values[channel]!)
      : undefined,
  );
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
