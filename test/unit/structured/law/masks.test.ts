import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { applyPlan } from 'tfjs-prune/structured';
import { beforeAll, describe, expect, it } from 'vitest';
import { type TestBackend, useBackend } from '../../../support/backend';
import { fillWeights, read } from '../../../support/layers';
import { release } from '../../sparse/fold-models';
import { arbitraryPlan, expectLaw, randomInputs } from './law';

const L = tf.layers;

function network(): tf.LayersModel {
  const layers = [L.dense({ units: 4, inputShape: [3], name: 'a' }), L.dense({ units: 6, name: 'b' })];
  const model = tf.sequential({ layers: [...layers, L.dense({ units: 2 })] });
  fillWeights(model);
  return model;
}

/** The rows and columns of a matrix that are left. */
function left(matrix: unknown, rows: readonly number[], columns: readonly number[]): number[][] {
  // What is read of a kernel is a matrix.
  const values = matrix as number[][];
  return rows.map((row) => columns.map((column) => values[row]![column]!));
}

for (const backend of ['cpu', 'wasm'] satisfies TestBackend[]) {
  describe(`channels of a pruned layer on ${backend}`, () => {
    beforeAll(() => useBackend(backend));

    it('take their part of the mask, and of what it hides, with them', async () => {
      const model = network();
      prune.l1Unstructured(model.getLayer('b'), 'weight', 0.5);
      const plan = await arbitraryPlan(model, 0.5);
      const { model: slim } = applyPlan(model, plan);
      const [rows, columns] = [0, 1].map((i) => {
        const { channels, remove } = plan.groups[i]!;
        return [...Array(channels).keys()].filter((n) => !remove.includes(n));
      });
      for (const name of ['kernel', 'kernel_mask', 'kernel_orig']) {
        const expected = left(read(model.getLayer('b'), name), rows!, columns!);
        expect(read(slim.getLayer('b'), name), name).toEqual(expected);
      }
      const original = left(read(model.getLayer('b'), 'kernel_orig'), rows!, columns!);
      prune.revert(slim.getLayer('b'), 'weight');
      expect(read(slim.getLayer('b'), 'kernel')).toEqual(original);
      for (const each of [slim, model]) release(each);
    });

    it('go as any others do', async () => {
      const model = network();
      prune.lnStructured(model.getLayer('b'), 'weight', 0.5, 2, 0);
      const inputs = randomInputs(model);
      const slim = await expectLaw(model, await arbitraryPlan(model, 0.5), inputs);
      tf.dispose(inputs);
      for (const each of [slim, model]) release(each);
    });
  });
}
