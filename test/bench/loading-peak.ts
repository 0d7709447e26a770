/** Loads a ResNet50 in a process of its own and prints how much memory that took at most, in bytes: `loading-peak.ts FILE`. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { resnet50 } from 'tfjs-prune/models';

await tf.setBackend('wasm');
tf.zeros([1]).dispose();
const before = process.memoryUsage.rss();
await resnet50({ weights: String(process.argv[2]) });
console.log(process.resourceUsage().maxRSS * 1024 - before);
