import * as tf from '@tensorflow/tfjs';
import type * as prune from 'tfjs-prune';
import { torchValues, type Values } from './torch-values';

/** A parameter of a torch.nn module: see generate/masks.py. */
export interface ParameterSpec {
  readonly layer: { readonly kind: string; readonly args: readonly number[]; readonly groups?: number };
  readonly parameter: string;
  readonly shape: readonly number[];
  readonly weights: Values;
}

/** The counterpart of a torch.nn module in tfjs. */
export interface Counterpart {
  readonly layer: tf.layers.Layer;
  /** The parameter's name in PyTorch and in tfjs. */
  readonly torch: string;
  readonly tfjs: string;
  readonly torchShape: readonly number[];
  readonly storedShape: readonly number[];
  /** From PyTorch's order to the one that tfjs stores. */
  readonly toStored: (values: Float32Array) => Float32Array;
}

/** [outer, inner, rest] → [rest, inner, outer]: OIHW → HWIO, [out, in] → [in, out]. */
function channelsLast(outer: number, inner: number): (values: Float32Array) => Float32Array {
  return (values) => {
    const rest = values.length / (outer * inner);
    const stored = new Float32Array(values.length);
    for (let o = 0, at = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++)
        for (let r = 0; r < rest; r++) stored[(r * inner + i) * outer + o] = values[at++]!;
    }
    return stored;
  };
}

/** [in × multiplier, 1, h, w] → [h, w, in, multiplier]: the channels stay in order, the last axes. */
function depthwise(channels: number): (values: Float32Array) => Float32Array {
  return channelsLast(channels, 1);
}

/** PyTorch's gates r, z, n → tfjs's z, r, h, then [gates, in] → [in, gates]. */
function gru(rows: number, columns: number): (values: Float32Array) => Float32Array {
  return (values) => {
    const gate = values.length / 3;
    const reordered = new Float32Array(values.length);
    reordered.set(values.subarray(gate, 2 * gate), 0);
    reordered.set(values.subarray(0, gate), gate);
    reordered.set(values.subarray(2 * gate), 2 * gate);
    return channelsLast(rows, columns)(reordered);
  };
}

const same = (values: Float32Array): Float32Array => values;

interface Built {
  readonly layer: tf.layers.Layer;
  readonly input: readonly number[];
  /** By the parameter's name in PyTorch. */
  readonly names: Readonly<Record<string, string>>;
  readonly toStored: (shape: readonly number[]) => (values: Float32Array) => Float32Array;
}

const bySwap = ([outer, inner]: readonly number[]) => channelsLast(outer!, inner ?? 1);
const kernelAndBias = { weight: 'kernel', bias: 'bias' };
const recurrent = { weight_ih_l0: 'kernel', weight_hh_l0: 'recurrentKernel' };

function build({ kind, args, groups = 1 }: ParameterSpec['layer']): Built {
  const [a, b, kernelSize] = args as [number, number, number];
  const conv = { filters: b, kernelSize };
  const kernel = { names: kernelAndBias, toStored: bySwap };
  const cells = { names: recurrent, input: [2, a] };
  switch (kind) {
    case 'Linear':
      return { layer: tf.layers.dense({ units: b }), input: [a], ...kernel };
    case 'Conv1d':
      return { layer: tf.layers.conv1d(conv), input: [kernelSize, a], ...kernel };
    case 'Conv2d': {
      const input = [kernelSize, kernelSize, a];
      if (groups === 1) return { layer: tf.layers.conv2d(conv), input, ...kernel };
      const layer = tf.layers.depthwiseConv2d({ kernelSize, depthMultiplier: b / a });
      return {
        layer,
        input,
        names: { weight: 'depthwiseKernel' },
        toStored: ([channels]) => depthwise(channels!),
      };
    }
    case 'Conv3d':
      return { layer: tf.layers.conv3d(conv), input: [kernelSize, kernelSize, kernelSize, a], ...kernel };
    case 'ConvTranspose2d':
      return { layer: tf.layers.conv2dTranspose(conv), input: [2, 2, a], ...kernel };
    case 'Embedding': {
      const layer = tf.layers.embedding({ inputDim: a, outputDim: b });
      return { layer, input: [1], names: { weight: 'embeddings' }, toStored: () => same };
    }
    case 'LSTM':
      return { layer: tf.layers.lstm({ units: b }), ...cells, toStored: bySwap };
    case 'GRU':
      return {
        layer: tf.layers.gru({ units: b }),
        ...cells,
        toStored: ([rows, columns]) => gru(rows!, columns!),
      };
    case 'RNN':
      return { layer: tf.layers.simpleRNN({ units: b }), ...cells, toStored: bySwap };
    case 'BatchNorm2d': {
      const layer = tf.layers.batchNormalization({});
      return { layer, input: [1, 1, a], names: { weight: 'gamma', bias: 'beta' }, toStored: () => same };
    }
    default:
      throw new Error(`no counterpart for ${kind}`);
  }
}

/**
 * Builds the tfjs layer that corresponds to a PyTorch module, with the fixture's values.
 *
 * @param spec The module and its parameter.
 * @returns The layer and how its parameter is named and stored.
 */
export function counterpartOf(spec: ParameterSpec): Counterpart {
  const { layer, input, names, toStored } = build(spec.layer);
  layer.build([null, ...input]);
  const tfjs = names[spec.parameter];
  if (tfjs === undefined) throw new Error(`no counterpart for ${spec.parameter} of ${spec.layer.kind}`);
  const convert = toStored(spec.shape);
  const size = spec.shape.reduce((product, axis) => product * axis, 1);
  // The order of layer.weights is tfjs's: kernel, recurrent kernel, bias; gamma, beta.
  const index = Object.values(names).indexOf(tfjs);
  const variable = layer.weights[index]!;
  const storedShape = variable.shape.map((axis) => axis!);
  tf.tidy(() => void variable.write(tf.tensor(convert(torchValues(size, spec.weights)), storedShape)));
  return { layer, torch: spec.parameter, tfjs, torchShape: spec.shape, storedShape, toStored: convert };
}

/** What a step of a fixture gives to a function of the library. */
export function amountOf(amount: { fraction?: number; count?: number }): prune.Amount {
  if (amount.fraction !== undefined) return { fraction: amount.fraction };
  if (amount.count !== undefined) return { count: amount.count };
  throw new Error('a step without an amount');
}
