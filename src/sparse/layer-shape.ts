/** What of a layer's sizes decides how its kernel runs. Layers may be those of a second copy of tfjs, or the user's own. */

/** Pixels of an output that nothing is known of: what the middle of a ResNet has. */
const LIKELY_PIXELS = 14 * 14;

/**
 * Whether a layer moves on by more than one pixel.
 *
 * @param layer The layer.
 */
export function isStrided(layer: object): boolean {
  const strides: unknown = Reflect.get(layer, 'strides');
  return Array.isArray(strides) && strides.some((stride) => stride !== 1);
}

/**
 * How many pixels, or rows, one example's output has.
 *
 * @param layer The layer.
 * @param isMatrix Whether its kernel is a matrix, as that of a dense layer: it mostly meets single rows.
 */
export function pixelsOf(layer: object, isMatrix: boolean): number {
  const shape = outputShapeOf(layer);
  const isChannelsFirst = Reflect.get(layer, 'dataFormat') === 'channelsFirst';
  const sizes = isChannelsFirst ? shape?.slice(2) : shape?.slice(1, -1);
  const isKnown = sizes?.every((size) => typeof size === 'number' && size > 0);
  if (sizes === undefined || !isKnown) return isMatrix ? 1 : LIKELY_PIXELS;
  return sizes.reduce<number>((product, size) => product * Number(size), 1);
}

function outputShapeOf(layer: object): readonly unknown[] | undefined {
  try {
    const shape: unknown = Reflect.get(layer, 'outputShape');
    return Array.isArray(shape) && !shape.some(Array.isArray) ? shape : undefined;
  } catch {
    // tfjs throws where a layer has not been called, or for inputs of several sizes.
    return undefined;
  }
}
