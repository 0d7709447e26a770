import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../../errors';

/** Pixels as decoders and canvases give them: RGB or RGBA, one byte a value, row by row. An `ImageData` is one. */
export interface Pixels {
  /** height × width × 3 values, or × 4. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What an image may be: pixels, a canvas, or an int32 tensor [height, width, 3 or 4] of values from 0 to 255. */
export type ImageSource = Pixels | HTMLCanvasElement | OffscreenCanvas | tf.Tensor3D;

/** Checked pixels, of which the first three of each are red, green and blue. */
export interface RgbImage extends Pixels {
  readonly channels: 3 | 4;
}

const ALLOWED = [
  'an ImageData or another { data, width, height } of bytes',
  'a canvas',
  'an int32 tensor [height, width, 3]',
];

/**
 * The pixels of an image.
 *
 * @param image Whatever the user gave.
 * @returns Its pixels, copied only where it does not have them as bytes.
 * @throws {@link PruneError} `argument` for what is no image, an empty image, one of other channels or values, or a canvas
 * that cannot be read; `shape` for a tensor of another shape; `state` for a tensor that has been disposed.
 */
export function pixelsOf(image: unknown): RgbImage {
  if (image instanceof tf.Tensor) return pixelsOfTensor(image);
  if (isCanvas(image)) return pixelsOfCanvas(image);
  if (isPixels(image)) return checkedPixels(image);
  throw new PruneError(
    'argument',
    `An image must be ${ALLOWED.join(', or ')}, but got ${shown(image)}. ` +
      'Draw an <img>, a video or an ImageBitmap on a canvas, or call tf.browser.fromPixels(image).',
    { given: image, allowed: ALLOWED },
  );
}

function isCanvas(image: unknown): image is HTMLCanvasElement | OffscreenCanvas {
  return typeof image === 'object' && image !== null && 'getContext' in image;
}

function isPixels(image: unknown): image is { data: unknown; width: unknown; height: unknown } {
  return (
    typeof image === 'object' && image !== null && 'data' in image && 'width' in image && 'height' in image
  );
}

function checkedPixels(image: { data: unknown; width: unknown; height: unknown }): RgbImage {
  const { data } = image;
  const width = checkedSide(image.width, 'width');
  const height = checkedSide(image.height, 'height');
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    const allowed = 'a Uint8Array or a Uint8ClampedArray';
    throw new PruneError('argument', `The data of an image must be ${allowed}, but got ${shown(data)}.`, {
      given: data,
      allowed,
    });
  }
  const channels = data.length / (width * height);
  if (channels === 3 || channels === 4) return { data, width, height, channels };
  const size = `${width}×${height}`;
  throw new PruneError(
    'argument',
    `The data of an image of ${size} pixels must have ${size}×3 values (RGB) or ${size}×4 (RGBA), but it has ` +
      `${data.length}.${channels === 1 ? ' Write each grey value three times, as red, green and blue.' : ''}`,
    { given: data.length, allowed: `${3 * width * height} or ${4 * width * height}` },
  );
}

function checkedSide(side: unknown, name: 'width' | 'height'): number {
  if (typeof side === 'number' && Number.isSafeInteger(side) && side >= 1) return side;
  const allowed = 'a whole number of at least 1';
  throw new PruneError('argument', `The ${name} of an image must be ${allowed}, but got ${shown(side)}.`, {
    given: side,
    allowed,
  });
}

function pixelsOfCanvas(canvas: HTMLCanvasElement | OffscreenCanvas): RgbImage {
  const width = checkedSide(canvas.width, 'width');
  const height = checkedSide(canvas.height, 'height');
  const context = canvas.getContext('2d');
  if (context === null || !('getImageData' in context)) {
    const message =
      'The canvas has no 2d context, so its pixels cannot be read. Draw it on a canvas that has one, with drawImage.';
    throw new PruneError('argument', message, { given: canvas, allowed: ALLOWED });
  }
  try {
    return { data: context.getImageData(0, 0, width, height).data, width, height, channels: 4 };
  } catch (cause) {
    const message =
      "The canvas's pixels cannot be read: it holds an image from another site, or is too large. Load the image with " +
      "crossOrigin = 'anonymous', from a server that allows it.";
    throw new PruneError('argument', message, { given: canvas, allowed: ALLOWED, cause });
  }
}

function pixelsOfTensor(tensor: tf.Tensor): RgbImage {
  if (tensor.isDisposed)
    throw new PruneError('state', 'The image is a tensor that has been disposed.', { given: tensor });
  const [height, width, channels] = checkedShape(tensor.shape);
  if (tensor.dtype !== 'int32') {
    throw new PruneError(
      'argument',
      `An image tensor must be of the type int32, with values from 0 to 255, but got ${tensor.dtype}. ` +
        'Values in [0, 1] become such with image.mul(255).round().toInt(), values up to 255 with toInt().',
      { given: tensor.dtype, allowed: 'int32' },
    );
  }
  const values = tensor.dataSync<'int32'>();
  const data = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== (value & 255)) refuseValue(value, i, tensor.shape);
    data[i] = value;
  }
  return { data, width, height, channels };
}

function checkedShape(shape: readonly number[]): [height: number, width: number, channels: 3 | 4] {
  const [height, width, channels] = shape;
  if (shape.length === 3 && (channels === 3 || channels === 4)) {
    return [checkedSide(height, 'height'), checkedSide(width, 'width'), channels];
  }
  const allowed = '[height, width, 3], or 4 with alpha';
  throw new PruneError(
    'shape',
    `An image tensor must have the shape ${allowed}, but got [${shape.join(', ')}].${adviceOn(shape)}`,
    { given: shape, allowed },
  );
}

function adviceOn(shape: readonly number[]): string {
  if (shape.length === 2) return ' Give a grey image colours with image.expandDims(-1).tile([1, 1, 3]).';
  if (shape.length === 3 && shape[2] === 1) return ' Give a grey image colours with image.tile([1, 1, 3]).';
  if (shape.length === 3 && shape[0] === 3)
    return ' Bring [3, height, width] in order with image.transpose([1, 2, 0]).';
  if (shape.length === 4)
    return ' Transform the images of a batch one by one, such as those of tf.unstack(batch).';
  return '';
}

function refuseValue(value: number, index: number, shape: readonly number[]): never {
  const [, width = 0, channels = 0] = shape;
  const pixel = Math.floor(index / channels);
  const place = [Math.floor(pixel / width), pixel % width, index % channels].join(', ');
  const allowed = 'whole numbers from 0 to 255';
  throw new PruneError(
    'argument',
    `The values of an image must be ${allowed}, but that at [${place}] is ${value}.`,
    {
      given: value,
      allowed,
    },
  );
}
