import * as tf from '@tensorflow/tfjs';
import { peek } from '../../core/memory';
import { gather } from '../../masks/gather';
import { permuted } from '../../masks/layout';
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
  const { shape, size } = variable;
  const order = [axis, ...[...shape.keys()].filter((other) => other !== axis)];
  const rows = gather(peek(variable), permuted(shape, order), new Float32Array(size));
  const width = size / channels.length;
  const places = new Map<number, number[]>();
  channels.forEach((channel, i) => {
    places.set(channel, [...(places.get(channel) ?? []), i]);
  });
  const times = Math.max(...[...places.values()].map((each) => each.length));
  // What has fewer rows than others ends in zeros.
  const kernels = new Float32Array(places.size * times * width);
  [...places.values()].forEach((each, i) => {
    each.forEach((row, k) => {
      kernels.set(rows.subarray(row * width, (row + 1) * width), (i * times + k) * width);
    });
  });
  const sums = tf.tidy(() => distanceSums(tf.tensor2d(kernels, [places.size, times * width])).dataSync());
  return new Map([...places.keys()].map((channel, i) => [channel, sums[i]!]));
}

/** How many rows are compared at once. */
const BLOCK = 256;

/** For each row the sum of its distances to all rows; each distance is computed once for both. */
function distanceSums(rows: tf.Tensor2D): tf.Tensor1D {
  // Distances stay as they are; squares of smaller numbers lose less.
  const centred = rows.sub<tf.Tensor2D>(rows.mean(0));
  const squares = centred.square().sum(1, true);
  // Transposed before, since tfjs's wasm backend is many times slower at a product that transposes.
  const columns = centred.transpose();
  const [count, width] = rows.shape;
  const starts = Array.from({ length: Math.ceil(count / BLOCK) }, (_, i) => i * BLOCK);
  const sums: tf.Tensor1D[][] = starts.map(() => []);
  for (const [i, top] of starts.entries()) {
    const height = Math.min(BLOCK, count - top);
    for (const [j, left] of starts.entries()) {
      if (left < top) continue;
      const across = Math.min(BLOCK, count - left);
      const products = centred
        .slice([top, 0], [height, width])
        .matMul(columns.slice([0, left], [width, across]));
      const both = squares
        .slice([top, 0], [height, 1])
        .add(squares.slice([left, 0], [across, 1]).transpose());
      const distances = both.sub(products.mul(2)).relu().sqrt();
      // What rounding leaves of a row's distance to itself does not count.
      const others = left > top ? distances : distances.mul(tf.sub(1, tf.eye(height)));
      sums[i]!.push(others.sum(1));
      if (left > top) sums[j]!.push(others.sum(0));
    }
  }
  return tf.concat(sums.map((each) => tf.addN(each)));
}
