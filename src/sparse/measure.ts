import * as tf from '@tensorflow/tfjs';
import { clearSparseWeight, type SparseWeight, setSparseWeight } from './sparse-weight';

/** How often each candidate is timed, after it has run twice: an engine compiles what it has seen. */
const ROUNDS = 5;

/** A layer that runs alone on random input. */
export interface Trial {
  readonly layer: tf.layers.Layer;
  readonly shape: readonly number[];
}

/**
 * Whether a layer can be run alone.
 *
 * @param layer A layer of a model.
 * @returns How; undefined where it is no layer, or the size of its input is not known.
 */
export function trialOf(layer: object): Trial | undefined {
  if (!(layer instanceof tf.layers.Layer)) return undefined;
  const shape = inputShapeOf(layer);
  if (shape === undefined) return undefined;
  const [, ...sizes] = shape;
  if (!sizes.every((size) => typeof size === 'number' && size > 0)) return undefined;
  return { layer, shape: [1, ...sizes.map(Number)] };
}

function inputShapeOf(layer: tf.layers.Layer): ReadonlyArray<number | null> | undefined {
  try {
    const { input } = layer;
    return Array.isArray(input) ? undefined : input.shape;
  } catch {
    // tfjs throws where a layer has been called several times, or never.
    return undefined;
  }
}

/**
 * Times a layer on one random input as it is, and with each of some packed weights.
 *
 * @param trial The layer.
 * @param dataId Its weight's.
 * @param candidates The packed weights.
 * @returns Milliseconds, medians: of the dense layer, and of each candidate.
 */
export function timesOf(
  { layer, shape }: Trial,
  dataId: object,
  candidates: readonly SparseWeight[],
): { dense: number; packed: number[] } {
  const x = tf.randomUniform([...shape], -1, 1);
  const run = (weight: SparseWeight | null): number => {
    setSparseWeight(dataId, weight);
    try {
      const start = performance.now();
      tf.tidy(() => void layer.apply(x));
      return performance.now() - start;
    } finally {
      clearSparseWeight(dataId, weight);
    }
  };
  const ways = [null, ...candidates];
  const times = ways.map((): number[] => []);
  try {
    for (let round = -2; round < ROUNDS; round++) {
      ways.forEach((way, i) => {
        const elapsed = run(way);
        if (round >= 0) times[i]!.push(elapsed);
      });
    }
  } finally {
    x.dispose();
  }
  const [dense, ...packed] = times.map(median);
  return { dense: dense!, packed };
}

function median(samples: number[]): number {
  return samples.sort((a, b) => a - b)[samples.length >> 1]!;
}
