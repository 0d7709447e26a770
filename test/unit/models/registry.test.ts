import * as tf from '@tensorflow/tfjs';
import * as models from 'tfjs-prune/models';
import { afterEach, describe, expect, it } from 'vitest';
import { findRegistered, type RegisteredWeights } from '../../../src/models/registry';
import { REGISTRY } from '../../../src/models/registry-data';
import { planResNet, RESNETS, type ResNetName } from '../../../src/models/resnet-plan';
import { registeredFile } from '../../../src/models/resnet-weights';
import { expectNoLeak } from '../../support/memory';

// Facts of torchvision's documentation.
describe('pretrained weights', () => {
  it('are named as in torchvision', () => {
    const { ResNet50_Weights, ResNet18_Weights } = models;
    expect(ResNet50_Weights.DEFAULT).toBe(ResNet50_Weights.IMAGENET1K_V2);
    expect(ResNet50_Weights.DEFAULT).toMatchObject({
      model: 'resnet50',
      name: 'IMAGENET1K_V2',
      url: 'https://download.pytorch.org/models/resnet50-11ad3fa6.pth',
      numParams: 25_557_032,
      acc1: 80.858,
      acc5: 95.434,
    });
    expect(ResNet50_Weights.IMAGENET1K_V1.acc1).toBe(76.13);
    expect(ResNet18_Weights.DEFAULT).toBe(ResNet18_Weights.IMAGENET1K_V1);
    expect(Object.keys(ResNet18_Weights)).toEqual(['IMAGENET1K_V1', 'DEFAULT']);
  });

  it.each(Object.entries(REGISTRY))('%s has all that the exported object has', (name, entry) => {
    const exported: unknown = Reflect.get(models, entry.enumName);
    expect(Object.keys(exported as object)).toEqual([...Object.keys(entry.weights), 'DEFAULT']);
    const plan = planResNet(name as ResNetName);
    expect(plan.name).toBe(name);
    for (const weights of Object.values(entry.weights)) {
      expect(weights.url).toMatch(
        new RegExp(`^https://download\\.pytorch\\.org/models/${name}-[0-9a-f]{8}\\.pth$`),
      );
      expect(weights.hub.repository).toMatch(new RegExp(`^timm/${name}\\.tv2?_in1k$`));
      expect(weights.hub.sha256 ?? '0'.repeat(64)).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('have torchvision’s preprocessing', () => {
    const image = tf.fill([500, 375, 3], 255, 'int32') as tf.Tensor3D;
    const { ResNet50_Weights } = models;
    expectNoLeak(() => {
      const [first, second] = [ResNet50_Weights.IMAGENET1K_V1, ResNet50_Weights.IMAGENET1K_V2].map(
        (weights) => {
          const tensor = weights.transforms()(image);
          const white = tensor.dataSync()[0];
          const { shape } = tensor;
          tensor.dispose();
          return { white, shape, resize: weights.preprocessing.resize };
        },
      );
      const white = expect.closeTo((1 - 0.485) / 0.229, 5);
      expect(first).toEqual({ white, shape: [224, 224, 3], resize: 256 });
      expect(second).toEqual({ white, shape: [224, 224, 3], resize: 232 });
    });
    image.dispose();
  });

  it('cover every ResNet', () => {
    expect(Object.keys(REGISTRY)).toEqual(Object.keys(RESNETS));
  });
});

describe('IMAGENET_CATEGORIES', () => {
  it('has the thousand classes in the order of the logits', () => {
    expect(models.IMAGENET_CATEGORIES).toHaveLength(1000);
    expect([0, 1, 207, 281, 999].map((i) => models.IMAGENET_CATEGORIES[i])).toEqual([
      'tench',
      'goldfish',
      'golden retriever',
      'tabby',
      'toilet tissue',
    ]);
  });
});

describe('the name of weights', () => {
  it.each([
    ['IMAGENET1K_V1', 'IMAGENET1K_V1'],
    ['IMAGENET1K_V2', 'IMAGENET1K_V2'],
    ['DEFAULT', 'IMAGENET1K_V2'],
    ['ResNet50_Weights.DEFAULT', 'IMAGENET1K_V2'],
    ['ResNet50_Weights.IMAGENET1K_V1', 'IMAGENET1K_V1'],
  ] as const)('%s is known', (given, name) => {
    expect(findRegistered('resnet50', given)).toBe(REGISTRY.resnet50.weights[name]);
  });

  it.each(['resnet50.pth', './DEFAULT', 'IMAGENET1K_V1.pth', 'weights/IMAGENET1K_V1', 'default'])(
    '%s is a path',
    (given) => expect(findRegistered('resnet50', given)).toBeUndefined(),
  );

  it.each([
    'IMAGENET1K_V2',
    'IMAGENET1K_SWAG',
    'ResNet50_Weights.IMAGENET1K_V1',
    'ResNet18_Weights.IMAGENET1K_V2',
  ])('%s is none of ResNet18’s', (given) => {
    expect(() => findRegistered('resnet18', given)).toThrow(
      `resnet18 has no pretrained weights '${given}'; it has: ResNet18_Weights.IMAGENET1K_V1, ResNet18_Weights.DEFAULT.`,
    );
  });
});

describe('the source of pretrained weights', () => {
  const first: RegisteredWeights = REGISTRY.resnet50.weights.IMAGENET1K_V1!;
  const second: RegisteredWeights = REGISTRY.resnet50.weights.IMAGENET1K_V2!;
  const torchvision = { url: 'https://download.pytorch.org/models/resnet50-11ad3fa6.pth' };
  const hub = { url: 'https://huggingface.co/timm/resnet50.tv2_in1k/resolve/main/model.safetensors' };
  afterEach(() => tf.env().set('IS_BROWSER', false));

  it('is torchvision by default, and the hub in a browser', () => {
    expect(registeredFile(second, undefined)).toEqual(torchvision);
    tf.env().set('IS_BROWSER', true);
    expect(registeredFile(second, undefined)).toEqual(hub);
    expect(registeredFile(second, 'torchvision')).toEqual(torchvision);
  });

  it('brings the hash that the hub shows, where it is known', () => {
    expect(registeredFile(second, 'huggingface')).toEqual(hub);
    expect(registeredFile(first, 'huggingface')).toEqual({
      url: 'https://huggingface.co/timm/resnet50.tv_in1k/resolve/main/model.safetensors',
      sha256: '5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888',
    });
  });

  it.each([
    ['https://example.org/', 'https://example.org/resnet50-11ad3fa6.pth'],
    ['https://example.org/a/b/', 'https://example.org/a/b/resnet50-11ad3fa6.pth'],
    ['http://example.org/a/?key=1', 'http://example.org/a/resnet50-11ad3fa6.pth?key=1'],
    ['https://example.org/mine.safetensors', 'https://example.org/mine.safetensors'],
    ['https://example.org/get?file=a/', 'https://example.org/get?file=a/'],
  ] as const)('may be a mirror: %s', (source, url) => {
    expect(registeredFile(second, source)).toEqual({ url });
  });

  it.each(['https://', 'ftp://example.org/', 'hub', 5, null, {}])('is not %j', (source) => {
    // Untyped code may give any source.
    expect(() => registeredFile(second, source as 'torchvision')).toThrow(
      /source must be 'torchvision' or 'huggingface' or the https:\/\/ address of a mirror's folder or file, but got/,
    );
  });
});
