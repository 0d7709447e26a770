/** Builds ResNet50's graph, for weights that are to be loaded, in a process of its own and prints the milliseconds. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { buildGraph } from '../../src/models/resnet-graph';
import { planResNet } from '../../src/models/resnet-plan';

await tf.setBackend('wasm');
const start = performance.now();
buildGraph(planResNet('resnet50'), [224, 224, 3]);
console.log(performance.now() - start);
