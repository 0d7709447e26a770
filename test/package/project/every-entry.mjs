// Run by Node in a fresh project that has the packed library installed: plain JavaScript, every entry point.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import * as masks from 'tfjs-prune/masks';
import { resnet50 } from 'tfjs-prune/models';
import { applyPlan, planChannels, summary } from 'tfjs-prune/structured';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { readPth } from 'tfjs-prune/weights';

await tf.setBackend('wasm');

const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 2, activation: 'softmax' }),
  ],
});
const [conv] = model.layers;
prune.manualSeed(0);
prune.randomUnstructured(conv, 'weight', 0.5);
assert.deepEqual(prune.sparsity(conv, 'weight'), { zeros: 54, size: 108, sparsity: 0.5 });

assert.ok(registerTrainingKernels().includes('Conv2DBackpropFilter'));
model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
await model.fit(tf.randomNormal([4, 8, 8, 3]), tf.oneHot(tf.tensor1d([0, 1, 1, 0], 'int32'), 2), {
  verbose: 0,
});
assert.equal(prune.sparsity(conv, 'weight').zeros, 54);

assert.deepEqual([...masks.l1Unstructured(Float32Array.of(3, -1, 2, 0.5), 0.5)], [1, 0, 1, 0]);

// A state left by one entry point is seen by the others: the errors are of one class, the generator is one.
const missing = await readPth('missing.pth').catch((error) => error);
assert.ok(missing instanceof prune.PruneError);
assert.equal(masks.manualSeed, prune.manualSeed);

const net = await resnet50({ seed: 0, inputShape: [32, 32, 3] });
assert.equal(summary(net).parameters, 25_557_032);
const { model: slim } = applyPlan(net, await planChannels(net, { ratio: 0.5 }));
assert.deepEqual(slim.conv1.getWeights()[0].shape, [7, 7, 3, 32]);
prune.l1Unstructured(net.conv1, 'weight', 0.2);
assert.equal(prune.sparsity(net.conv1, 'weight').zeros, 1882);
