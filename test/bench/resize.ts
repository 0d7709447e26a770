/**
 * Transforms an image of 500×375 pixels for a network, in a process of its own, and prints the median milliseconds. The
 * crop is as wide as the resized image, so that all of it is computed.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { imagenetTransforms } from 'tfjs-prune/models';
import { median } from './report';

const rounds = Number(process.argv[2]);
const [width, height] = [500, 375];

await tf.setBackend('wasm');
const image = {
  data: Uint8Array.from({ length: width * height * 4 }, (_, i) => (i * i) >> 3),
  width,
  height,
};
const preprocess = imagenetTransforms({ resize: 256, crop: 341 });
const times: number[] = [];
for (let warmup = 0; warmup < 20; warmup++) preprocess(image).dispose();
for (let round = 0; round < 10 * rounds; round++) {
  const start = performance.now();
  preprocess(image).dispose();
  times.push(performance.now() - start);
}
console.log(median(times));
