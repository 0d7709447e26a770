import * as tf from '@tensorflow/tfjs';
import { modelWithin } from '../../topology/draft';
import type { ChannelGraph, WeightAxis } from '../graph';
import { keepingStates } from '../states';
import type { KnownByChannel } from './spread';

/** The mean of |x| of each channel wherever a kernel reads it, over samples and positions. */
export function activationScores(
  model: tf.LayersModel,
  graph: ChannelGraph,
  samples: tf.Tensor | readonly tf.Tensor[],
): KnownByChannel {
  const readers = readersOf(graph);
  const layers = layersByPath(model, '');
  const sums = new Map<string, { totals: Float64Array; count: number }>();
  const restore = [...readers].map(([path, { channels }]) =>
    listen(layers.get(path)!, (input) => {
      const known = sums.get(path) ?? { totals: new Float64Array(channels.length), count: 0 };
      const [means, count] = magnitudesOf(input, layers.get(path)!, channels.length);
      means.forEach((mean, i) => {
        known.totals[i]! += mean * count;
      });
      sums.set(path, { ...known, count: known.count + count });
    }),
  );
  try {
    keepingStates(model, () =>
      tf.tidy(() => void model.predict(samples instanceof tf.Tensor ? samples : [...samples])),
    );
  } finally {
    for (const each of restore) each();
  }
  return meansOf(graph, readers, sums);
}

/** By the path of a layer, the axis of its kernel that its input's channels go along. */
function readersOf({ weights }: ChannelGraph): Map<string, WeightAxis> {
  const readers = new Map<string, WeightAxis>();
  for (const each of weights) {
    const isInput = each.role === 'in' && !/recurrentKernel|pointwiseKernel/.test(each.weight);
    // A separable convolution takes its input to its depthwise kernel.
    const isSeparable =
      each.role === 'through' && each.weight.endsWith('depthwiseKernel') && hasPointwise(weights, each);
    if ((isInput || isSeparable) && !readers.has(each.layer)) readers.set(each.layer, each);
  }
  return readers;
}

function hasPointwise(weights: readonly WeightAxis[], { layer }: WeightAxis): boolean {
  return weights.some((each) => each.layer === layer && each.weight.endsWith('pointwiseKernel'));
}

function layersByPath(model: tf.LayersModel, prefix: string): Map<string, tf.layers.Layer> {
  return new Map(
    model.layers.flatMap((layer): Array<[string, tf.layers.Layer]> => {
      const within = modelWithin(layer);
      const path = prefix + layer.name;
      return within === undefined ? [[path, layer]] : [...layersByPath(within, `${path}/`)];
    }),
  );
}

/** Lets a layer's calls be heard until what is given back is called. */
function listen(layer: tf.layers.Layer, hear: (input: tf.Tensor) => void): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, 'call');
  const call: tf.layers.Layer['call'] = layer.call.bind(layer);
  const heard: tf.layers.Layer['call'] = (inputs, kwargs) => {
    hear(Array.isArray(inputs) ? inputs[0]! : inputs);
    return call(inputs, kwargs);
  };
  Object.defineProperty(layer, 'call', { configurable: true, writable: true, value: heard });
  return () => {
    if (own === undefined) Reflect.deleteProperty(layer, 'call');
    else Object.defineProperty(layer, 'call', own);
  };
}

/** For each channel the mean of |x|, and over how many samples. */
function magnitudesOf(
  input: tf.Tensor,
  layer: tf.layers.Layer,
  size: number,
): [means: Float32Array, count: number] {
  const last = input.rank - 1;
  const isFirst = Reflect.get(layer, 'dataFormat') === 'channelsFirst';
  const axis = isFirst && input.shape[1] === size ? 1 : last;
  const others = [...input.shape.keys()].filter((other) => other !== axis);
  return [tf.tidy(() => input.abs().mean(others).dataSync<'float32'>()), input.shape[0]!];
}

function meansOf(
  graph: ChannelGraph,
  readers: ReadonlyMap<string, WeightAxis>,
  sums: ReadonlyMap<string, { totals: Float64Array; count: number }>,
): KnownByChannel {
  const totals = new Float64Array(graph.size);
  const counts = new Float64Array(graph.size);
  for (const [path, { channels }] of readers) {
    const heard = sums.get(path);
    if (heard === undefined) continue;
    channels.forEach((channel, i) => {
      totals[channel]! += heard.totals[i]! / heard.count;
      counts[channel]! += 1;
    });
  }
  return {
    values: totals.map((total, channel) => total / counts[channel]!),
    // What no kernel reads, and so nothing was heard of, has none.
    isKnown: Uint8Array.from(counts, Math.sign),
  };
}
