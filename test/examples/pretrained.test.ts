import { ResNet50_Weights } from 'tfjs-prune/models';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { isModelName, MODELS, preprocessingFor } from '../../examples/pretrained';
import { useBackend } from '../support/backend';

beforeAll(() => useBackend('cpu'));

const image = {
  data: Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * i) % 251),
  width: 40,
  height: 30,
};
const { IMAGENET1K_V1, IMAGENET1K_V2 } = ResNet50_Weights;

function valuesOf(transform: ReturnType<typeof preprocessingFor>): Float32Array {
  const result = transform(image);
  const values = result.dataSync<'float32'>().slice(0, 2000); // a part that tells sizes apart
  result.dispose();
  return values;
}

describe("the examples' table of models", () => {
  it.each([
    ['DEFAULT', IMAGENET1K_V2],
    ['IMAGENET1K_V1', IMAGENET1K_V1],
    ['ResNet50_Weights.IMAGENET1K_V2', IMAGENET1K_V2],
    ['/downloads/resnet50-11ad3fa6.pth', IMAGENET1K_V2],
    ['https://mirror.example/resnet50-0676ba61.pth', IMAGENET1K_V1],
  ])('prepares images for %s as in its training', (weights, { transforms }) => {
    expect(valuesOf(preprocessingFor('resnet50', weights))).toEqual(valuesOf(transforms()));
  });

  it('says when it does not know how weights were trained', () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    expect(valuesOf(preprocessingFor('resnet50', 'mine.pth'))).toEqual(valuesOf(IMAGENET1K_V1.transforms()));
    expect(log).toHaveBeenCalledWith(expect.stringMatching(/^How mine.pth was trained is not known/));
    log.mockRestore();
  });

  it("has torchvision's names only", () => {
    expect(Object.keys(MODELS).every(isModelName)).toBe(true);
    expect(['vgg16', 'toString', 'constructor'].some(isModelName)).toBe(false);
  });
});
