// Checked by `npm run check`, as prune.test-d.ts.
import { createReadStream, createWriteStream } from 'node:fs';
import type * as tf from '@tensorflow/tfjs';
import type * as prune from 'tfjs-prune';
import * as masks from 'tfjs-prune/masks';
import {
  asResNet,
  type ImageSource,
  imagenetTransforms,
  type ResNet,
  type ResNetOptions,
  resnet18,
  resnet50,
  type WeightsName,
  wideResnet101_2,
} from 'tfjs-prune/models';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { readPth, type StateDict, writePth } from 'tfjs-prune/weights';
import { describe, expectTypeOf, it } from 'vitest';

describe('tfjs-prune/masks', () => {
  it('works over typed arrays', () => {
    expectTypeOf(masks.l1Unstructured).parameter(0).toEqualTypeOf<Float32Array>();
    expectTypeOf(masks.l1Unstructured(new Float32Array(4), 0.5)).toEqualTypeOf<Uint8Array>();
    expectTypeOf(masks.globalL1Unstructured([{ scores: new Float32Array(4) }], 2)).toEqualTypeOf<
      Uint8Array[]
    >();
    expectTypeOf(masks.globalBlockStructured([], 0.5)).toEqualTypeOf<Uint8Array[]>();
    expectTypeOf<masks.Amount>().toEqualTypeOf<prune.Amount>();
    expectTypeOf<masks.PruneError>().toEqualTypeOf<prune.PruneError>();
    // @ts-expect-error Scores are 32-bit floats, as tensors are.
    masks.l1Unstructured([1, 2, 3], 0.5);
  });
});

describe('tfjs-prune/models', () => {
  it('gives a layers model with the children of torch’s', () => {
    expectTypeOf(resnet50()).toEqualTypeOf<Promise<ResNet>>();
    expectTypeOf<ResNet>().toExtend<tf.LayersModel>();
    expectTypeOf<ResNet['conv1']>().toExtend<tf.layers.Layer>();
    expectTypeOf<ResNet['fc']>().toExtend<tf.layers.Layer>();
  });

  it('knows the blocks of each stage, so that none of them may be undefined', () => {
    expectTypeOf<ResNet['layer1']['length']>().toEqualTypeOf<3>();
    expectTypeOf<ResNet['layer2']['length']>().toEqualTypeOf<4>();
    expectTypeOf<ResNet['layer3']['length']>().toEqualTypeOf<6>();
    expectTypeOf<ResNet['layer4']['length']>().toEqualTypeOf<3>();
    const conv = (model: ResNet): tf.layers.Layer => model.layer3[5].conv3;
    const downsample = (model: ResNet): tf.layers.Layer => model.layer4[0].downsample[0];
    expectTypeOf(conv).toEqualTypeOf(downsample);
    expectTypeOf<ResNet['layer1'][1]['downsample']>().extract<undefined>().toEqualTypeOf<undefined>();
    // @ts-expect-error There is no fourth block.
    expectTypeOf<ResNet['layer1'][3]>().not.toBeAny();
  });

  it('knows the blocks of every ResNet', () => {
    expectTypeOf(resnet18()).toEqualTypeOf<Promise<ResNet<'resnet18'>>>();
    expectTypeOf(wideResnet101_2()).resolves.toEqualTypeOf<ResNet<'wide_resnet101_2'>>();
    expectTypeOf<ResNet<'resnet152'>['layer3']['length']>().toEqualTypeOf<36>();
    expectTypeOf<ResNet<'wide_resnet101_2'>['layer3'][22]['conv3']>().toEqualTypeOf<tf.layers.Layer>();
    expectTypeOf<ResNet<'resnet34'>['layer2'][0]['downsample'][0]>().toEqualTypeOf<tf.layers.Layer>();
    expectTypeOf<ResNet<'resnet18'>['layer1'][0]['downsample']>()
      .extract<undefined>()
      .toEqualTypeOf<undefined>();
    // @ts-expect-error Basic blocks have two convolutions.
    expectTypeOf<ResNet<'resnet18'>['layer1'][0]['conv3']>().not.toBeAny();
    const byDefault = (model: tf.LayersModel) => asResNet(model);
    const named = (model: tf.LayersModel) => asResNet(model, 'resnet18');
    expectTypeOf(byDefault).returns.toEqualTypeOf<ResNet>();
    expectTypeOf(named).returns.toEqualTypeOf<ResNet<'resnet18'>>();
  });

  it('takes weights by name, from anywhere', () => {
    expectTypeOf<'DEFAULT'>().toExtend<ResNetOptions['weights']>();
    // An editor offers the names, since the type still has them.
    expectTypeOf<Extract<ResNetOptions['weights'], 'DEFAULT' | WeightsName>>().toEqualTypeOf<
      'DEFAULT' | WeightsName
    >();
    expectTypeOf(String).returns.toExtend<ResNetOptions['weights']>();
    expectTypeOf<URL>().toExtend<ResNetOptions['weights']>();
    expectTypeOf<'https://example.org/nets/'>().toExtend<ResNetOptions['source']>();
    expectTypeOf<'torch'>().not.toExtend<ResNetOptions['source']>();
  });
});

describe('imagenetTransforms', () => {
  it('takes pixels, canvases and tensors of three axes', () => {
    expectTypeOf(imagenetTransforms()).returns.toEqualTypeOf<tf.Tensor3D>();
    expectTypeOf(imagenetTransforms()).parameter(0).toEqualTypeOf<ImageSource>();
    expectTypeOf<ImageData>().toExtend<ImageSource>();
    expectTypeOf<HTMLCanvasElement>().toExtend<ImageSource>();
    expectTypeOf<OffscreenCanvas>().toExtend<ImageSource>();
    expectTypeOf<tf.Tensor3D>().toExtend<ImageSource>();
    expectTypeOf<HTMLImageElement>().not.toExtend<ImageSource>();
    expectTypeOf<tf.Tensor4D>().not.toExtend<ImageSource>();
    // @ts-expect-error The preset's sizes are one number each.
    imagenetTransforms({ crop: [224, 224] });
    // @ts-expect-error One mean for each channel.
    imagenetTransforms({ mean: [0.5, 0.5] });
  });
});

describe('tfjs-prune/weights', () => {
  it('reads a path, bytes or a stream', () => {
    expectTypeOf(readPth)
      .parameter(0)
      .toEqualTypeOf<
        string | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>
      >();
    expectTypeOf(readPth('model.pth')).toEqualTypeOf<Promise<StateDict>>();
  });

  it("takes Node's streams", () => {
    expectTypeOf(readPth).toBeCallableWith(createReadStream('model.pth'));
    expectTypeOf(writePth).toBeCallableWith(new Map(), createWriteStream('model.pth'));
  });
});

describe('tfjs-prune/training', () => {
  it('names the kernels that it added', () => {
    expectTypeOf(registerTrainingKernels()).toEqualTypeOf<string[]>();
  });
});
