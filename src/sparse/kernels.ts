/** tfjs's kernels on wasm, replaced by ones that run packed weights sparse and leave everything else to the original. */
import * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import {
  type ConvolutionAttrs,
  convolutionOf,
  convolve,
  multiply,
  type Placed,
  type Range,
  rangeOf,
} from './conv2d';
import { type SparseWeight, sparseWeightOf } from './sparse-weight';

type Arguments = Parameters<tf.KernelFunc>[0];
type Inputs = tf.NamedTensorInfoMap;

/** What is used of the wasm backend to make an output. */
interface OutputMaker {
  makeOutput(shape: readonly number[], dtype: 'float32'): tf.TensorInfo;
  disposeData(dataId: object): boolean;
}

function isOutputMaker(backend: object): backend is OutputMaker {
  return 'makeOutput' in backend;
}

/** What a sparse kernel does with its weight, a place for its output, and its range; false if it cannot. */
type Run = (weight: SparseWeight, placed: Placed, range: Range) => boolean;

/** A kernel's output shape and how it is run, or undefined where the original has to run. */
type Plan = (args: Arguments, weight: SparseWeight) => { shape: readonly number[]; run: Run } | undefined;

const planConv2d: Plan = ({ inputs, attrs }, { packed }) => {
  if (attrs?.dataFormat !== 'NHWC') return undefined;
  const { x, filter } = inputs as Inputs & { x: tf.TensorInfo; filter: tf.TensorInfo };
  if (filter.shape.at(-1) !== packed.channels) return undefined;
  // tfjs has checked the attributes of its own kernel.
  const convolution = convolutionOf(attrs as unknown as ConvolutionAttrs, x, filter);
  const { batchSize, outHeight, outWidth, outChannels } = convolution;
  return {
    shape: [batchSize, outHeight, outWidth, outChannels],
    run: (weight, placed, range) => convolve(weight, convolution, placed, range),
  };
};

const planMatMul: Plan = ({ inputs, attrs }, { packed }) => {
  const { a, b } = inputs as Inputs & { a: tf.TensorInfo; b: tf.TensorInfo };
  const [rows = 0, channels = 0] = a.shape.slice(-2);
  const isPlain = attrs?.transposeA === false && attrs.transposeB === false && b.shape.length === 3;
  if (!isPlain || b.shape[0] !== 1 || b.shape[2] !== packed.channels) return undefined;
  const batch = a.shape.slice(0, -2);
  const pixels = batch.reduce((product, size) => product * size, rows);
  return {
    shape: [...batch, rows, packed.channels],
    run: (weight, placed, range) => multiply(weight, pixels, channels, placed, range),
  };
};

/** The kernels that are replaced, and which of their inputs is the weight. */
const REPLACED: ReadonlyArray<{ name: string; input: string; weight: string; plan: Plan }> = [
  { name: tf.Conv2D, input: 'x', weight: 'filter', plan: planConv2d },
  { name: tf.FusedConv2D, input: 'x', weight: 'filter', plan: planConv2d },
  { name: tf._FusedMatMul, input: 'a', weight: 'b', plan: planMatMul },
  { name: tf.BatchMatMul, input: 'a', weight: 'b', plan: planMatMul },
];

function replacement(
  original: tf.KernelFunc,
  { input, weight: weightInput, plan }: (typeof REPLACED)[number],
): tf.KernelFunc {
  return (args) => {
    const { inputs, attrs, backend } = args;
    const weight = sparseWeightOf(inputs[weightInput]?.dataId ?? args);
    const range = rangeOf(attrs?.activation ?? 'linear');
    const planned = weight === undefined || range === undefined ? undefined : plan(args, weight);
    const heap = heapOf(backend);
    if (!planned || !weight || !range || heap !== weight.heap || !isOutputMaker(backend))
      return original(args);
    const bias = inputs.bias ?? undefined;
    const output = backend.makeOutput(planned.shape, 'float32');
    const x = heap.addressOf(inputs[input]!.dataId);
    const y = heap.addressOf(output.dataId);
    const biasAt = bias && heap.addressOf(bias.dataId);
    const isPlaced = x !== undefined && y !== undefined && (bias === undefined || biasAt !== undefined);
    if (isPlaced && planned.run(weight, { x, y, bias: biasAt }, range)) return output;
    backend.disposeData(output.dataId);
    return original(args);
  };
}

const registered = new WeakSet<tf.KernelFunc>();

/** Replaces the kernels, each once, also where tfjs or another library has registered it anew since. */
export function registerSparseKernels(): void {
  for (const replaced of REPLACED) {
    const current = tf.getKernel(replaced.name, 'wasm');
    if (current === undefined || registered.has(current.kernelFunc)) continue;
    const kernelFunc = replacement(current.kernelFunc, replaced);
    registered.add(kernelFunc);
    tf.unregisterKernel(replaced.name, 'wasm');
    tf.registerKernel({ ...current, kernelFunc });
  }
}
