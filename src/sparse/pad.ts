import type * as tf from '@tensorflow/tfjs';
import { type Heap, heapOf } from '../wasm/heap';
import { outputOf } from '../wasm/output';

type Paddings = ReadonlyArray<readonly [before: number, after: number]>;

/** What is padded: rows that are copied whole, with what lies between them. */
interface Rows {
  readonly images: number;
  readonly count: number;
  /** Floats of a row. */
  readonly width: number;
  /** Floats of a row of the output, and where the input's begins in it. */
  readonly paddedWidth: number;
  readonly left: number;
  /** Rows of an image of the output, and which is the input's first. */
  readonly paddedCount: number;
  readonly top: number;
}

/**
 * tfjs's PadV2 for NHWC images whose height or width is padded, which goes value by value on wasm. Here rows are copied
 * whole.
 *
 * @param args The kernel's arguments.
 * @returns The output; undefined where tfjs's kernel has to run.
 */
export function runPad({ inputs, attrs, backend }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | undefined {
  const { x } = inputs;
  const heap = heapOf(backend);
  if (x === undefined || heap === undefined || x.dtype !== 'float32' || x.shape.length !== 4)
    return undefined;
  // tfjs has checked the attributes of its own kernel.
  const { paddings, constantValue } = attrs as unknown as { paddings: Paddings; constantValue: number };
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  const [ofImages, ofHeight, ofWidth, ofChannels] = paddings;
  const isOther = [ofImages, ofChannels].some((padding) => padding?.[0] !== 0 || padding[1] !== 0);
  if (isOther || ofHeight === undefined || ofWidth === undefined) return undefined;
  const paddedCount = ofHeight[0] + height + ofHeight[1];
  const paddedColumns = ofWidth[0] + width + ofWidth[1];
  const rows: Rows = {
    images,
    count: height,
    width: width * channels,
    paddedWidth: paddedColumns * channels,
    left: ofWidth[0] * channels,
    paddedCount,
    top: ofHeight[0],
  };
  const shape = [images, paddedCount, paddedColumns, channels];
  return outputOf(backend, heap, inputs, shape, (placed) => {
    copyRows(heap, rows, placed.inputs.x!, placed.output, constantValue);
    return true;
  });
}

function copyRows(heap: Heap, rows: Rows, x: number, y: number, value: number): void {
  const memory = new Float32Array(heap.buffer);
  let from = x / 4;
  let written = y / 4;
  for (let image = 0; image < rows.images; image++) {
    for (let row = 0; row < rows.count; row++) {
      const to = y / 4 + (image * rows.paddedCount + rows.top + row) * rows.paddedWidth + rows.left;
      memory.fill(value, written, to);
      memory.copyWithin(to, from, from + rows.width);
      from += rows.width;
      written = to + rows.width;
    }
  }
  memory.fill(value, written, y / 4 + rows.images * rows.paddedCount * rows.paddedWidth);
}
