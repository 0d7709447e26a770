import * as tf from '@tensorflow/tfjs';
import { clearSparseWeight, type SparseWeight, setSparseWeight } from './sparse-weight';

/** How often each candidate is timed, after it has run some times: an engine compiles what it has seen. */
const ROUNDS = 7;
const WARM_UP = 2;

/** What one time is taken of, where a single run is shorter: browsers round times to a tenth of a millisecond. */
const LEAST_MS = 1;
const MOST_RUNS = 50;

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
 * Times a layer on one random input as it is, and with each of some packed weights. Its output is written in tfjs's order,
 * which is the most that it takes.
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
  const run = (weight: SparseWeight | null, times: number): number => {
    setSparseWeight(dataId, weight);
    try {
      const start = performance.now();
      for (let i = 0; i < times; i++) tf.tidy(() => void layer.apply(x));
      return (performance.now() - start) / times;
    } finally {
      clearSparseWeight(dataId, weight);
    }
  };
  const ways = [null, ...candidates.map(({ tiles: _, ...weight }) => weight)];
  try {
    for (let round = 0; round < WARM_UP; round++) for (const way of ways) run(way, 1);
    const shortest = Math.min(...ways.map((way) => run(way, 1)));
    const times = Math.min(Math.ceil(LEAST_MS / shortest), MOST_RUNS);
    const samples = ways.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, way] of ways.entries()) samples[i]!.push(run(way, times));
    }
    const [dense, ...packed] = samples.map(median);
    return { dense: dense!, packed };
  } finally {
    x.dispose();
  }
}

function median(samples: number[]): number {
  return samples.sort((a, b) => a - b)[samples.length >> 1]!;
}
