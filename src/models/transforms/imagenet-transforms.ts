import * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../../core/options';
import { PruneError, shown } from '../../errors';
import { type ImageSource, pixelsOf } from './pixels';
import { type Interpolation, resample } from './resample';
import { type Crop, centreCrop, resizedSize } from './window';

/** One number for each of red, green and blue. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** What {@link imagenetTransforms} does to an image; the defaults are those of torchvision's `IMAGENET1K_V1` weights. */
export interface ImagenetTransformsOptions {
  /** Length of the shorter side after resizing, in pixels, up to 8,192; 256 by default. */
  readonly resize?: number;
  /** Height and width of the square that is cut from the centre, in pixels, up to 8,192; 224 by default. */
  readonly crop?: number;
  /** What is subtracted from each channel, whose values are in [0, 1]; (0.485, 0.456, 0.406) by default. */
  readonly mean?: Rgb;
  /** What the difference is divided by; (0.229, 0.224, 0.225) by default. */
  readonly std?: Rgb;
  /** Pillow's filter; 'bilinear' by default. */
  readonly interpolation?: Interpolation;
}

/**
 * Turns an image into what a network takes: a float32 tensor [crop, crop, 3], which the caller disposes.
 *
 * @param image The image; not changed. Alpha is dropped.
 */
export type ImageTransform = (image: ImageSource) => tf.Tensor3D;

const LARGEST_SIDE = 8192;
const INTERPOLATIONS: readonly Interpolation[] = ['bilinear', 'bicubic'];

/**
 * torchvision's preprocessing for classification (`transforms._presets.ImageClassification`) of 8-bit images, bit for bit
 * what it makes of a PIL image: an antialiased resize, a centre crop padded with black, values in [0, 1], normalisation.
 *
 * Differs from PyTorch: the result is [height, width, channels], as tfjs has it, not [channels, height, width]. Alpha is
 * dropped as by PIL's `convert('RGB')`; a canvas has black where an image was fully transparent.
 *
 * @param options Sizes, normalisation and filter.
 * @returns A function from an image (ImageData or other pixels, a canvas, an int32 tensor [height, width, 3]) to a float32
 * tensor [crop, crop, 3], on the current backend; the caller disposes it. The function throws {@link PruneError} `argument`
 * for what is no image of bytes, `shape` for a tensor of another shape, `state` for a tensor that has been disposed.
 * @throws {@link PruneError} `argument` for options that are not allowed.
 * @example
 * ```ts
 * const preprocess = imagenetTransforms({ resize: 232, crop: 224 });
 * const logits = tf.tidy(() => model.predict(preprocess(canvas).expandDims()));
 * const batch = tf.tidy(() => tf.stack(canvases.map(preprocess)));
 * ```
 */
export function imagenetTransforms(options: ImagenetTransformsOptions = {}): ImageTransform {
  checkOptions(options, ['resize', 'crop', 'mean', 'std', 'interpolation']);
  const {
    resize = 256,
    crop = 224,
    mean = [0.485, 0.456, 0.406],
    std = [0.229, 0.224, 0.225],
    interpolation = 'bilinear',
  } = options;
  checkLength('resize', resize);
  checkLength('crop', crop);
  checkInterpolation(interpolation);
  const levels = normalisedLevels(mean, std);
  return (image) => {
    const pixels = pixelsOf(image);
    const [width, height] = resizedSize(pixels.width, pixels.height, resize);
    const across = centreCrop(pixels.width, width, crop);
    const down = centreCrop(pixels.height, height, crop);
    const bytes = resample(pixels, across.taken, down.taken, interpolation);
    return tf.tensor3d(normalised(bytes, across, down, crop, levels), [crop, crop, 3]);
  };
}

/** What each of the 256 levels of each channel becomes, level by level, in torch's order of operations on float32. */
function normalisedLevels(mean: unknown, std: unknown): Float32Array {
  checkRgb('mean', mean);
  checkRgb('std', std);
  const levels = new Float32Array(256 * 3);
  for (let level = 0; level < 256; level++) {
    for (let channel = 0; channel < 3; channel++) {
      const centred = Math.fround(Math.fround(level / 255) - Math.fround(mean[channel]!));
      levels[3 * level + channel] = centred / Math.fround(std[channel]!);
    }
  }
  return levels;
}

/** Puts the bytes where the crop has them, on black, and normalises all. */
function normalised(
  bytes: Uint8ClampedArray,
  across: Crop,
  down: Crop,
  crop: number,
  levels: Float32Array,
): Float32Array {
  const result = new Float32Array(crop * crop * 3);
  if (bytes.length < result.length) repeat(levels.subarray(0, 3), result);
  const rowLength = 3 * across.taken.count;
  for (let y = 0; y < down.taken.count; y++) {
    const row = bytes.subarray(y * rowLength, (y + 1) * rowLength);
    normaliseRow(row, levels, result, 3 * ((down.at + y) * crop + across.at));
  }
  return result;
}

function repeat(pixel: Float32Array, into: Float32Array): void {
  into.set(pixel);
  for (let filled = pixel.length; filled < into.length; filled *= 2) into.copyWithin(filled, 0, filled);
}

function normaliseRow(row: Uint8ClampedArray, levels: Float32Array, into: Float32Array, at: number): void {
  for (let x = 0; x < row.length; x += 3) {
    into[at + x] = levels[3 * row[x]!]!;
    into[at + x + 1] = levels[3 * row[x + 1]! + 1]!;
    into[at + x + 2] = levels[3 * row[x + 2]! + 2]!;
  }
}

function checkLength(name: 'resize' | 'crop', value: unknown): void {
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= LARGEST_SIDE) return;
  const allowed = `a whole number of pixels from 1 to ${LARGEST_SIDE}`;
  throw new PruneError('argument', `${name} must be ${allowed}, but got ${shown(value)}.`, {
    given: value,
    allowed,
  });
}

function checkInterpolation(value: unknown): void {
  if (INTERPOLATIONS.some((name) => name === value)) return;
  const message = `interpolation must be ${INTERPOLATIONS.join(' or ')}, but got ${shown(value)}.`;
  throw new PruneError('argument', message, { given: value, allowed: INTERPOLATIONS });
}

function checkRgb(name: 'mean' | 'std', value: unknown): asserts value is Rgb {
  const isNumber = (part: unknown): boolean => typeof part === 'number' && Number.isFinite(Math.fround(part));
  const isAllowed = (part: unknown): boolean =>
    isNumber(part) && (name === 'mean' || Math.fround(Number(part)) !== 0);
  if (Array.isArray(value) && value.length === 3 && value.every(isAllowed)) return;
  const allowed = `three finite numbers${name === 'std' ? ' other than 0' : ''}, for red, green and blue`;
  const given = Array.isArray(value) ? `[${value.map(shown).join(', ')}]` : shown(value);
  throw new PruneError('argument', `${name} must be ${allowed}, but got ${given}.`, {
    given: value,
    allowed,
  });
}
