/** tfjs's kernels as matrix products on SIMD; each leaves to another kernel what it does not take. */
import * as tf from '@tensorflow/tfjs';
import { noteMaskedGradient, type PrunedData, prunedDataOf } from '../core/pruned-data';
import { type Heap, heapOf } from '../wasm/heap';
import { outputOf, type Placed } from '../wasm/output';
import { type Conv2DInfo, convolve, differentiateFilter, differentiateInput } from './conv2d-products';
import { type Multiplier, multiplierOf } from './matrix-product';
import { columnsOf, rowsOf } from './operands';

type Arguments = Parameters<tf.KernelFunc>[0];
type Shape4D = [number, number, number, number];

/** Runs a kernel if it can; undefined where another has to. */
export type Attempt = (args: Arguments) => tf.TensorInfo | undefined;

function run(
  { inputs, backend }: Arguments,
  shape: readonly number[],
  write: (multiplier: Multiplier, placed: Placed) => boolean,
): tf.TensorInfo | undefined {
  const heap = heapOf(backend);
  const multiplier = heap && multiplierOf(heap);
  if (heap === undefined || multiplier === undefined) return undefined;
  const given = Object.values<tf.TensorInfo | null | undefined>(inputs).filter((input) => !!input);
  if (given.some(({ dtype, shape }) => dtype !== 'float32' || shape.includes(0))) return undefined;
  return outputOf(backend, heap, inputs, shape, (placed) => write(multiplier, placed));
}

/** What tfjs passes to its convolutions' kernels besides the tensors. */
interface ConvolutionAttrs extends tf.Conv2DAttrs {
  readonly activation?: string;
  readonly filterShape: Shape4D;
  readonly inputShape: Shape4D;
}

function sizes(attrs: ConvolutionAttrs, x: readonly number[], filter: readonly number[]): Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    // The kernels take tensors of four axes, and have been given no others.
    x as Shape4D,
    filter as Shape4D,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
}

/** The attributes of a convolution over NHWC images. */
function nhwc(attrs: Arguments['attrs']): ConvolutionAttrs | undefined {
  // The registry types attributes loosely; these are the ones that tfjs passes under the names of its convolutions.
  return attrs?.dataFormat === 'NHWC' ? (attrs as unknown as ConvolutionAttrs) : undefined;
}

/** From which sparsity on the zeros of a pruned filter are made use of: below, multiplying them is faster. */
const SPARSE_FROM = 0.7;

function prunedFilter({ dataId, shape }: tf.TensorInfo): PrunedData | undefined {
  const pruned = prunedDataOf(dataId);
  const { mask } = pruned ?? {};
  const isWorthIt = mask?.size === tf.util.sizeFromShape(shape) && mask.zeros >= SPARSE_FROM * mask.size;
  return isWorthIt ? pruned : undefined;
}

/**
 * The masks of filters whose input gradient was asked for, by their shape: tfjs hands the gradient of the filter no more of it
 * than the very array that the tensor has as its shape.
 */
const prunedByShape = new WeakMap<object, PrunedData>();

/** tfjs's `Conv2DBackpropFilter`. */
export const fastFilterGradient: Attempt = (args) => {
  const { x } = args.inputs;
  const attrs = nhwc(args.attrs);
  if (x === undefined || attrs === undefined) return undefined;
  const info = sizes({ ...attrs, dilations: 1 }, x.shape, attrs.filterShape);
  const differentiate = (pruned?: PrunedData): tf.TensorInfo | undefined =>
    run(args, attrs.filterShape, (multiplier, { inputs, output }) =>
      differentiateFilter(multiplier, info, { x: inputs.x!, dy: inputs.dy!, filter: output }, pruned),
    );
  const pruned = prunedByShape.get(attrs.filterShape);
  const sparse = pruned?.derived && differentiate(pruned);
  if (pruned !== undefined && sparse !== undefined) noteMaskedGradient(sparse.dataId, pruned.mask);
  return sparse ?? differentiate();
};

/** tfjs's `Conv2DBackpropInput`. */
export const fastInputGradient: Attempt = (args) => {
  const { filter } = args.inputs;
  const attrs = nhwc(args.attrs);
  if (filter === undefined || attrs === undefined) return undefined;
  const info = sizes({ ...attrs, dilations: 1 }, attrs.inputShape, filter.shape);
  const pruned = prunedFilter(filter);
  if (pruned !== undefined) prunedByShape.set(filter.shape, pruned);
  return run(args, attrs.inputShape, (multiplier, { inputs, output }) =>
    differentiateInput(multiplier, info, { dy: inputs.dy!, filter: inputs.filter!, x: output }, pruned),
  );
};

/**
 * tfjs's `Conv2D` and `FusedConv2D` while a gradient is taken, when filters change from step to step and tfjs's own take about
 * twice as long. Predictions stay with tfjs's.
 */
export const fastConvolution: Attempt = (args) => {
  const { x, filter, bias, preluActivationWeights } = args.inputs;
  const attrs = nhwc(args.attrs);
  if (tf.engine().state.gradientDepth === 0 || x === undefined || filter === undefined) return undefined;
  if (attrs === undefined || (attrs.activation ?? 'linear') !== 'linear') return undefined;
  const info = sizes(attrs, x.shape, filter.shape);
  if (!isPlainBias(bias, info.outChannels) || preluActivationWeights) return undefined;
  if (info.outShape.some((size) => size <= 0)) return undefined;
  const pruned = prunedFilter(filter);
  return run(args, info.outShape, (multiplier, { inputs, output }) => {
    const places = { x: inputs.x!, filter: inputs.filter!, y: output };
    if (inputs.bias === undefined) return convolve(multiplier, info, places, false, pruned);
    const rows = tf.util.sizeFromShape(info.outShape) / info.outChannels;
    repeatBias(multiplier.heap, inputs.bias, info.outChannels, output, rows);
    return convolve(multiplier, info, places, true, pruned);
  });
};

/**
 * tfjs's `BatchMatMul` and `_FusedMatMul` with one or both matrices transposed, which runs there one product at a time, and any
 * while a gradient is taken, for the same reason as convolutions.
 */
export const fastMatMul: Attempt = (args) => {
  const { a, b, bias, preluActivationWeights } = args.inputs;
  if (a === undefined || b === undefined) return undefined;
  const isTransposed = { a: args.attrs?.transposeA === true, b: args.attrs?.transposeB === true };
  const batch = a.shape.slice(0, -2);
  const takes = isTransposed.a || isTransposed.b || tf.engine().state.gradientDepth > 0;
  if (!takes || !tf.util.arraysEqual(batch, b.shape.slice(0, -2))) return undefined;
  const [p = 0, q = 0] = a.shape.slice(-2);
  const [r = 0, s = 0] = b.shape.slice(-2);
  const [rows, depth] = isTransposed.a ? [q, p] : [p, q];
  const [columns, depthOfB] = isTransposed.b ? [r, s] : [s, r];
  const isLinear = (args.attrs?.activation ?? 'linear') === 'linear' && !preluActivationWeights;
  if (depth !== depthOfB || !isLinear || !isPlainBias(bias, columns)) return undefined;
  return run(args, [...batch, rows, columns], (multiplier, { inputs, output }) => {
    if (multiplier.prepare(Math.max(rows, columns, depth)) === undefined) return false;
    const count = tf.util.sizeFromShape(batch);
    if (inputs.bias !== undefined) repeatBias(multiplier.heap, inputs.bias, columns, output, count * rows);
    for (let i = 0; i < count; i++) {
      const [left, right] = [inputs.a! + 4 * i * rows * depth, inputs.b! + 4 * i * depth * columns];
      multiplier.multiply({
        rows,
        columns,
        depth,
        left: isTransposed.a ? columnsOf(left, rows) : rowsOf(left, depth),
        right: isTransposed.b ? rowsOf(right, depth) : columnsOf(right, columns),
        rowOf: (row) => output + 4 * columns * (i * rows + row),
        add: inputs.bias !== undefined,
      });
    }
    return true;
  });
};

function isPlainBias(bias: tf.TensorInfo | null | undefined, columns: number): boolean {
  return !bias || (bias.shape.length === 1 && bias.shape[0] === columns);
}

/** Writes a bias to every row of an output, to which a product is then added. */
function repeatBias({ buffer }: Heap, bias: number, columns: number, output: number, rows: number): void {
  const y = new Float32Array(buffer, output, rows * columns);
  y.set(new Float32Array(buffer, bias, columns));
  for (let done = columns; done < y.length; done *= 2) {
    y.copyWithin(done, 0, Math.min(done, y.length - done));
  }
}
