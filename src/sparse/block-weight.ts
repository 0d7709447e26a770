import { type Blocks, packBlocks } from './block-stream';
import { type Convolution, isPointwise } from './geometry';
import type { Operation } from './operation';
import type { Engine, SparseWeight } from './sparse-weight';
import { inParts, mostParts } from './tile-work';

/**
 * As much of an image meets all blocks before the next does: half of a processor's second cache. With less of it the blocks
 * of large kernels, which no cache holds, are read more often than is worth it.
 */
const NEAR_BYTES = 256 * 1024;

/** An image as the kernel reads it: with its padding written out. */
interface Frame {
  readonly convolution: Convolution;
  readonly width: number;
  readonly height: number;
  readonly isPadded: boolean;
}

function frameOf(convolution: Convolution): Frame {
  const c = convolution;
  const spanned = (outputs: number, stride: number, kernel: number, dilation: number): number =>
    (outputs - 1) * stride + (kernel - 1) * dilation + 1;
  const height = Math.max(
    spanned(c.outHeight, c.strideHeight, c.filterHeight, c.dilationHeight),
    c.inHeight + c.padTop,
  );
  const width = Math.max(
    spanned(c.outWidth, c.strideWidth, c.filterWidth, c.dilationWidth),
    c.inWidth + c.padLeft,
  );
  return { convolution, width, height, isPadded: height !== c.inHeight || width !== c.inWidth };
}

/** The pixels of an output, and the inputs that they meet first. */
interface Pixels {
  readonly rows: number;
  /** Of a row. */
  readonly columns: number;
  /** Bytes from the input of one row to that of the next. */
  readonly rowStep: number;
  /** Bytes from the input of one pixel of a row to that of the next. */
  readonly columnStep: number;
}

/** How many rows and columns of an output are computed at once: several rows only as a whole. */
function partOf({ rows, columns, columnStep }: Pixels): { rows: number; columns: number } {
  const near = Math.max(Math.floor(NEAR_BYTES / columnStep) & -4, 4);
  const whole = Math.min(Math.floor(near / columns), rows);
  return whole > 1 ? { rows: whole, columns } : { rows: 1, columns: Math.min(near, columns) };
}

/**
 * Packs a weight whose zeros come in blocks of neighbouring output channels. It reads images as they are, eight or sixteen
 * channels of a pixel at a time.
 *
 * @param engine What it is made and run with.
 * @param address The weight's: row-major [taps, channels].
 * @param blocks What {@link blocksOf} gives for it.
 * @param taps Weights of an output channel, zeros included.
 * @returns The packed weight; undefined where there is no memory left.
 */
export function makeBlockWeight(
  { heap, kernels, team, workspace }: Engine,
  address: number,
  blocks: Blocks,
  taps: number,
): SparseWeight | undefined {
  const packed = packBlocks(heap, address, blocks, taps);
  if (packed === undefined) return undefined;
  const { width, heads, stream, starts } = packed;
  const groups = blocks.counts.length;
  const channels = width * groups;

  /** Reserves room for zeros in place of a bias, and after them for where a part's pixels are, and for more. */
  const reserve = (
    pixels: Pixels,
    more: number,
  ): { zeros: number; places: number; rest: number } | undefined => {
    const part = partOf(pixels);
    const placeBytes = 4 * part.rows * part.columns;
    const zeros = workspace.reserve(4 * channels + placeBytes + more);
    if (zeros === undefined) return undefined;
    new Uint8Array(heap.buffer).fill(0, zeros, zeros + 4 * channels);
    const places = zeros + 4 * channels;
    const table = new Int32Array(heap.buffer, places, part.rows * part.columns);
    for (let row = 0, i = 0; row < part.rows; row++) {
      for (let column = 0; column < part.columns; column++) {
        table[i++] = row * pixels.rowStep + column * pixels.columnStep;
      }
    }
    return { zeros, places, rest: places + placeBytes };
  };

  const run = (pixels: Pixels, places: number, { x, y, bias, range }: Operation & { bias: number }): void => {
    const part = partOf(pixels);
    const across = Math.ceil(pixels.columns / part.columns);
    const pieces = across * Math.ceil(pixels.rows / part.rows);
    // What is too small to be shared pixel by pixel is shared by output channels too.
    const shares = Math.min(Math.ceil(mostParts(team) / pieces), groups);
    inParts({ kernels, team }, pieces * shares, (recorded, first, next) => {
      for (let i = first; i < next; i++) {
        const piece = Math.floor(i / shares);
        const row = part.rows * Math.floor(piece / across);
        const column = part.columns * (piece % across);
        const count =
          Math.min(part.rows, pixels.rows - row) * Math.min(part.columns, pixels.columns - column);
        const share = i % shares;
        const [from, to] = [share, share + 1].map((each) => Math.floor((groups * each) / shares));
        recorded[`sparseBlock${width}`](
          heads + 4 * from!,
          heads + 4 * to!,
          stream + starts[from!]!,
          x + row * pixels.rowStep + column * pixels.columnStep,
          places,
          places + 4 * count,
          y + 4 * (channels * (row * pixels.columns + column) + width * from!),
          4 * channels,
          bias + 4 * width * from!,
          range.min,
          range.max,
        );
      }
    });
  };

  const multiply = (rows: number, inputs: number, operation: Operation): boolean => {
    const pixels = { rows: 1, columns: rows, rowStep: 0, columnStep: 4 * inputs };
    const room = reserve(pixels, 0);
    if (room === undefined) return false;
    packed.useOffsets({ inputs, row: 0, column: 0, columns: 1 });
    run(pixels, room.places, { ...operation, bias: operation.bias ?? room.zeros });
    return true;
  };

  const convolve = (convolution: Convolution, operation: Operation): boolean => {
    const c = convolution;
    if (isPointwise(c)) return multiply(c.batchSize * c.outHeight * c.outWidth, c.inChannels, operation);
    const frame = frameOf(c);
    const pixelBytes = 4 * c.inChannels;
    const rowBytes = frame.width * pixelBytes;
    const pixels = {
      rows: c.outHeight,
      columns: c.outWidth,
      rowStep: rowBytes * c.strideHeight,
      columnStep: pixelBytes * c.strideWidth,
    };
    const room = reserve(pixels, frame.isPadded ? frame.height * rowBytes : 0);
    if (room === undefined) return false;
    packed.useOffsets({
      inputs: c.inChannels,
      row: rowBytes * c.dilationHeight,
      column: pixelBytes * c.dilationWidth,
      columns: c.filterWidth,
    });
    const bias = operation.bias ?? room.zeros;
    const memory = new Uint8Array(heap.buffer);
    if (frame.isPadded) clearMargins(memory, frame, room.rest);
    for (let image = 0; image < c.batchSize; image++) {
      const x = operation.x + image * c.inHeight * c.inWidth * pixelBytes;
      const y = operation.y + image * c.outHeight * c.outWidth * 4 * channels;
      if (frame.isPadded) copyInto(memory, frame, x, room.rest);
      run(pixels, room.places, { ...operation, x: frame.isPadded ? room.rest : x, y, bias });
    }
    return true;
  };
  return { heap, channels, bytes: packed.bytes, convolve, multiply, free: packed.free };
}

/** Calls with where each row of an image begins and ends in its frame. */
function eachRow(
  { convolution: c, width }: Frame,
  padded: number,
  visit: (row: number, from: number, to: number) => void,
): void {
  const pixelBytes = 4 * c.inChannels;
  for (let row = 0; row < c.inHeight; row++) {
    const from = padded + ((row + c.padTop) * width + c.padLeft) * pixelBytes;
    visit(row, from, from + c.inWidth * pixelBytes);
  }
}

/** Writes the zeros around an image, which stay there from one image to the next. */
function clearMargins(memory: Uint8Array, frame: Frame, padded: number): void {
  let cleared = padded;
  eachRow(frame, padded, (_, from, to) => {
    memory.fill(0, cleared, from);
    cleared = to;
  });
  memory.fill(0, cleared, padded + 4 * frame.convolution.inChannels * frame.width * frame.height);
}

function copyInto(memory: Uint8Array, frame: Frame, x: number, padded: number): void {
  const bytes = 4 * frame.convolution.inChannels * frame.convolution.inWidth;
  eachRow(frame, padded, (row, from) => memory.copyWithin(from, x + row * bytes, x + (row + 1) * bytes));
}
