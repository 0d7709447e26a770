import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { imagenetTransforms } from 'tfjs-prune/models';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../support/backend';
import { imageOf, type TransformCase, written } from './transforms-images';

const PYTHON = '/usr/bin/python3';
const CASES = 200;
const script = fileURLToPath(new URL('./generate/transforms.py', import.meta.url));

const hasTorch = spawnSync(PYTHON, ['-c', 'import torchvision']).status === 0;
if (!hasTorch) console.log(`Skipped: ${PYTHON} has no torchvision to transform images with.`);

const asked = fc.record({
  image: fc.record({
    width: fc.integer({ min: 1, max: 300 }),
    height: fc.integer({ min: 1, max: 300 }),
    form: fc.constantFrom('noise', 'edges', 'ramp'),
    seed: fc.nat(1000),
  }),
  options: fc.record({
    resize: fc.integer({ min: 1, max: 90 }),
    crop: fc.integer({ min: 1, max: 90 }),
    interpolation: fc.constantFrom('bilinear', 'bicubic'),
  }),
});

// Without torchvision there is nothing to compare with; the committed fixtures cover the same.
describe.skipIf(!hasTorch)('images of any size', () => {
  beforeAll(() => useBackend('cpu'));

  it("become what torchvision's preset makes of them with PIL, bit for bit", async () => {
    const input = JSON.stringify(fc.sample(asked, { numRuns: CASES, seed: 20240229 }));
    const { status, stdout, stderr } = spawnSync(PYTHON, [script, 'live'], { input, maxBuffer: 2 ** 26 });
    if (status !== 0) throw new Error(`torchvision transformed nothing: ${stderr}`);
    const cases: TransformCase[] = JSON.parse(stdout.toString());
    expect(cases).toHaveLength(CASES);
    for (const { image, options, output } of cases) {
      const { width, height } = image;
      const result = imagenetTransforms(options)({ data: imageOf(image), width, height });
      const actual = await written(result.dataSync<'float32'>(), output);
      expect({ image, options, output: actual }).toEqual({ image, options, output });
      result.dispose();
    }
  });
});
