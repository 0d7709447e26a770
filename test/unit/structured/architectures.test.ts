import * as tf from '@tensorflow/tfjs';
import type { ChannelPlan } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { randomize, savedAndLoaded } from '../sparse/fold-models';
import { type Architecture, architectures } from './architectures';
import { arbitraryPlan, expectLaw, expectTrainable, outputsFor, randomInputs } from './law/law';

const sorted = (groups: ReadonlyArray<readonly string[]>): string[] =>
  groups.map((layers) => [...layers].sort().join(' ')).sort();

/** Half to even, as PyTorch and Python do. */
function rounded(share: number): number {
  const below = Math.floor(share);
  return share - below === 0.5 ? below + (below % 2) : Math.round(share);
}

/** Expects of each group that is free the share to go, which is one channel at least, and of the others nothing. */
function expectShare(plan: ChannelPlan, ratio: number, { groups, staying = [] }: Architecture): void {
  const inner = plan.groups.filter(({ layers }) => layers[0] !== 'out');
  expect(sorted(inner.map(({ layers }) => layers))).toEqual(sorted(groups));
  for (const { layers, channels, remove } of inner) {
    const share = staying.includes(layers[0]!) ? 0 : rounded(ratio * channels);
    expect(remove.length, layers.join()).toBe(share);
    if (!staying.includes(layers[0]!)) expect(share).toBeGreaterThan(0);
  }
  const outputs = plan.groups.filter(({ layers }) => layers[0] === 'out');
  expect(outputs.map(({ remove }) => remove)).toEqual([[]]);
}

/** Expects a model to tell two samples apart: else its outputs could not show what was lost. */
function expectAlive(outputs: readonly Float32Array[]): void {
  for (const values of outputs) {
    const half = values.length / 2;
    const farthest = Math.max(
      ...values.slice(0, half).map((value, i) => Math.abs(value - values[half + i]!)),
    );
    expect(farthest).toBeGreaterThan(0.01 * Math.max(...values.map(Math.abs)));
  }
}

describe('channels of networks in the style of', () => {
  beforeAll(() => useBackend('cpu'));
  afterEach(() => tf.disposeVariables());

  for (const [name, architecture] of Object.entries(architectures)) {
    for (const ratio of [0.3, 0.5]) {
      it(`${name}: ${100 * ratio} % go, and what is left runs, learns, is saved and loaded`, async () => {
        const model = randomize(architecture.make());
        const inputs = randomInputs(model);
        const plan = await arbitraryPlan(model, ratio);
        expectShare(plan, ratio, architecture);
        const slim = await expectLaw(model, plan, inputs);
        expectAlive(outputsFor(slim, inputs));
        await expectTrainable(slim, inputs);
        const loaded = await savedAndLoaded(slim);
        expect(outputsFor(loaded, inputs)).toEqual(outputsFor(slim, inputs));
        tf.dispose(inputs);
      });
    }
  }
});
