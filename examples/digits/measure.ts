import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { optimizeForInference } from 'tfjs-prune/sparse';

const WARM_UPS = 5;

/**
 * What has to be stored or sent: the bytes of the weights as stock tfjs saves them, zeros and batch normalisations
 * included, after gzip at its best.
 */
export async function storedBytes(model: tf.LayersModel): Promise<number> {
  let bytes = 0;
  const handler = tf.io.withSaveHandler(async ({ weightData }) => {
    const weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData));
    bytes = (await promisify(gzip)(weights, { level: constants.Z_BEST_COMPRESSION })).length;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
  return bytes;
}

/** Milliseconds that a prediction takes. */
export interface Latency {
  /** By the model as it is. */
  readonly plain: number;
  /** By what `optimizeForInference` makes of it. */
  readonly optimized: number;
}

/**
 * Times predictions by a model and by its optimised form in turns, and takes the medians.
 *
 * @param images What is predicted, one batch.
 * @param rounds How often.
 */
export async function latencyOf(model: tf.LayersModel, images: tf.Tensor, rounds: number): Promise<Latency> {
  const { model: optimized, handle } = await optimizeForInference(model);
  const times: Record<keyof Latency, number[]> = { plain: [], optimized: [] };
  for (let round = -WARM_UPS; round < rounds; round++) {
    const plain = timed(model, images);
    const faster = timed(optimized, images);
    if (round < 0) continue;
    times.plain.push(plain);
    times.optimized.push(faster);
  }
  handle.dispose();
  optimized.dispose();
  return { plain: median(times.plain), optimized: median(times.optimized) };
}

function timed(model: tf.LayersModel, images: tf.Tensor): number {
  const start = performance.now();
  const logits = model.predict(images) as tf.Tensor; // one output, so not a list
  logits.dataSync();
  const time = performance.now() - start;
  logits.dispose();
  return time;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
