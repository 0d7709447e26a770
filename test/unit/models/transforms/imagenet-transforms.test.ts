import * as tf from '@tensorflow/tfjs';
import { imagenetTransforms } from 'tfjs-prune/models';
import { beforeAll, describe, expect, it } from 'vitest';
import { isPruneError, type PruneErrorKind } from '../../../../src/errors';
import { useBackend } from '../../../support/backend';
import { expectNoLeak } from '../../../support/memory';

beforeAll(() => useBackend('cpu'));

function expectRefused(call: () => unknown, kind: PruneErrorKind, ...says: RegExp[]): Error {
  let thrown: unknown;
  expectNoLeak(() => {
    try {
      call();
    } catch (error) {
      thrown = error;
    }
  });
  if (!isPruneError(thrown)) throw new Error(`A PruneError was expected, not ${thrown}`, { cause: thrown });
  expect(thrown.kind).toBe(kind);
  for (const what of says) expect(thrown.message).toMatch(what);
  return thrown;
}

/** Calls with what the types forbid, as JavaScript can. */
const loosely = imagenetTransforms as (options?: unknown) => (image: unknown) => tf.Tensor3D;

describe('imagenetTransforms', () => {
  // What ImageClassification does to one colour is arithmetic: (level / 255 − mean) / std.
  it('has the defaults of torchvision’s preset', () => {
    const data = Uint8Array.from({ length: 300 * 260 * 3 }, (_, i) => [255, 128, 0][i % 3]!);
    const result = imagenetTransforms()({ data, width: 300, height: 260 });
    expect(result.shape).toEqual([224, 224, 3]);
    const colour = [(1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, -0.406 / 0.225];
    const expected = Float32Array.from({ length: 224 * 224 * 3 }, (_, i) => colour[i % 3]!);
    expect(result).toBeAllClose(tf.tensor3d(expected, [224, 224, 3]));
    result.dispose();
  });

  it('takes an image with a number of bytes that a view begins at', () => {
    const buffer = Uint8Array.of(9, 9, 9, 10, 20, 30);
    const options = { resize: 1, crop: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const result = imagenetTransforms(options)({ data: buffer.subarray(3), width: 1, height: 1 });
    expect(result).toBeAllClose([10 / 255, 20 / 255, 30 / 255]);
    result.dispose();
  });

  it('does not change the image', () => {
    const data = Uint8Array.from({ length: 27 }, (_, i) => 7 * i);
    imagenetTransforms({ resize: 5, crop: 7 })({ data, width: 3, height: 3 }).dispose();
    expect([...data]).toEqual(Array.from({ length: 27 }, (_, i) => 7 * i));
  });

  it('computes no more of an enormous result than the crop', () => {
    // Resized whole, this would be 2,560,000 pixels wide: 2 GB.
    const image = { data: new Uint8Array(10_000 * 3).fill(255), width: 10_000, height: 1 };
    const options = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const result = imagenetTransforms(options)(image);
    expect(tf.tidy(() => result.min().dataSync()[0])).toBe(1);
    result.dispose();
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', 224, /options must be an object with resize.*but got 224/],
    ['null', null, /options must be an object/],
    ['an unknown option', { size: 224 }, /no option 'size'.*resize, crop, mean, std, interpolation/],
    ['resize 0', { resize: 0 }, /resize must be a whole number of pixels from 1 to 8192, but got 0/],
    ['resize 1.5', { resize: 1.5 }, /but got 1.5/],
    ['resize as text', { resize: '256' }, /but got '256'/],
    ['a crop of two', { crop: [224, 224] }, /crop must be a whole number.*an array of 2/],
    ['a crop that is too large', { crop: 8193 }, /to 8192, but got 8193/],
    ['NaN', { crop: Number.NaN }, /but got NaN/],
    ['one mean', { mean: 0.5 }, /mean must be three finite numbers.*but got 0.5/],
    ['two means', { mean: [0.5, 0.5] }, /but got \[0.5, 0.5\]/],
    ['a mean that is not finite', { mean: [0, 0, Infinity] }, /Infinity/],
    ['a std of 0', { std: [1, 0, 1] }, /std must be three finite numbers other than 0.*\[1, 0, 1\]/],
    ['a std that is 0 as a 32-bit float', { std: [1, 1, 1e-50] }, /other than 0/],
    ['another filter', { interpolation: 'nearest' }, /interpolation must be bilinear or bicubic.*'nearest'/],
  ])('refuses %s', (_, options, says) => {
    expectRefused(() => loosely(options), 'argument', says);
  });

  const preprocess = loosely();
  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /image must be an ImageData.*a canvas.*int32 tensor.*undefined/],
    ['a path', 'cat.png', /but got 'cat.png'/],
    ['an <img>', { src: 'cat.png', width: 3, height: 3 }, /on a canvas, or call tf.browser.fromPixels/],
    [
      'no width',
      { data: new Uint8Array(3), width: 0, height: 1 },
      /width of an image.*at least 1, but got 0/,
    ],
    ['no height', { data: new Uint8Array(3), width: 1, height: 0 }, /height of an image.*but got 0/],
    ['half a pixel', { data: new Uint8Array(6), width: 1.5, height: 1 }, /width.*1.5/],
    ['a width as text', { data: new Uint8Array(3), width: '1', height: 1 }, /width.*'1'/],
    ['a list of numbers', { data: [1, 2, 3], width: 1, height: 1 }, /Uint8Array.*an array of 3/],
    ['floats', { data: new Float32Array(3), width: 1, height: 1 }, /Uint8Array.*Float32Array/],
    ['16 bits', { data: new Uint16Array(3), width: 1, height: 1 }, /Uint8Array.*Uint16Array/],
    ['too few bytes', { data: new Uint8Array(11), width: 2, height: 2 }, /2×2×3 values.*2×2×4.*it has 11\.$/],
    ['grey bytes', { data: new Uint8Array(4), width: 2, height: 2 }, /it has 4. Write each grey value three/],
    ['two channels', { data: new Uint8Array(8), width: 2, height: 2 }, /it has 8\.$/],
  ])('refuses an image that is %s', (_, image, says) => {
    expectRefused(() => preprocess(image), 'argument', says);
  });

  it.each<[string, () => tf.Tensor, PruneErrorKind, RegExp]>([
    ['of floats', () => tf.zeros([2, 2, 3]), 'argument', /int32.*but got float32.*mul\(255\)/],
    ['of truth values', () => tf.zeros([2, 2, 3], 'bool'), 'argument', /int32.*but got bool/],
    ['below 0', () => filled([2, 2, 3], 7, -1), 'argument', /0 to 255, but that at \[1, 0, 1\] is -1/],
    ['above 255', () => filled([2, 2, 4], 15, 256), 'argument', /at \[1, 1, 3\] is 256/],
    ['grey', () => tf.zeros([2, 2, 1], 'int32'), 'shape', /\[2, 2, 1\].*image.tile\(\[1, 1, 3\]\)/],
    ['grey, of two axes', () => tf.zeros([2, 2], 'int32'), 'shape', /\[2, 2\].*expandDims\(-1\)/],
    ['a batch', () => tf.zeros([1, 2, 2, 3], 'int32'), 'shape', /\[1, 2, 2, 3\].*tf.unstack/],
    ["in PyTorch's order", () => tf.zeros([3, 8, 8], 'int32'), 'shape', /image.transpose\(\[1, 2, 0\]\)/],
    ['without columns', () => tf.zeros([2, 0, 3], 'int32'), 'argument', /width of an image.*but got 0/],
  ])('refuses a tensor that is %s', (_, make, kind, says) => {
    const image = make();
    expectRefused(() => preprocess(image), kind, says);
    image.dispose();
  });

  it('refuses a tensor that has been disposed', () => {
    const image = tf.zeros([2, 2, 3], 'int32');
    image.dispose();
    expectRefused(() => preprocess(image), 'state', /has been disposed/);
  });
});

function filled(shape: [number, number, number], at: number, value: number): tf.Tensor {
  const values = new Int32Array(shape[0] * shape[1] * shape[2]);
  values[at] = value;
  return tf.tensor3d(values, shape, 'int32');
}

describe('a canvas', () => {
  // Node has none; test/browser has real ones. These stand for those that cannot be read.
  const canvas = (getContext: () => unknown, width = 2): object => ({ width, height: 2, getContext });
  const preprocess = loosely({ resize: 2, crop: 2 });

  it('that holds an image from another site is refused with the cause', () => {
    const cause = new DOMException('The canvas has been tainted by cross-origin data.', 'SecurityError');
    const getImageData = (): never => {
      throw cause;
    };
    const error = expectRefused(
      () => preprocess(canvas(() => ({ getImageData }))),
      'argument',
      /another site.*crossOrigin = 'anonymous'/,
    );
    expect(error.cause).toBe(cause);
  });

  it('with a context of another kind is refused', () => {
    expectRefused(() => preprocess(canvas(() => null)), 'argument', /no 2d context.*drawImage/);
  });

  it('of no size is refused before it is read', () => {
    const getContext = (): never => {
      throw new Error('read');
    };
    expectRefused(() => preprocess(canvas(getContext, 0)), 'argument', /width of an image.*but got 0/);
  });
});
