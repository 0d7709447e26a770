/** tfjs's kernels on wasm, replaced by ones that run packed weights sparse and leave everything else to the original. */
import * as tf from '@tensorflow/tfjs';
import { heapOf } from '../wasm/heap';
import { outputOf, placesOf } from '../wasm/output';
import { runBatchNorm } from './batch-norm';
import { runIdentity, runSlice } from './identity';
import { runMean } from './mean';
import { type ConvolutionAttrs, convolutionOf, type Operation, type Range, rangeOf } from './operation';
import { runPad } from './pad';
import { clampSum, runSum } from './residual';
import { type SparseWeight, sparseWeightOf } from './sparse-weight';
import { compute, makeTiled, tiledOf } from './tiled';

type Arguments = Parameters<tf.KernelFunc>[0];

/** Runs a kernel if it can; undefined where the original has to. */
type Attempt = (args: Arguments) => tf.TensorInfo | undefined;

/** A sparse operation and the shape of what comes out of it. */
interface Planned {
  readonly shape: readonly number[];
  /** Whether images may be kept as tiles. */
  readonly takesTiles: boolean;
  /** Runs it; false, with nothing written, where memory does not suffice. */
  run(weight: SparseWeight, operation: Operation): boolean;
}

/** An input, the attributes, and the packed weight that it meets: planned, or undefined where the original has to run. */
type Plan = (
  input: tf.TensorInfo,
  weight: tf.TensorInfo,
  args: Arguments,
  packedChannels: number,
) => Planned | undefined;

const planConv2d: Plan = (x, filter, { attrs }, channels) => {
  if (attrs?.dataFormat !== 'NHWC' || filter.shape.at(-1) !== channels) return undefined;
  // tfjs has checked the attributes of its own kernel.
  const convolution = convolutionOf(attrs as unknown as ConvolutionAttrs, x, filter);
  const { batchSize, outHeight, outWidth, outChannels } = convolution;
  return {
    shape: [batchSize, outHeight, outWidth, outChannels],
    takesTiles: true,
    run: (weight, operation) => weight.convolve(convolution, operation),
  };
};

const planMatMul: Plan = (a, b, { attrs }, packedChannels) => {
  const [height = 0, channels = 0] = a.shape.slice(-2);
  const isPlain = attrs?.transposeA === false && attrs.transposeB === false;
  const isMatrix = b.shape.slice(0, -2).every((size) => size === 1);
  if (!isPlain || !isMatrix || b.shape.at(-1) !== packedChannels) return undefined;
  // The result has as many axes as the input with more of them.
  const missing = Math.max(b.shape.length - a.shape.length, 0);
  const batch = [...Array.from({ length: missing }, () => 1), ...a.shape.slice(0, -2)];
  const rows = batch.reduce((product, size) => product * size, height);
  return {
    shape: [...batch, height, packedChannels],
    takesTiles: false,
    run: (weight, operation) => weight.multiply(rows, channels, operation),
  };
};

function sparse(inputName: string, weightName: string, plan: Plan): Attempt {
  return (args) => {
    const { inputs, attrs, backend } = args;
    const [input, filter] = [inputs[inputName], inputs[weightName]];
    const weight = filter && sparseWeightOf(filter.dataId);
    const range = rangeOf(attrs?.activation ?? 'linear');
    if (input === undefined || weight === undefined || range === undefined) return undefined;
    if (heapOf(backend) !== weight.heap || !isBiasOf(inputs.bias, weight.channels)) return undefined;
    const planned = plan(input, filter!, args, weight.channels);
    // An input smaller than the kernel gives a negative size, for tfjs to refuse.
    if (planned === undefined || planned.shape.some((size) => size < 0)) return undefined;
    return runPlanned(planned, weight, { input, range, ...args });
  };
}

function runPlanned(
  { shape, run, takesTiles }: Planned,
  weight: SparseWeight,
  { input, range, inputs, backend }: Arguments & { input: tf.TensorInfo; range: Range },
): tf.TensorInfo | undefined {
  const { heap } = weight;
  const tiles = takesTiles ? weight.tiles : undefined;
  // Asked for its address, it would be brought into tfjs's order.
  const tiled = tiles && tiledOf(input, heap);
  if (tiled !== undefined) compute(tiled);
  const { bias } = inputs;
  const others = { ...(bias && { bias }), ...(tiled === undefined && { input }) };
  const runTo = (places: Readonly<Record<string, number>>, y: number, isTiled: boolean): boolean =>
    run(weight, {
      x: tiled?.tiles ?? places.input!,
      y,
      bias: places.bias,
      range,
      isTiled: { x: tiled !== undefined, y: isTiled },
    });
  const pixels = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (tiles?.isWanted(pixels)) {
    const places = placesOf(heap, others);
    if (places === undefined) return undefined;
    const { kernels, onAsked } = tiles;
    const write = (output: number): boolean => runTo(places, output, true);
    return makeTiled(backend, { heap, kernels }, shape, (output) => write(output.tiles), onAsked);
  }
  // Images of no size have no layout that weights could be packed for.
  const isEmpty = shape.includes(0);
  return outputOf(
    backend,
    heap,
    others,
    shape,
    (placed) => isEmpty || runTo(placed.inputs, placed.output, false),
  );
}

/** Whether there is no bias, or one number for each output channel; of any other tfjs's kernel has to say what is wrong. */
function isBiasOf(bias: tf.TensorInfo | null | undefined, channels: number): boolean {
  return !bias || (bias.shape.length === 1 && bias.shape[0] === channels);
}

const ATTEMPTS: ReadonlyArray<readonly [kernelName: string, attempt: Attempt]> = [
  [tf.Conv2D, sparse('x', 'filter', planConv2d)],
  [tf.FusedConv2D, sparse('x', 'filter', planConv2d)],
  [tf._FusedMatMul, sparse('a', 'b', planMatMul)],
  [tf.BatchMatMul, sparse('a', 'b', planMatMul)],
  [tf.Add, runSum],
  [tf.Relu, clampSum({ min: 0, max: Infinity })],
  [tf.Relu6, clampSum({ min: 0, max: 6 })],
  [tf.FusedBatchNorm, runBatchNorm],
  [tf.Identity, runIdentity],
  [tf.Slice, runSlice],
  [tf.Mean, runMean],
  [tf.PadV2, runPad],
];

const registered = new WeakSet<tf.KernelFunc>();

/** Replaces the kernels, each once, also where tfjs or another library has registered it anew since. */
export function registerSparseKernels(): void {
  for (const [kernelName, attempt] of ATTEMPTS) {
    const current = tf.getKernel(kernelName, 'wasm');
    if (current === undefined || registered.has(current.kernelFunc)) continue;
    const original = current.kernelFunc;
    const kernelFunc: tf.KernelFunc = (args) => attempt(args) ?? original(args);
    registered.add(kernelFunc);
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...current, kernelFunc });
  }
}
