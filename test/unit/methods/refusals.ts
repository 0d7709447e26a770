import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { it } from 'vitest';
import { built } from '../../support/layers';
import { expectRefused, type Parameter } from '../../support/trace';

/** A call that must fail, and how. */
export interface Case {
  readonly title: string;
  readonly call: (layer: tf.layers.Layer) => unknown;
  readonly kind: prune.PruneErrorKind;
  readonly says?: readonly (string | RegExp)[];
}

/** A dense layer that is not pruned: weight [3, 4]. */
export function dense(): tf.layers.Layer {
  return built(tf.layers.dense({ units: 3 }), [4]);
}

/** The same, weight and bias pruned. */
export function prunedDense(): tf.layers.Layer {
  const layer = dense();
  prune.l1Unstructured(layer, 'weight', 2);
  prune.l1Unstructured(layer, 'bias', 1);
  return layer;
}

/** Declares a test of each case on a fresh layer and on one that is pruned already. */
export function onFreshAndPruned(
  cases: readonly Case[],
  fresh: () => tf.layers.Layer = dense,
  pruned: () => tf.layers.Layer = prunedDense,
): void {
  for (const [state, make] of [
    ['fresh', fresh],
    ['pruned', pruned],
  ] as const) {
    it.each([...cases])(`$title, ${state} layer: $kind`, ({ call, kind, says = [] }) => {
      const layer = make();
      const parameters: Parameter[] = [
        [layer, 'weight'],
        [layer, 'bias'],
      ];
      expectRefused(parameters, () => call(layer), kind, ...says);
    });
  }
}
