/** Which pixels of NHWC images a grid of pixels meets. */
import type { Taps } from './operands';

/** The pixels of a tensor as they are, as a single tap. */
export function pixelsOf(address: number, channels: number): Taps {
  return {
    count: 1,
    channels,
    addresses(_, from, addresses) {
      const first = address + 4 * channels * from;
      for (let i = 0; i < addresses.length; i++) addresses[i] = first + 4 * channels * i;
    },
  };
}

/** Images in memory. */
export interface Images {
  readonly address: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** As many zeros as there are channels, which stand for all pixels outside. */
  readonly zeros: number;
}

/** A grid over each image, numbered row by row, and how far apart its pixels are in the image. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly rowStep: number;
  readonly columnStep: number;
  /** For each tap, which row and column of the image the grid's first pixel meets; may be outside. */
  readonly taps: ReadonlyArray<{ readonly top: number; readonly left: number }>;
}

/** The pixels of images that the pixels of a grid meet at each tap. */
export function gridTaps(
  { address, height, width, channels, zeros }: Images,
  { rows, columns, rowStep, columnStep, taps }: Grid,
): Taps {
  return {
    count: taps.length,
    channels,
    addresses(tap, from, addresses) {
      const { top, left } = taps[tap]!;
      let row = Math.floor(from / columns) % rows;
      let image = Math.floor(from / (columns * rows));
      let column = from % columns;
      for (let i = 0; i < addresses.length; ) {
        const y = row * rowStep + top;
        const isRowInside = y >= 0 && y < height;
        const start = address + 4 * channels * (image * height + y) * width;
        const end = Math.min(i + columns - column, addresses.length);
        for (let z = column * columnStep + left; i < end; i++, z += columnStep) {
          addresses[i] = isRowInside && z >= 0 && z < width ? start + 4 * channels * z : zeros;
        }
        column = 0;
        if (++row === rows) {
          row = 0;
          image++;
        }
      }
    },
  };
}
