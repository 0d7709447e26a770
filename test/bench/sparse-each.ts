/**
 * Looks for layers that run sparse and are slower than dense, over networks, sizes of images and shares of zeros, and prints
 * {@link Row}s as JSON: `sparse-each.ts ROUNDS [WORD]`.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { resnet18, resnet50 } from 'tfjs-prune/models';
import { accelerate } from 'tfjs-prune/sparse';
import type { Row } from './report';
import { worstLayer } from './sparse-layers';

const only = process.argv[3] ?? '';
const AMOUNTS = [0, 0.3, 0.5, 0.7, 0.9];

/** A MobileNet's convolutions: each depthwise one and the pointwise one after it. */
async function mobileNet({ inputShape }: { inputShape: [number, number, number] }): Promise<tf.LayersModel> {
  const blocks = [64, -128, 128, -256, 256, -512, 512, 512, 512, 512, 512, -1024, 1024];
  const same = { padding: 'same', useBias: false } as const;
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape, filters: 32, kernelSize: 3, strides: 2, ...same }),
      ...blocks.flatMap((channels) => [
        tf.layers.depthwiseConv2d({ kernelSize: 3, strides: channels < 0 ? 2 : 1, ...same }),
        tf.layers.conv2d({ filters: Math.abs(channels), kernelSize: 1, activation: 'relu', ...same }),
      ]),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 1000 }),
    ],
  });
}

const SETTINGS = [
  { what: 'ResNet50, 224×224', build: resnet50, images: 1, size: 224 },
  { what: 'ResNet50, 64×64', build: resnet50, images: 1, size: 64 },
  { what: 'ResNet50, eight of 64×64', build: resnet50, images: 8, size: 64 },
  { what: 'ResNet18, 224×224', build: resnet18, images: 1, size: 224 },
  { what: 'ResNet18, eight of 224×224', build: resnet18, images: 8, size: 224 },
  { what: 'MobileNet, 224×224', build: mobileNet, images: 1, size: 224 },
  { what: 'MobileNet, 64×64', build: mobileNet, images: 1, size: 64 },
  { what: 'MobileNet, eight of 224×224', build: mobileNet, images: 8, size: 224 },
] as const;

const rows: Row[] = [];
await tf.setBackend('wasm');
for (const { what, build, images, size } of SETTINGS) {
  for (const amount of AMOUNTS) {
    for (const measure of [false, true]) {
      const name = `${what}, ${amount} in each layer, ${measure ? 'measured' : 'expected'}`;
      if (!name.includes(only)) continue;
      const models: tf.LayersModel[] = [];
      for (let i = 0; i < 2; i++) {
        const model = await build({ inputShape: [size, size, 3], seed: 0 });
        if (amount > 0) {
          for (const [layer, weight] of prune.parameters(model)) prune.l1Unstructured(layer, weight, amount);
        }
        models.push(model);
      }
      const [dense, fast] = models as [tf.LayersModel, tf.LayersModel];
      const handle = await accelerate(fast, { measure });
      rows.push(worstLayer(name, fast, handle, dense, images));
      console.error(rows.at(-1));
      handle.dispose();
      for (const model of models) model.dispose();
    }
  }
}
console.log(JSON.stringify(rows));
