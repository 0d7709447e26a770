import * as tf from '@tensorflow/tfjs';
import { type ImageSource, imagenetTransforms } from 'tfjs-prune/models';
import { beforeAll, describe, expect, it } from 'vitest';
import { imageOf, type TransformCase, written } from '../parity/transforms-images';
import { type BrowserBackend, useBrowserBackend } from '../support/browser';
import { expectNoLeak } from '../support/memory';

const fixture = await fetch(new URL('../parity/fixtures/transforms.json', import.meta.url));
const ALL: TransformCase[] = (await fixture.json()).cases;
const NAMES = ["the presets' IMAGENET1K_V1", 'up, odd', 'small down', 'bicubic, overshooting'];
const CASES = ALL.filter(({ name }) => NAMES.includes(name));

function imageDataOf({ image }: TransformCase): ImageData {
  const { width, height } = image;
  const rgb = imageOf(image);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return new ImageData(rgba, width, height);
}

function canvasOf(image: ImageData): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

function offscreenOf(image: ImageData): OffscreenCanvas {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

const SOURCES: Record<string, (image: ImageData) => ImageSource> = {
  'an ImageData': (image) => image,
  'a canvas': canvasOf,
  'an OffscreenCanvas': offscreenOf,
  'a tensor of tf.browser.fromPixels': (image) => tf.browser.fromPixels(image),
};

describe.each<BrowserBackend>(['wasm', 'webgl'])('imagenetTransforms in a browser on %s', (backend) => {
  beforeAll(() => useBrowserBackend(backend));

  it('has all the cases of the fixtures', () => expect(CASES).toHaveLength(NAMES.length));

  describe.each(Object.entries(SOURCES))('from %s', (_, sourceOf) => {
    it.each(CASES)("gives the tensor of torchvision's preset: $name", async (example) => {
      const source = sourceOf(imageDataOf(example));
      const result = expectNoLeak(() => imagenetTransforms(example.options)(source), 1);
      expect(await written(await result.data<'float32'>(), example.output)).toEqual(example.output);
      result.dispose();
      if (source instanceof tf.Tensor) source.dispose();
    });
  });

  it('refuses a canvas that has a WebGL context', () => {
    const canvas = document.createElement('canvas');
    canvas.getContext('webgl');
    expect(() => imagenetTransforms()(canvas)).toThrow(/no 2d context/);
  });

  it('refuses an <img>, and says how to give one', () => {
    const image: unknown = new Image(3, 3);
    expect(() => imagenetTransforms()(image as ImageData)).toThrow(
      /on a canvas, or call tf.browser.fromPixels/,
    ); // what types forbid
  });
});
