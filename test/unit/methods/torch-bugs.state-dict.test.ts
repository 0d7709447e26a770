import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { loadStateDict, stateDict } from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { fillWeights, flat, outputOf } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

// In PyTorch the state dict of a pruned model loads only into a model that was pruned (by identity, say) before.

function network(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 3, kernelSize: 2, inputShape: [4, 4, 2], name: 'conv' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, name: 'fc' }),
    ],
  });
  fillWeights(model);
  return model;
}

describe('the state dict of a pruned model', () => {
  it('loads into a model that was never pruned, and restores masks and originals', () => {
    const [pruned, fresh] = [network(), network()];
    const [conv, , fc] = pruned.layers as [tf.layers.Layer, tf.layers.Layer, tf.layers.Layer];
    prune.lnStructured(conv, 'weight', 1, 2, 0);
    prune.l1Unstructured(fc, 'weight', 0.5);
    const state = stateDict(pruned);
    expect(expectNoLeak(() => loadStateDict(fresh, state))).toEqual({ missing: [], unexpected: [] });

    for (const [i, name] of [
      [0, 'weight'],
      [2, 'weight'],
    ] as const) {
      const [from, to] = [pruned.layers[i]!, fresh.layers[i]!];
      for (const part of [name, `${name}_orig`, `${name}_mask`])
        expect(flat(to, part)).toEqual(flat(from, part));
    }
    const input = tf.randomUniform([2, 4, 4, 2], -1, 1);
    expect(outputOf(fresh, input)).toEqual(outputOf(pruned, input));
    prune.revert(fresh.layers[2]!, 'weight');
    expect(prune.sparsity(fresh.layers[2]!).zeros).toBe(0);
  });
});
