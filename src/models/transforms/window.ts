import type { Span } from './resample';

/** One axis of a centre crop: what it takes of the image, and where it puts that. */
export interface Crop {
  /** The pixels that it takes of the resized image. */
  readonly taken: Span;
  /** Where the first of them comes to lie; above 0 where the image is smaller than the crop, which pads it. */
  readonly at: number;
}

/**
 * The size to which torchvision resizes an image: the shorter side as asked for, the longer one in proportion, cut down to
 * a whole number.
 *
 * @param width The image's width.
 * @param height The image's height.
 * @param shorter The length that the shorter side gets.
 * @returns Width and height.
 */
export function resizedSize(width: number, height: number, shorter: number): [width: number, height: number] {
  return width <= height
    ? [shorter, Math.trunc((shorter * height) / width)]
    : [Math.trunc((shorter * width) / height), shorter];
}

/**
 * One axis of torchvision's `center_crop`, which rounds offsets of a half to the even number and puts the odd pixel of a
 * padding behind.
 *
 * @param from The image's size.
 * @param to Its size after resizing.
 * @param crop The crop's size.
 * @returns What to take and where to put it.
 */
export function centreCrop(from: number, to: number, crop: number): Crop {
  if (crop > to) return { taken: { from, to, start: 0, count: to }, at: Math.floor((crop - to) / 2) };
  return { taken: { from, to, start: halfRoundedToEven(to - crop), count: crop }, at: 0 };
}

/** Half of a whole number, rounded as Python does. */
function halfRoundedToEven(whole: number): number {
  const floor = Math.floor(whole / 2);
  return floor + (whole % 2 === 1 && floor % 2 === 1 ? 1 : 0);
}
