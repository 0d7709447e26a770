import { TILE } from '../wasm/wat/tile';
import { type Axis, axisOf } from './axis';

/** A 2-D convolution of NHWC images; what tfjs's `computeConv2DInfo` tells of it. */
export interface Convolution {
  readonly batchSize: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/**
 * How images are laid out for the sparse kernel, padded with zeros, and where the convolution strides split into phases, so
 * that a weight meets the pixels of a tile of outputs in neighbouring floats, at one offset:
 *
 * - `planes`: channel after channel. Outputs are numbered along the padded rows: `rowLength − outWidth` results between two
 *   rows are of no use.
 * - `rows`: row after row, and in each channel after channel. A tile of outputs is of one row, none of its results is useless,
 *   and what it reads is closer together.
 * - `windows`: for each tile of outputs anew what each row of the kernel meets of the planes, channel after channel. It is
 *   closer together than in either, but most of it is laid out several times.
 */
type Layout = 'planes' | 'rows' | 'windows';

/** Where a layout puts what. */
interface Places {
  readonly layout: Layout;
  /** Places of a row, of which two neighbours may share zeros. */
  readonly rowLength: number;
  /** Floats from one row of a channel to the next. */
  readonly rowStride: number;
  /** Floats from one channel to the next. */
  readonly planeStride: number;
  /** For each row of the kernel, the number of the set of planes that it meets. */
  readonly sets: readonly number[];
  /** Floats of all planes, and of what the last tile reads past them; for windows, those of a tile. */
  readonly size: number;
  /** Outputs are numbered along so many lines, and each begins with a tile of its own. */
  readonly lines: number;
  /** Results of a line, from the first useful one to the last. */
  readonly length: number;
}

/** A convolution, and how its images are laid out. */
export interface Geometry extends Places {
  readonly convolution: Convolution;
  readonly rows: Axis;
  readonly columns: Axis;
  /** For each weight of an output channel, in the order of the kernel: bytes from the first output's place to its input. */
  readonly offsets: Int32Array;
}

/** What of a convolution decides how its images are laid out: everything but how many there are. */
const LAYOUT_FIELDS = [
  'inHeight',
  'inWidth',
  'inChannels',
  'outHeight',
  'outWidth',
  'filterHeight',
  'filterWidth',
  'strideHeight',
  'strideWidth',
  'dilationHeight',
  'dilationWidth',
  'padTop',
  'padLeft',
] as const satisfies ReadonlyArray<keyof Convolution>;

/**
 * Whether two convolutions lay their images out alike.
 *
 * @param a The one.
 * @param b The other, perhaps of more or fewer images.
 */
export function hasSameLayout(a: Convolution, b: Convolution): boolean {
  return LAYOUT_FIELDS.every((field) => a[field] === b[field]);
}

/**
 * Whether a convolution only mixes the channels of each pixel.
 *
 * @param c The convolution.
 */
export function isPointwise(c: Convolution): boolean {
  return (
    c.filterHeight === 1 &&
    c.filterWidth === 1 &&
    c.inHeight === c.outHeight &&
    c.inWidth === c.outWidth &&
    c.strideHeight === 1 &&
    c.strideWidth === 1
  );
}

/**
 * Whether a convolution mixes the channels of some pixels, each alone, and meets no padding.
 *
 * @param c The convolution.
 */
export function readsSinglePixels(c: Convolution): boolean {
  return (
    c.filterHeight === 1 &&
    c.filterWidth === 1 &&
    c.padTop === 0 &&
    c.padLeft === 0 &&
    (c.outHeight - 1) * c.strideHeight < c.inHeight &&
    (c.outWidth - 1) * c.strideWidth < c.inWidth
  );
}

/**
 * The offsets of a pointwise convolution, whose tiles are brought together channel by channel.
 *
 * @param channels Of the input.
 */
export function pointwiseOffsets(channels: number): Int32Array {
  return Int32Array.from({ length: channels }, (_, channel) => 4 * TILE * channel);
}

/** What a tile of so many pixels takes, in nanoseconds for each weight, as was measured. */
function tileTime(pixels: number): number {
  return 0.65 + 0.27 * Math.ceil(pixels / 4);
}

/** What a line of outputs takes. */
function lineTime(outputs: number): number {
  return Math.floor(outputs / TILE) * tileTime(TILE) + (outputs % TILE && tileTime(outputs % TILE));
}

/** How much longer tiles of rows may take by themselves: weights meet their inputs faster. */
const ROWS_GAIN = 1.06;

/** As many weights have to meet each input for windows to be worth their laying out. */
const WINDOW_WEIGHTS = 10;

/**
 * Lays out a convolution.
 *
 * @param convolution The convolution.
 * @param weights How many weights meet an input at each place of the kernel, on average.
 */
export function geometryOf(convolution: Convolution, weights: number): Geometry {
  const c = convolution;
  const rows = axisOf(c.inHeight, c.outHeight, c.filterHeight, c.strideHeight, c.dilationHeight, c.padTop);
  const columns = axisOf(c.inWidth, c.outWidth, c.filterWidth, c.strideWidth, c.dilationWidth, c.padLeft);
  const places = placesOf(c, rows, columns, weights);
  const { sets, planeStride, rowStride } = places;
  const offsets = new Int32Array(c.filterHeight * c.filterWidth * c.inChannels);
  let weight = 0;
  rows.taps.forEach((row, y) => {
    for (const column of columns.taps) {
      const set = sets[y]! * columns.phases.length + column.phase;
      const shift = row.shift * rowStride + column.shift;
      for (let channel = 0; channel < c.inChannels; channel++) {
        offsets[weight++] = 4 * ((set * c.inChannels + channel) * planeStride + shift);
      }
    }
  });
  return { ...places, convolution, rows, columns, offsets };
}

function placesOf(c: Convolution, rows: Axis, columns: Axis, weights: number): Places {
  const phases = rows.taps.map(({ phase }) => phase);
  // Planes of a row of the kernel.
  const planes = columns.phases.length * c.inChannels;
  const rowLength = columns.length - columns.shared;
  const length = (c.outHeight - 1) * rowLength + c.outWidth;
  const flat = { rowLength, lines: 1, length };
  if (c.outHeight * lineTime(c.outWidth) <= ROWS_GAIN * lineTime(length)) {
    const planeStride = wholeVectors(columns.length);
    const rowStride = rows.phases.length * planes * planeStride;
    const size = rows.length * rowStride + TILE;
    const lines = { rowLength: columns.length, lines: c.outHeight, length: c.outWidth };
    return { layout: 'rows', rowStride, planeStride, sets: phases, size, ...lines };
  }
  if (weights >= WINDOW_WEIGHTS) {
    const planeStride = wholeVectors(TILE + columns.length - c.outWidth);
    const size = rows.taps.length * planes * planeStride;
    return { layout: 'windows', rowStride: 0, planeStride, sets: [...phases.keys()], size, ...flat };
  }
  const planeStride = wholeVectors(rows.length * rowLength + columns.shared);
  const size = rows.phases.length * planes * planeStride + TILE;
  return { layout: 'planes', rowStride: rowLength, planeStride, sets: phases, size, ...flat };
}

/** So that every plane begins at a multiple of a vector's size. */
function wholeVectors(floats: number): number {
  return Math.ceil(floats / 4) * 4;
}
