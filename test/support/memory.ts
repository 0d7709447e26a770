import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

function check(before: tf.MemoryInfo, expected: number): void {
  const after = tf.memory();
  expect(after.numTensors - before.numTensors, 'tensors left behind').toBe(expected);
  // A tensor may share its data with another, so fewer buffers than tensors may appear, never more.
  const buffers = after.numDataBuffers - before.numDataBuffers;
  expect(buffers, 'data buffers left behind').toBeLessThanOrEqual(Math.max(expected, 0));
}

/**
 * Runs `body` and checks that it leaves no tensor behind.
 *
 * @param body What to run; may be async.
 * @param expected How many more tensors there may be afterwards (negative: fewer). Default 0.
 * @returns What the body returned.
 */
export function expectNoLeak<T>(body: () => Promise<T>, expected?: number): Promise<T>;
export function expectNoLeak<T>(body: () => T, expected?: number): T;
export function expectNoLeak<T>(body: () => T | Promise<T>, expected = 0): T | Promise<T> {
  const before = tf.memory();
  const result = body();
  if (result instanceof Promise) {
    return result.then((value) => {
      check(before, expected);
      return value;
    });
  }
  check(before, expected);
  return result;
}
