/** The channels that may go as far as the model's structure is concerned. */
import type * as tf from '@tensorflow/tfjs';
import { PruneError } from '../errors';
import type { ChannelGraph, ChannelGroup } from './graph';

/** Whether channels count as well that something normalises together. */
interface Inexact {
  readonly inexact?: boolean | undefined;
}

/**
 * @param group Channels that the same layers make.
 * @param inexact Whether those may go too that something mixes.
 * @returns Those of them that nothing keeps, by their places in the group.
 */
export function freeOf(
  { channels, pinned, mixed }: ChannelGroup,
  { inexact = false }: Inexact = {},
): number[] {
  const staying = new Set([...pinned.values(), ...(inexact ? [] : mixed.values())].flat());
  return [...channels.keys()].filter((channel) => !staying.has(channel));
}

/**
 * @param model A model.
 * @param graph Its channels.
 * @param inexact Whether those may go too that something mixes.
 * @param hint How those can go, where nothing else can; with a space before.
 * @throws {@link PruneError} `argument` where none can go.
 */
export function checkAnyFree(
  model: tf.LayersModel,
  { groups }: ChannelGraph,
  { inexact = false }: Inexact,
  hint: string,
): void {
  const hasFree = (mayMix: boolean): boolean =>
    groups.some((group) => freeOf(group, { inexact: mayMix }).length > 0);
  if (hasFree(inexact)) return;
  const kept = groups.flatMap(({ pinned, mixed }) => [...pinned.keys(), ...(inexact ? [] : mixed.keys())]);
  const reasons = kept.length === 0 ? '' : `: ${[...new Set(kept)].join('; ')}`;
  const message = `Nothing in '${model.name}' has channels that can go${reasons}.${hasFree(true) ? hint : ''} planLayers takes whole layers out of a model of several.`;
  throw new PruneError('argument', message, { given: model });
}
