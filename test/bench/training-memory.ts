/** Prints, as JSON, the tensors and the size of the backend's memory after 2 and after 50 training steps: `training-memory.ts OPTIMIZER`. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { activeHeap } from '../../src/wasm/heap';
import { makeStep } from './training-step';

await tf.setBackend('wasm');
registerTrainingKernels();
const step = await makeStep({ optimizer: process.argv[2] === 'adam' ? tf.train.adam(1e-3) : undefined });
const memories: string[] = [];
for (let steps = 1; steps <= 50; steps++) {
  await step();
  if (steps !== 2 && steps !== 50) continue;
  memories.push(`${tf.memory().numTensors} tensors, ${activeHeap()?.buffer.byteLength} bytes`);
}
console.log(JSON.stringify(memories));
