import { TILE } from '../wasm/wat/tile';

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

/** Every so many pixels of a row or column, as many as the stride: what some rows or columns of the kernel meet. */
interface Phase {
  /** Where the first one is in the input; negative in the padding. */
  readonly first: number;
  /** How many come before the input's first one. */
  readonly before: number;
  /** How many lie in the input. */
  readonly inside: number;
}

/** An axis of a convolution, split into phases. */
interface Axis {
  readonly phases: readonly Phase[];
  /** Pixels of a phase. */
  readonly length: number;
  /** For each place of the kernel: the phase that it meets, and how far it is shifted there. */
  readonly taps: ReadonlyArray<{ readonly phase: number; readonly shift: number }>;
  /** Zeros that the end of each row can share with the beginning of the next. */
  readonly shared: number;
}

/**
 * How an image is laid out for the sparse kernel: channel after channel as planes, padded with zeros, and where the
 * convolution strides, as one set of planes for each phase. The outputs of a row, and then of the next, come from
 * neighbouring floats, so that a weight meets all pixels at one offset. `rowStride − outWidth` results between two rows
 * are of no use.
 */
export interface Geometry {
  readonly convolution: Convolution;
  readonly rows: Axis;
  readonly columns: Axis;
  /** Floats from one row of a plane to the next. */
  readonly rowStride: number;
  /** Floats from one plane to the next. */
  readonly planeStride: number;
  /** Bytes of all planes, and of what the last tile reads past them. */
  readonly bytes: number;
  /** Results in a row of rows, from the first useful one to the last. */
  readonly length: number;
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

/**
 * Lays out a convolution.
 *
 * @param convolution The convolution.
 */
export function geometryOf(convolution: Convolution): Geometry {
  const c = convolution;
  const rows = axisOf(c.inHeight, c.outHeight, c.filterHeight, c.strideHeight, c.dilationHeight, c.padTop);
  const columns = axisOf(c.inWidth, c.outWidth, c.filterWidth, c.strideWidth, c.dilationWidth, c.padLeft);
  const rowStride = columns.length - columns.shared;
  // Whole vectors, so that every plane begins at a multiple of their size.
  const planeStride = Math.ceil((rows.length * rowStride + columns.shared) / 4) * 4;
  const planes = rows.phases.length * columns.phases.length * c.inChannels;
  const offsets = new Int32Array(c.filterHeight * c.filterWidth * c.inChannels);
  let weight = 0;
  for (const row of rows.taps) {
    for (const column of columns.taps) {
      const phase = row.phase * columns.phases.length + column.phase;
      const shift = row.shift * rowStride + column.shift;
      for (let channel = 0; channel < c.inChannels; channel++) {
        offsets[weight++] = 4 * ((phase * c.inChannels + channel) * planeStride + shift);
      }
    }
  }
  return {
    convolution,
    rows,
    columns,
    rowStride,
    planeStride,
    bytes: 4 * (planes * planeStride + TILE),
    length: (c.outHeight - 1) * rowStride + c.outWidth,
    offsets,
  };
}

function axisOf(
  size: number,
  outputs: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: number,
): Axis {
  const places = Array.from({ length: kernel }, (_, k) => k * dilation);
  const remainders = [...new Set(places.map((place) => place % stride))];
  const taps = places.map((place) => ({
    phase: remainders.indexOf(place % stride),
    shift: Math.floor(place / stride),
  }));
  const length = outputs + Math.max(...taps.map(({ shift }) => shift));
  const phases = remainders.map((remainder) => {
    const first = remainder - padding;
    const before = Math.min(Math.max(Math.ceil(-first / stride), 0), length);
    const end = Math.min(Math.max(Math.ceil((size - first) / stride), before), length);
    return { first, before, inside: end - before };
  });
  const ends = phases.map(({ before, inside }) => Math.min(before, length - before - inside));
  // Neither rows of outputs nor what two places of the kernel meet may overlap.
  const shared = Math.min(...ends, length - outputs, outputs - 1);
  return { phases, length, taps, shared };
}
