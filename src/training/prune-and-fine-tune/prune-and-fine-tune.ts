import type * as tf from '@tensorflow/tfjs';
import type { FineTuneData, FineTuned, PruneAndFineTuneOptions } from './options';
import { settingsOf } from './options';
import { Run } from './run';

/**
 * Prunes and fine-tunes in rounds, each of which takes a share of what is left, until a sparsity is reached or accuracy falls
 * too far. The model then is the best that was found: the sparsest whose accuracy had not fallen too far, and of equally
 * sparse ones the most accurate. It is evaluated after each epoch.
 *
 * With a `checkpoint` a run can be stopped, or killed, and called again with the same model, data and options: it goes on
 * from the last save and comes to the same weights, to the bit. The model has to be built and compiled as before. What it
 * draws at random must be the same each time: give dropout a seed, and pipelines an order that the epoch alone decides. A
 * checkpoint holds the weights twice and the optimizer's variables once; with a large model raise `saveEvery`, which costs
 * those steps again, not the result.
 *
 * Source: iterative pruning and retraining, Han et al. 2015, "Learning both Weights and Connections".
 *
 * @param model A compiled model. It trains as it was compiled; `metrics: ['accuracy']` lets it be measured.
 * @param data What to train on and what to measure with.
 * @param options How far, what, and where to keep the run.
 * @returns The record and what was found. The model has been changed; its masks stay until `remove`.
 * @throws {@link PruneError} `argument` or `state` for what is not allowed, with nothing changed; `state` if the loss is no
 *   number any more, with the weights of the last step whose loss was one, and for the checkpoint of another run; `file` for
 *   one that cannot be read. The signal's reason, with the weights as they are then.
 * @example
 * ```ts
 * model.compile({ optimizer: tf.train.momentum(1e-3, 0.9), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
 * const { best, experiment } = await pruneAndFineTune(model, { train, validation }, {
 *   maxAccuracyDrop: 0.005,
 *   checkpoint: 'indexeddb://pruning',
 *   onProgress: ({ steps, sparsity, loss }) => console.log(steps, sparsity, loss),
 * });
 * ```
 */
export async function pruneAndFineTune(
  model: tf.LayersModel,
  data: FineTuneData,
  options: PruneAndFineTuneOptions,
): Promise<FineTuned> {
  const run = await Run.begin({ model, data, options, settings: settingsOf(model, data, options) });
  try {
    return await run.toEnd();
  } finally {
    run.dispose();
  }
}
