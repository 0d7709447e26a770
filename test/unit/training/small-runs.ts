import type * as tf from '@tensorflow/tfjs';
import { type PruneAndFineTuneOptions, pruneAndFineTune } from 'tfjs-prune/training';
import { smallData } from './small-model';

/** Two places in memory. */
export function memory(): {
  place: (slot: string) => tf.io.IOHandler;
  slots: Map<string, tf.io.ModelArtifacts>;
} {
  const slots = new Map<string, tf.io.ModelArtifacts>();
  const place = (slot: string): tf.io.IOHandler => ({
    save: async (artifacts) => {
      slots.set(slot, {
        ...artifacts,
        userDefinedMetadata: JSON.parse(JSON.stringify(artifacts.userDefinedMetadata)),
      });
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
    load: async () => {
      const kept = slots.get(slot);
      if (kept === undefined) throw new Error('nothing there');
      return kept;
    },
  });
  return { place, slots };
}

/** Prunes and fine-tunes a small model on small data, to 0.5 in rounds of 0.3 unless told otherwise. */
export function run(
  model: tf.LayersModel,
  options: Partial<PruneAndFineTuneOptions> = {},
): ReturnType<typeof pruneAndFineTune> {
  const examples = smallData();
  const settings = { targetSparsity: 0.5, amountPerRound: 0.3, batchSize: 8, ...options };
  return pruneAndFineTune(model, { train: examples, validation: examples }, settings);
}

/** The number of a save. */
export function saveOf({ userDefinedMetadata }: tf.io.ModelArtifacts): number {
  return Reflect.get(Reflect.get(userDefinedMetadata!, 'tfjs-prune-run'), 'save');
}
