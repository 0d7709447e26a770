/** What ranks channels. */
import type * as tf from '@tensorflow/tfjs';
import type { ChannelGraph } from './graph';

/**
 * Says how much each channel matters.
 *
 * @param model The model.
 * @param graph Its channels.
 * @returns For each group of the graph, in its order, a number for each of its channels; more is more important.
 */
export type Importance = (
  model: tf.LayersModel,
  graph: ChannelGraph,
) => readonly Float64Array[] | Promise<readonly Float64Array[]>;
