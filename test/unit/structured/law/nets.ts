/** Small models of a few layers, half of whose channels go. */
import * as tf from '@tensorflow/tfjs';
import type { ChannelPlan } from 'tfjs-prune/structured';
import { call, randomize, release, type Symbolic } from '../../sparse/fold-models';
import { arbitraryPlan, expectLaw, randomInputs } from './law';

const L = tf.layers;

/** What goes into a model, by its sizes without the batch. */
export const input = (...shape: number[]): Symbolic => tf.input({ shape });
/** A layer that makes channels. */
export const dense = (units: number, name: string): tf.layers.Layer => L.dense({ units, name });

/** A model whose outputs a dense layer makes of a tensor. */
export function read(inputs: Symbolic | Symbolic[], x: Symbolic): tf.LayersModel {
  const flat = x.rank > 2 ? call(L.flatten(), x) : x;
  return tf.model({ inputs, outputs: call(dense(2, 'out'), flat) });
}

/** How many channels each layer has left once half of each group has gone, and the plan. */
export async function halved(
  model: tf.LayersModel,
  isLoadable = true,
): Promise<{ sizes: (...names: string[]) => Array<number | null | undefined>; plan: ChannelPlan }> {
  randomize(model);
  const inputs = randomInputs(model);
  const plan = await arbitraryPlan(model, 0.5);
  const slim = await expectLaw(model, plan, inputs, isLoadable);
  tf.dispose(inputs);
  release(model);
  release(slim);
  // A layer that is called several times has no one output, and one of several outputs a list of them.
  const sizes = (...names: string[]) =>
    names.map((name) => [slim.getLayer(name).getOutputAt(0)].flat()[0]!.shape.at(-1));
  return { sizes, plan };
}

/** Why channels of a group stay. */
export function reasons({ groups }: Pick<ChannelPlan, 'groups'>, id: string): string {
  return groups
    .find((group) => group.id === id)!
    .kept.map(({ reason }) => reason)
    .join('; ');
}
