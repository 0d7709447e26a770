/**
 * Loads a ResNet50 from a file of each format and prints milliseconds as JSON, see {@link Loading}: `loading.ts ROUNDS
 * FOLDER`. The files are left in the folder.
 */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { resnet50 } from 'tfjs-prune/models';
import { stateDict, writePth, writeSafetensors } from 'tfjs-prune/weights';
import { type Loading, median } from './report';
import { startTorch } from './torch';

const rounds = Number(process.argv[2]);
const folder = String(process.argv[3]);
const files = { pth: join(folder, 'resnet50.pth'), safetensors: join(folder, 'resnet50.safetensors') };

await tf.setBackend('wasm');
const torch = await startTorch();
const model = await resnet50({ seed: 0 });
const state = stateDict(model);
model.dispose();
if (torch === undefined) await writePth(state, files.pth);
else await torch.run({ kind: 'save', path: files.pth });
await writeSafetensors(state, files.safetensors);

async function load(path: string): Promise<number> {
  const start = performance.now();
  const loaded = await resnet50({ weights: path });
  const elapsed = performance.now() - start;
  loaded.dispose();
  return elapsed;
}

const times = { torch: [] as number[], pth: [] as number[], safetensors: [] as number[] };
for (let round = 0; round < 3 * rounds; round++) {
  if (torch !== undefined) times.torch.push(await torch.run({ kind: 'load', path: files.pth }));
  times.pth.push(await load(files.pth));
  times.safetensors.push(await load(files.safetensors));
}
torch?.close();
const loading: Loading = {
  torch: torch === undefined ? null : median(times.torch),
  pth: median(times.pth),
  safetensors: median(times.safetensors),
  files,
};
console.log(JSON.stringify(loading));
