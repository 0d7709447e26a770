import * as tf from '@tensorflow/tfjs';
import type { ChannelPlan } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { randomize, savedAndLoaded } from '../sparse/fold-models';
import { type Architecture, architectures } from './architectures';
import { arbitraryPlan, expectLaw, expectTrainable, outputsFor, randomInputs } from './law/law';

const sorted = (groups: ReadonlyArray<readonly string[]>): string[] =>
  groups.map((layers) => [...layers].sort().join(' ')).sort();

/** Expects of each group that is free the share to go, and of the others nothing. */
function expectShare(plan: ChannelPlan, ratio: number, { groups, staying = [] }: Architecture): void {
  const inner = plan.groups.filter(({ layers }) => layers[0] !== 'out');
  expect(sorted(inner.map(({ layers }) => layers))).toEqual(sorted(groups));
  for (const { layers, channels, remove } of inner) {
    const share = staying.includes(layers[0]!) ? 0 : ratio * channels;
    expect(Math.abs(remove.length - share), layers.join()).toBeLessThan(1);
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
        await expectTrainable(slim, inputs);
        const loaded = await savedAndLoaded(slim);
        expect(outputsFor(loaded, inputs)).toEqual(outputsFor(slim, inputs));
        tf.dispose(inputs);
      });
    }
  }
});
