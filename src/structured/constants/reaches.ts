/** How convolutions, pooling and the like go over the axes of their inputs, as tfjs does it. */
import { EACH, type Reach } from './windows';

/** Along one axis of a kernel or a pool. */
interface Step {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
}

/** Each position meets a window of the input. Of an odd number of places that are padded the smaller half is before. */
function gathering({ size, stride, dilation }: Step, isPadded: boolean): Reach {
  const extent = (size - 1) * dilation + 1;
  if (extent === 1 && stride === 1) return EACH;
  const positions = (input: number): number =>
    isPadded ? Math.ceil(input / stride) : Math.max(0, Math.floor((input - extent) / stride) + 1);
  const before = (input: number): number =>
    isPadded ? Math.floor(Math.max((positions(input) - 1) * stride + extent - input, 0) / 2) : 0;
  return {
    taps: size,
    positions,
    place: (at, tap, input) => at * stride + tap * dilation - before(input),
    enough: extent + 2 * stride,
  };
}

/** Each place of the input spreads over a window of positions. */
function spreading({ size, stride }: Step, isPadded: boolean): Reach {
  const more = Math.max(size - stride, 0);
  if (size === 1 && stride === 1) return EACH;
  const before = isPadded ? Math.floor(more / 2) : 0;
  return {
    taps: size,
    positions: (input) => input * stride + (isPadded ? 0 : more),
    place: (at, tap) => (at + before - tap) / stride,
    enough: size + 2 * stride,
  };
}

/** Each position meets one place of the input, or nothing. */
export function moved(positions: (size: number) => number, place: (at: number) => number): Reach {
  return { taps: 1, positions, place, enough: 1 + positions(1) };
}

const numberAt = (option: unknown, axis: number): number => {
  const all = [option ?? 1].flat();
  return Number(all[axis] ?? all[0]);
};

/**
 * @param layer A convolution or a pooling.
 * @param className Its class.
 * @param sizes The sizes of its kernel or pool.
 * @returns How it goes over each axis.
 */
export function reachesOf(layer: object, className: string, sizes: readonly number[]): Reach[] {
  const isPadded = Reflect.get(layer, 'padding') === 'same';
  const isTransposed = className.endsWith('Transpose');
  // tfjs gives depthwise convolutions the option of all convolutions, and leaves it out.
  const dilations: unknown = className === 'DepthwiseConv2D' ? 1 : Reflect.get(layer, 'dilationRate');
  return sizes.map((size, axis) => {
    const stride = numberAt(Reflect.get(layer, 'strides'), axis);
    const step = { size, stride, dilation: numberAt(dilations, axis) };
    return isTransposed ? spreading(step, isPadded) : gathering(step, isPadded);
  });
}
