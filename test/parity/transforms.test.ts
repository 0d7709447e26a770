import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { imagenetTransforms } from 'tfjs-prune/models';
import { beforeAll, describe, expect, it } from 'vitest';
import { resample } from '../../src/models/transforms/resample';
import { resizedSize } from '../../src/models/transforms/window';
import { type TestBackend, useBackend } from '../support/backend';
import { expectNoLeak } from '../support/memory';
import { imageOf, type TransformCase, written } from './transforms-images';

const CASES: TransformCase[] = JSON.parse(
  readFileSync(new URL('./fixtures/transforms.json', import.meta.url), 'utf8'),
).cases;

describe('resizing gives the bytes of PIL', () => {
  it.each(CASES)('$name', async ({ image, options, resized, pixels }) => {
    const { width, height } = image;
    const [w, h] = resizedSize(width, height, options.resize);
    expect([w, h]).toEqual(resized);
    const across = { from: width, to: w, start: 0, count: w };
    const down = { from: height, to: h, start: 0, count: h };
    const source = { data: imageOf(image), width, height, channels: 3 } as const;
    const bytes = resample(source, across, down, options.interpolation);
    expect(await written(bytes, pixels)).toEqual(pixels);
  });
});

describe.each<TestBackend>(['cpu', 'wasm'])("gives the tensors of torchvision's preset on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(CASES)('$name', async ({ image, options, output }) => {
    const { width, height } = image;
    const result = expectNoLeak(
      () => imagenetTransforms(options)({ data: imageOf(image), width, height }),
      1,
    );
    expect(result.shape).toEqual([options.crop, options.crop, 3]);
    expect(result.dtype).toBe('float32');
    expect(await written(result.dataSync<'float32'>(), output)).toEqual(output);
    result.dispose();
  });

  it('whether the image is a tensor or has alpha', async () => {
    const { image, options, output } = CASES.find(({ name }) => name === 'small down')!;
    const { width, height } = image;
    const rgb = imageOf(image);
    const rgba = new Uint8Array(width * height * 4);
    for (let i = 0; i < rgba.length; i++) rgba[i] = i % 4 === 3 ? i % 256 : rgb[i - (i >> 2)]!;
    const tensor = tf.tensor3d(rgb, [height, width, 3], 'int32');
    const withAlpha = tf.tensor3d(rgba, [height, width, 4], 'int32');
    for (const source of [tensor, withAlpha, { data: rgba, width, height }]) {
      const result = expectNoLeak(() => imagenetTransforms(options)(source), 1);
      expect(await written(result.dataSync<'float32'>(), output)).toEqual(output);
      result.dispose();
    }
    tf.dispose([tensor, withAlpha]);
  });
});
