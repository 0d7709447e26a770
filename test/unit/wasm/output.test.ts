import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { activeHeap } from '../../../src/wasm/heap';
import { outputOf } from '../../../src/wasm/output';
import { useBackend } from '../../support/backend';

beforeAll(() => useBackend('wasm'));

function fail(): boolean {
  throw new RangeError('no memory');
}

describe('an output that is not written', () => {
  const leavesNothing = (act: () => void): void => {
    const before = tf.backend().numDataIds();
    act();
    expect(tf.backend().numDataIds()).toBe(before);
  };

  it('leaves nothing in the backend where its writing is refused', () => {
    leavesNothing(() =>
      expect(outputOf(tf.backend(), activeHeap()!, {}, [2, 3], () => false)).toBeUndefined(),
    );
  });

  it('leaves nothing in the backend where its writing fails', () => {
    leavesNothing(() =>
      expect(() => outputOf(tf.backend(), activeHeap()!, {}, [2, 3], fail)).toThrow('no memory'),
    );
  });
});
