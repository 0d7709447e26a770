import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';

/**
 * Saves to and loads from a folder of Node's file system, in the files that every tfjs reads: model.json, weights.bin.
 * (tfjs itself brings `file://` only with its native Node backend.)
 */
export function folder(path: string): tf.io.IOHandler {
  const topology = join(path, 'model.json');
  const weights = join(path, 'weights.bin');
  return {
    async save({ weightData, weightSpecs, ...artifacts }): Promise<tf.io.SaveResult> {
      const bytes = tf.io.CompositeArrayBuffer.join(weightData);
      const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      await mkdir(path, { recursive: true });
      await writeFile(weights, new Uint8Array(bytes));
      await writeFile(topology, JSON.stringify({ ...artifacts, weightsManifest: manifest }));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
    async load(): Promise<tf.io.ModelArtifacts> {
      const { weightsManifest, ...artifacts } = JSON.parse(await readFile(topology, 'utf8'));
      const bytes = await readFile(weights);
      const weightData = new Uint8Array(bytes).buffer;
      return { ...artifacts, weightSpecs: weightsManifest[0].weights, weightData };
    },
  };
}
