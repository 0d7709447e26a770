import * as tf from '@tensorflow/tfjs';
import type { ChannelGraph, WeightAxis } from '../graph';
import { type ByChannel, slotsByPath } from './spread';

/** For each channel the sum of distances from its kernel to all others of its layer, over all layers that make it. */
export function geometricMedianScores(model: tf.LayersModel, graph: ChannelGraph): ByChannel {
  const totals = new Float64Array(graph.size);
  const slots = slotsByPath(model);
  for (const each of graph.weights) {
    const slot = slots.get(`${each.layer}:${each.weight}`);
    if (each.role !== 'out' || slot?.variable === undefined || slot.role !== 'kernel') continue;
    const distances = sumsOfDistances(slot.variable, each);
    for (const [channel, sum] of distances) totals[channel]! += sum;
  }
  return totals;
}

/** By channel. What a channel has along the axis several times, as the gates of an LSTM, is one kernel. */
function sumsOfDistances(variable: tf.Variable, { axis, channels }: WeightAxis): Map<number, number> {
  const places = new Map<number, number[]>();
  channels.forEach((channel, i) => {
    places.set(channel, [...(places.get(channel) ?? []), i]);
  });
  const sums = tf.tidy(() => distanceSums(kernelsOf(variable, axis, [...places.values()])).dataSync());
  return new Map([...places.keys()].map((channel, i) => [channel, sums[i]!]));
}

/** One in a row: all entries at each of its places along an axis. */
function kernelsOf(
  variable: tf.Variable,
  axis: number,
  places: ReadonlyArray<readonly number[]>,
): tf.Tensor2D {
  const { shape } = variable;
  const order = [axis, ...[...shape.keys()].filter((other) => other !== axis)];
  const rows = variable.transpose(order).reshape<tf.Tensor2D>([shape[axis]!, -1]);
  const times = Math.max(...places.map((each) => each.length));
  if (times === 1) return rows;
  // What has fewer places than others ends in zeros, which are in the row after all others.
  const indices = places.flatMap((each) => Array.from({ length: times }, (_, k) => each[k] ?? shape[axis]!));
  const padded = rows.pad([
    [0, 1],
    [0, 0],
  ]);
  return padded.gather(tf.tensor1d(indices, 'int32')).reshape([places.length, -1]);
}

/** How many rows are compared at once. */
const BLOCK = 256;

/** Some rows, and what products with others take of them. */
interface Block {
  readonly rows: tf.Tensor2D;
  /** Transposed before, since tfjs's wasm backend is many times slower at a product that transposes. */
  readonly columns: tf.Tensor2D;
  readonly squares: tf.Tensor2D;
}

/** For each row the sum of its distances to all rows; each distance is computed once for both. */
function distanceSums(rows: tf.Tensor2D): tf.Tensor1D {
  // Distances stay as they are; squares of smaller numbers lose less.
  const centred = rows.sub<tf.Tensor2D>(rows.mean(0));
  const [count, width] = rows.shape;
  const blocks = Array.from({ length: Math.ceil(count / BLOCK) }, (_, i): Block => {
    const own = centred.slice([i * BLOCK, 0], [Math.min(BLOCK, count - i * BLOCK), width]);
    return { rows: own, columns: own.transpose(), squares: own.square().sum(1, true) };
  });
  const sums: tf.Tensor1D[][] = blocks.map(() => []);
  for (const [i, one] of blocks.entries()) {
    for (const [j, other] of blocks.entries()) {
      if (j < i) continue;
      const distances = distancesBetween(one, other);
      // What rounding leaves of a row's distance to itself does not count.
      const others = j > i ? distances : distances.mul(tf.sub(1, tf.eye(one.rows.shape[0])));
      sums[i]!.push(others.sum(1));
      if (j > i) sums[j]!.push(others.sum(0));
    }
  }
  return tf.concat(sums.map((each) => tf.addN(each)));
}

function distancesBetween(one: Block, other: Block): tf.Tensor {
  const products = one.rows.matMul(other.columns);
  return one.squares.add(other.squares.transpose()).sub(products.mul(2)).relu().sqrt();
}
