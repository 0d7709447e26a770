import * as tf from '@tensorflow/tfjs';

type Four = [number, number, number, number];

/** One convolution to differentiate; `seed` fixes its random input, filter and output gradient. */
export interface ConvCase {
  readonly x: Four;
  readonly filter: Four;
  readonly strides: [number, number];
  readonly pad: 'same' | 'valid' | [[0, 0], [number, number], [number, number], [0, 0]];
  readonly dilations: [number, number];
  readonly seed: number;
}

/** The gradients of a convolution with respect to its input and its filter. */
export interface ConvGradients {
  readonly x: Float32Array;
  readonly filter: Float32Array;
}

/** Whole numbers from `least` to `most` by Marsaglia's xorshift: the cases are the same in every run. */
function wholeNumbers(seed: number): (least: number, most: number) => number {
  let state = seed;
  return (least, most) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return least + ((state >>> 0) % (most - least + 1));
  };
}

/**
 * Convolutions of every pair of strides from 1 to 3 under every kind of padding, the rest drawn: kernels of 1 to 7,
 * batches of 1 to 3, odd and even sizes.
 *
 * @param seed Where the drawing starts.
 * @param perKind How many for each pair of strides and kind of padding.
 * @param options `dilations` (only stride 1 is drawn where these are not 1: tfjs allows one or the other) and the
 * largest kernel.
 * @returns The cases.
 */
export function convCases(
  seed: number,
  perKind: number,
  { dilations = [1, 1], largest = 7 }: { dilations?: [number, number]; largest?: number } = {},
): ConvCase[] {
  const draw = wholeNumbers(seed);
  const dilated = dilations[0] > 1 || dilations[1] > 1;
  const steps = dilated ? [1] : [1, 2, 3];
  const kinds = steps.flatMap((h) =>
    steps.flatMap((w) => (['same', 'valid', 'explicit'] as const).map((pad) => ({ h, w, pad }))),
  );
  return kinds.flatMap(({ h, w, pad }) =>
    Array.from({ length: perKind }, (_, index): ConvCase => {
      const kernel = [draw(1, largest), draw(1, largest)] as const;
      const channels = [draw(1, 5), draw(1, 6)] as const;
      const reach = kernel.map((size, axis) => (size - 1) * (dilations[axis] ?? 1) + 1);
      const size = reach.map((least) => least + draw(0, 6));
      const margin = (): [number, number] => [draw(0, 3), draw(0, 3)];
      return {
        x: [draw(1, 3), size[0] ?? 0, size[1] ?? 0, channels[0]],
        filter: [...kernel, ...channels],
        strides: [h, w],
        pad: pad === 'explicit' ? [[0, 0], margin(), margin(), [0, 0]] : pad,
        dilations,
        seed: 1000 * seed + 100 * h + 10 * w + index,
      };
    }),
  );
}

/** What a case is called in the list of tests. */
export function caseName({ x, filter, strides, pad, dilations }: ConvCase): string {
  const margins = typeof pad === 'string' ? pad : `pad ${pad.slice(1, 3).join(' ')}`;
  return `x ${x} filter ${filter} strides ${strides} dilations ${dilations} ${margins}`;
}

function outputShape(c: ConvCase, depthwise: boolean): Four {
  const mode = typeof c.pad === 'string' ? undefined : 'floor';
  return tf.backend_util.computeConv2DInfo(c.x, c.filter, c.strides, c.dilations, c.pad, mode, depthwise)
    .outShape;
}

function convolve(c: ConvCase, depthwise: boolean): (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor4D {
  const mode = typeof c.pad === 'string' ? undefined : 'floor';
  return (x, filter) =>
    depthwise
      ? tf.depthwiseConv2d(x, filter, c.strides, c.pad, 'NHWC', c.dilations, mode)
      : tf.conv2d(x, filter, c.strides, c.pad, 'NHWC', c.dilations, mode);
}

function inputs(c: ConvCase, depthwise: boolean): { x: tf.Tensor4D; filter: tf.Tensor4D; dy: tf.Tensor4D } {
  return {
    x: tf.randomNormal(c.x, 0, 1, 'float32', c.seed),
    filter: tf.randomNormal(c.filter, 0, 1, 'float32', c.seed + 1),
    dy: tf.randomNormal(outputShape(c, depthwise), 0, 1, 'float32', c.seed + 2),
  };
}

/**
 * The gradients as the current backend computes them.
 *
 * @param c The convolution.
 * @param depthwise Whether it is a depthwise one; the filter's last axis is then the channel multiplier.
 * @returns Both gradients, flat.
 */
export function gradientsOf(c: ConvCase, depthwise = false): ConvGradients {
  return tf.tidy(() => {
    const { x, filter, dy } = inputs(c, depthwise);
    const [dx, dFilter] = tf.grads(convolve(c, depthwise) as (...args: tf.Tensor[]) => tf.Tensor)(
      [x, filter],
      dy,
    );
    return { x: floats(dx), filter: floats(dFilter) };
  });
}

/**
 * The gradients by differences. A convolution is linear in its input and in its filter, so the difference that one
 * element makes is the convolution of that element alone, with no error of a finite step.
 *
 * @param c The convolution.
 * @param depthwise As for {@link gradientsOf}.
 * @returns Both gradients, flat.
 */
export function differencesOf(c: ConvCase, depthwise = false): ConvGradients {
  return tf.tidy(() => {
    const { x, filter, dy } = inputs(c, depthwise);
    const forward = convolve(c, depthwise);
    const difference = (y: tf.Tensor): number => tf.sum(tf.mul(y, dy)).dataSync()[0] ?? Number.NaN;
    return {
      x: perElement(c.x, (unit) => difference(forward(unit, filter))),
      filter: perElement(c.filter, (unit) => difference(forward(x, unit))),
    };
  });
}

function perElement(shape: Four, f: (unit: tf.Tensor4D) => number): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  return Float32Array.from({ length: size }, (_, index) =>
    tf.tidy(() => {
      const values = new Float32Array(size);
      values[index] = 1;
      return f(tf.tensor4d(values, shape));
    }),
  );
}

function floats(tensor: tf.Tensor | undefined): Float32Array {
  if (tensor === undefined) throw new Error('There is no gradient.');
  return tensor.dataSync<'float32'>();
}
