import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { resnet50 } from 'tfjs-prune/models';
import { registerTrainingKernels } from 'tfjs-prune/training';
import {
  loadStateDict,
  readPth,
  type StateDict,
  stateDict,
  type TensorData,
  writePth,
} from 'tfjs-prune/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/weights/elements';
import { useBackend } from '../support/backend';
import { flat, zeros } from '../support/layers';
import { decode, logitsOf, rangeOf } from './resnet-logits';

const PYTHON = '/usr/bin/python3';
const SIZE = 64;
/** Training takes its time where other tests run beside it. */
const TIMEOUT = 600_000;
/** Of the image that the Python half draws. */
const INPUT_SEED = 1234;
const CLASSES = 1000;
const script = fileURLToPath(new URL('./generate/state_dict.py', import.meta.url));
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, torchvision']).status === 0;
if (!hasTorch) console.log(`Skipped: ${PYTHON} has no torch and torchvision to exchange pruned models with.`);

const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-state-'));
afterAll(() => rmSync(folder, { recursive: true }));
const python = (...args: string[]): string =>
  execFileSync(PYTHON, [script, ...args], { encoding: 'utf8', maxBuffer: 2 ** 24 });

/** A few steps of training on random images. */
async function train(model: tf.LayersModel, steps: number): Promise<void> {
  const optimizer = tf.train.momentum(1e-3, 0.9);
  model.compile({ optimizer, loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits) });
  const images = tf.randomUniform([2, SIZE, SIZE, 3], 0, 1, 'float32', 7);
  const labels = tf.oneHot(tf.tensor1d([3, 700], 'int32'), CLASSES);
  await model.fit(images, labels, { epochs: steps, batchSize: 2, verbose: 0 });
  tf.dispose([images, labels]);
  optimizer.dispose();
}

/** Bit for bit; vitest takes minutes to compare so many numbers. */
function isSame(a: TensorData, b: TensorData): boolean {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  return `${a.shape}` === `${b.shape}` && a.dtype === b.dtype && Buffer.compare(left, right) === 0;
}

/** The layers of a model that are pruned, by name. */
const prunedLayers = (model: tf.LayersModel): tf.layers.Layer[] =>
  model.layers.filter((layer) => prune.isPruned(layer));

// Without torch there is nothing to exchange models with; unit tests cover both directions with fixtures.
describe.skipIf(!hasTorch)('a pruned ResNet50', () => {
  beforeAll(async () => {
    await useBackend('wasm');
    registerTrainingKernels();
  });

  it(
    'that was pruned and trained here gives the same logits in torch',
    async () => {
      const model = await resnet50({ seed: 5, inputShape: [SIZE, SIZE, 3] });
      prune.l1Unstructured(model.conv1, 'weight', 0.3);
      prune.randomUnstructured(model.layer1[0].conv2, 'weight', 0.5);
      prune.lnStructured(model.layer2[0].conv1, 'weight', 0.25, 2, 0);
      prune.randomStructured(model.layer2[0].downsample[0], 'weight', 0.25, 1);
      const parameters = [...model.layer3, ...model.layer4].map((block) => [block.conv2, 'weight'] as const);
      prune.globalUnstructured(parameters, prune.L1Unstructured, { amount: 0.4 });
      prune.l1Unstructured(model.fc, 'weight', 0.2);
      prune.l1Unstructured(model.fc, 'weight', 0.5);
      prune.randomUnstructured(model.fc, 'bias', 10);
      const before = Float32Array.from(flat(model.layer4[2].conv2, 'weight'));
      await train(model, 2);
      expect(flat(model.layer4[2].conv2, 'weight').some((value, i) => value !== before[i])).toBe(true);

      const file = join(folder, 'here.pth');
      await writePth(stateDict(model), file);
      const theirs: { logits: string; zeros: Record<string, number> } = JSON.parse(python('load', file));
      const expected = decode(theirs.logits);
      const logits = await logitsOf(model, `${SIZE}x${SIZE}`, INPUT_SEED);
      expect(logits).toBeAllClose(expected, { rtol: 0, atol: 1e-4 * rangeOf(expected) });
      expect(Object.keys(theirs.zeros).sort()).toEqual(
        prunedLayers(model)
          .map(({ name }) => name)
          .sort(),
      );
      expect(theirs.zeros['layer4.2.conv2']).toBe(zeros(model.layer4[2].conv2, 'weight'));
      model.dispose();
    },
    TIMEOUT,
  );

  describe('that was pruned in torch', () => {
    let saved: StateDict;
    let expected: Float32Array;
    beforeAll(async () => {
      python('save', folder, '20240229');
      saved = await readPth(join(folder, 'pruned.pth'));
      expected = decode(JSON.parse(readFileSync(join(folder, 'pruned.json'), 'utf8')).logits);
    });

    it(
      'gives the same logits here, is pruned with the same masks, and stays so in training',
      async () => {
        const model = await resnet50({ seed: 6, inputShape: [SIZE, SIZE, 3] });
        loadStateDict(model, saved);
        const logits = await logitsOf(model, `${SIZE}x${SIZE}`, INPUT_SEED);
        expect(logits).toBeAllClose(expected, { rtol: 0, atol: 1e-4 * rangeOf(expected) });
        const masked = [...saved.keys()].filter((name) => name.endsWith('weight_mask'));
        expect(masked.length).toBe(16 + 2); // the 3×3 convolutions; one 1×1, and fc
        expect(
          prunedLayers(model)
            .map(({ name }) => `${name}.weight_mask`)
            .sort(),
        ).toEqual(masked.sort());

        const again = stateDict(model);
        for (const [name, tensor] of saved) {
          if (!name.endsWith('num_batches_tracked'))
            expect(isSame(again.get(name)!, tensor), name).toBe(true);
        }
        await train(model, 1);
        for (const name of masked) {
          const mask = saved.get(name)!.data;
          const orig = saved.get(name.replace('_mask', '_orig'))!.data;
          const weight = flat(model.getLayer(name.replace('.weight_mask', '')), 'weight');
          const kept = weight.filter((_, i) => mask[i] === 1);
          expect(
            weight.every((value, i) => mask[i] === 1 || value === 0),
            name,
          ).toBe(true);
          expect(
            kept.every((value) => value !== 0),
            name,
          ).toBe(true);
          expect(
            weight.some((value, i) => mask[i] === 1 && value !== orig[i]),
            name,
          ).toBe(true);
        }
        model.dispose();
      },
      TIMEOUT,
    );
  });
});
