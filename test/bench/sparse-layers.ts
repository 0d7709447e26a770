/** How a model's layers compare one by one: each sparse one against itself dense. */
import * as tf from '@tensorflow/tfjs';
import type { Acceleration } from 'tfjs-prune/sparse';
import { median, milliseconds, type Row } from './report';

const WARM_UP = 3;
const ROUNDS = 15;

/**
 * Finds the layer that gains least from running sparse.
 *
 * @param what How its zeros were made, and how it was decided which layers run sparse.
 * @param fast An accelerated model.
 * @param handle Its acceleration.
 * @param dense The same model, not accelerated.
 */
export function worstLayer(
  what: string,
  fast: tf.LayersModel,
  handle: Acceleration,
  dense: tf.LayersModel,
): Row {
  const sparse = handle.layers.filter(({ runs }) => runs !== 'dense');
  const compared = sparse.map(({ layer }) => compare(layer, dense.getLayer(layer), fast.getLayer(layer)));
  const worst = compared.reduce((a, b) => (a.before / a.after < b.before / b.after ? a : b));
  return {
    what: `${what}, the worst of ${sparse.length} sparse layers (${worst.name}): dense ÷ sparse`,
    target: '≥ 0.97',
    ratio: (worst.before / worst.after).toFixed(2),
    torch: '–',
    ours: `${milliseconds(worst.before)} → ${milliseconds(worst.after)}`,
  };
}

function compare(
  name: string,
  dense: tf.layers.Layer,
  sparse: tf.layers.Layer,
): { name: string; before: number; after: number } {
  // A ResNet's layers have one input each, of the size that the model was built for.
  const [, ...sizes] = (dense.input as tf.SymbolicTensor).shape as number[];
  const x = tf.randomUniform([1, ...sizes], -1, 1);
  const times: [number[], number[]] = [[], []];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    [dense, sparse].forEach((layer, i) => {
      const start = performance.now();
      tf.tidy(() => void layer.apply(x));
      if (round >= 0) times[i]!.push(performance.now() - start);
    });
  }
  x.dispose();
  return { name, before: median(times[0]), after: median(times[1]) };
}
