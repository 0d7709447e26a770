import * as tf from '@tensorflow/tfjs';
import { ResNet18_Weights, resnet18 } from 'tfjs-prune/models';
import { stateDict } from 'tfjs-prune/weights';
import { expect, it } from 'vitest';
import { registeredFile } from '../../src/models/resnet-weights';
import { useBrowserBackend } from '../support/browser';

it('takes pretrained weights from a host that pages may read', () => {
  expect(registeredFile(ResNet18_Weights.DEFAULT, undefined).url).toBe(
    'https://huggingface.co/timm/resnet18.tv_in1k/resolve/main/model.safetensors',
  );
});

// The parity tests in Node show that the cpu backend gives torch's logits.
it('predicts on wasm what it predicts on cpu', async () => {
  await tf.setBackend('cpu');
  const inputShape = [32, 32, 3] as const;
  const model = await resnet18({ seed: 0, inputShape, numClasses: 10 });
  const weights = stateDict(model);
  const image = tf.tidy(() => tf.randomUniform([1, ...inputShape], 0, 1, 'float32', 7).arraySync());
  const logitsOf = (own: tf.LayersModel): Float32Array =>
    tf.tidy(() => (own.predict(tf.tensor(image)) as tf.Tensor).dataSync<'float32'>().slice());
  const expected = logitsOf(model);
  model.dispose();
  await useBrowserBackend('wasm');
  const other = await resnet18({ weights, inputShape, numClasses: 10 });
  expect(logitsOf(other)).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
  other.dispose();
});
