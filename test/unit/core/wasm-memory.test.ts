import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { beforeAll, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';

// What half-pruned parameters displaced is kept in the backend's memory, where tf.memory() does not see it.

const SIZE = 1000;
const ROUNDS = 60;

beforeAll(() => useBackend('wasm'));

function heapBytes(): number {
  const wasm: { HEAPU8: Uint8Array } = Reflect.get(tf.backend(), 'wasm');
  return wasm.HEAPU8.length;
}

function kernel(): tf.Variable {
  return tf.tidy(() => tf.variable(tf.randomUniform([SIZE, SIZE], -1, 1)));
}

const ends: Array<[string, (holder: { w: tf.Variable }) => void]> = [
  ['remove', (holder) => prune.remove(holder, 'w')],
  ['revert', (holder) => prune.revert(holder, 'w')],
  ['a second pruning and remove', (holder) => prune.remove(prune.l1Unstructured(holder, 'w', 0.5), 'w')],
  [
    'dispose',
    (holder) => {
      const { w } = holder;
      w.dispose();
      holder.w = kernel();
    },
  ],
];

it.each(ends)('is freed by %s', (_, end) => {
  const holder = { w: kernel() };
  const once = (): void => {
    prune.l1Unstructured(holder, 'w', 0.6);
    end(holder);
  };
  for (let warmup = 0; warmup < 5; warmup++) once();
  const before = heapBytes();
  for (let round = 0; round < ROUNDS; round++) once();
  // A leak of one copy a round would be 240 MB.
  expect(heapBytes() - before).toBeLessThan(4 * SIZE * SIZE * 3);
  tf.dispose(holder.w);
});

it('outlives growth of the memory and a change of backend', async () => {
  const holder = { w: kernel() };
  const before = holder.w.dataSync();
  prune.l1Unstructured(holder, 'w', 0.6);
  const large = tf.zeros([heapBytes() / 4]);
  large.dispose();
  await useBackend('cpu');
  prune.revert(holder, 'w');
  expect(Buffer.from(holder.w.dataSync().buffer).equals(Buffer.from(before.buffer))).toBe(true);
  holder.w.dispose();
});
