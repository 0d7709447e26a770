import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { planLayers } from '../../../src/structured/plan-layers';
import { useBackend } from '../../support/backend';
import { call } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

/** x → relu(x + f(x)) → out. */
function rectified(inputs: tf.SymbolicTensor[], x: tf.SymbolicTensor): tf.LayersModel {
  const f = call(L.dense({ units: 4, name: 'f' }), x);
  const sum = call(L.add({ name: 'sum' }), [x, f]);
  return tf.model({ inputs, outputs: call(L.dense({ units: 1 }), call(L.reLU({ name: 'relu' }), sum)) });
}

async function goesWithRectifier(model: tf.LayersModel): Promise<boolean> {
  const { blocks } = await planLayers(model, { count: 0 });
  return blocks.find(({ kind }) => kind === 'residual')!.layers.includes('relu');
}

it('a ReLU goes with its block where the layer before applies one last', async () => {
  const input = tf.input({ shape: [5, 4] });
  for (const activation of ['relu', 'sigmoid'] as const) {
    expect(await goesWithRectifier(rectified([input], call(L.dense({ units: 4, activation }), input)))).toBe(
      true,
    );
  }
});

it('a ReLU stays after recurrent layers, which multiply an activation by a gate or mix it with a state', async () => {
  const input = tf.input({ shape: [5, 4] });
  const lstm = L.lstm({ units: 4, activation: 'relu', recurrentActivation: 'tanh', returnSequences: true });
  expect(await goesWithRectifier(rectified([input], call(lstm, input)))).toBe(false);
  const state = tf.input({ shape: [4] });
  const gru = L.gru({ units: 4, activation: 'relu', returnSequences: true });
  expect(await goesWithRectifier(rectified([input, state], call(gru, [input, state])))).toBe(false);
});

it('looks at each tensor once', async () => {
  const input = tf.input({ shape: [5, 4] });
  const first = L.dense({ units: 4, activation: 'relu' });
  let x = call(first, input);
  for (let i = 0; i < 12; i++) x = call(L.add(), [x, x]);
  const model = rectified([input], x);
  const looks = vi.spyOn(first, 'getConfig');
  expect(await goesWithRectifier(model)).toBe(true);
  // Once for this, and a few times for the model's own configuration and hash; by every way there are 4096.
  expect(looks.mock.calls.length).toBeLessThan(50);
});
