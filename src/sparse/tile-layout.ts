import type { RecordedKernels } from '../wasm/tape';
import { TILE } from '../wasm/wat/tile';
import type { Phase } from './axis';
import type { Geometry } from './geometry';
import { readPixels } from './pixel-run';
import { inParts, type Operands, type Workers } from './tile-work';

/**
 * Lays out an image, where that is done once for all tiles.
 *
 * @param workers Who computes.
 * @param geometry How it is laid out.
 * @param operands What is read; its scratch is where it goes.
 * @param image The number of its first pixel.
 */
export function layImage(workers: Workers, geometry: Geometry, operands: Operands, image: number): void {
  const { convolution, rows, columns, rowLength, rowStride, planeStride } = geometry;
  let planes = operands.scratch;
  for (const row of rows.phases) {
    for (const column of columns.phases) {
      const to = planes;
      inParts(workers, rows.length, (kernels, begin, next) => {
        for (let i = begin; i < next; i++) {
          const end = (i + 1) * rowLength + (i === rows.length - 1 ? columns.length - rowLength : 0);
          layPlaces(
            kernels,
            geometry,
            operands,
            { row, column },
            image,
            i * rowLength,
            end,
            to + 4 * i * rowStride,
          );
        }
      });
      planes += 4 * planeStride * convolution.inChannels;
    }
  }
}

/**
 * Lays out what a tile of outputs needs.
 *
 * @param kernels The kernels.
 * @param geometry How it is laid out.
 * @param operands What is read.
 * @param image The number of the image's first pixel.
 * @param start The number of the tile's first result in its line.
 * @param end The number of the result after its last.
 * @param window Where it goes.
 */
export function layWindow(
  kernels: RecordedKernels,
  geometry: Geometry,
  operands: Operands,
  image: number,
  start: number,
  end: number,
  window: number,
): void {
  const { convolution, rows, columns, rowLength, planeStride } = geometry;
  const past = columns.length - convolution.outWidth;
  let planes = window;
  for (const { phase, shift } of rows.taps) {
    const row = rows.phases[phase]!;
    for (const column of columns.phases) {
      const [from, to] = [start + shift * rowLength, end + shift * rowLength + past];
      layPlaces(kernels, geometry, operands, { row, column }, image, from, to, planes);
      planes += 4 * planeStride * convolution.inChannels;
    }
  }
}

/**
 * Lays out a piece of all channels.
 *
 * @param kernels The kernels.
 * @param geometry How images are laid out.
 * @param operands What is read.
 * @param phases Which rows and columns of the image.
 * @param image The number of the image's first pixel.
 * @param start The number of the first place, along all rows.
 * @param end The number of the place after the last.
 * @param planes Where the first place of the first channel goes.
 */
function layPlaces(
  kernels: RecordedKernels,
  { convolution: c, rowLength, planeStride }: Geometry,
  { x, zeros }: Operands,
  { row, column }: { readonly row: Phase; readonly column: Phase },
  image: number,
  start: number,
  end: number,
  planes: number,
): void {
  let done = start;
  const pad = (next: number): void => {
    for (; done < next; done = Math.min(done + TILE, next)) {
      const to = planes + 4 * (done - start);
      kernels.copyLanes(zeros, 0, x.channels, to, 4 * planeStride, Math.min(TILE, next - done), 4);
    }
  };
  for (let i = Math.floor(start / rowLength); i * rowLength < end; i++) {
    if (i < row.before || i >= row.before + row.inside) continue;
    const first = i * rowLength + column.before;
    const from = Math.max(start, first);
    const to = Math.min(end, first + column.inside);
    if (from >= to) continue;
    pad(from);
    const pixel = image + (row.first + i * c.strideHeight) * c.inWidth + column.first;
    const step = (from - i * rowLength) * c.strideWidth;
    readPixels(
      kernels,
      x,
      pixel + step,
      c.strideWidth,
      to - from,
      planes + 4 * (from - start),
      4 * planeStride,
    );
    done = to;
  }
  pad(end);
}
