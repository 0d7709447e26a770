import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { CustomFromMask } from '../../../src/core/custom-from-mask';
import { maskOf } from '../../../src/core/mask';
import { installAll } from '../../../src/core/reparametrisation';
import { resolvePrunable } from '../../../src/core/resolve';

// Several masks are installed together or not at all, with the values that replace others too.

describe.each([false, true])('a failure after the first installation (pruned before: %s)', (prunedBefore) => {
  it('puts masks and values back, replaced ones too', () => {
    const first = { w: tf.variable(tf.tensor1d([1, 2, 3, 4])) };
    const second = { w: tf.variable(tf.tensor1d([5, 6, 7, 8])) };
    if (prunedBefore) prune.l1Unstructured(first, 'w', 1);
    const stored = [...first.w.dataSync()];
    second.w.assign = () => {
      throw new Error('no memory left');
    };
    const mask = maskOf(Uint8Array.of(0, 0, 0, 1));
    const method = new CustomFromMask([0, 0, 0, 1]);
    expect(() =>
      installAll([
        { parameter: resolvePrunable(first, 'w'), mask, method, replacement: Float32Array.of(9, 9, 9, 9) },
        { parameter: resolvePrunable(second, 'w'), mask, method },
      ]),
    ).toThrow('no memory left');
    expect([...first.w.dataSync()]).toEqual(stored);
    expect(prune.isPruned(first)).toBe(prunedBefore);
    expect(prune.isPruned(second)).toBe(false);
    if (prunedBefore) prune.revert(first, 'w');
    expect([...first.w.dataSync()]).toEqual([1, 2, 3, 4]);
  });
});
