import * as tf from '@tensorflow/tfjs';
import { applyPlan, planLayers } from 'tfjs-prune/structured';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, outputsOf, randomize } from '../../sparse/fold-models';
import { dense, halved, input, read, reasons } from './nets';

const L = tf.layers;
const dataFormat = 'channelsFirst' as const;

describe('where channels are first', () => {
  beforeAll(() => useBackend('cpu'));

  const separable = (useBias: boolean): tf.LayersModel => {
    const x = input(3, 8, 8);
    const a = call(L.conv2d({ filters: 6, kernelSize: 3, dataFormat, name: 'a' }), x);
    // As many filters as rows: else tfjs cannot run it with a bias.
    const layer = L.separableConv2d({ filters: 4, kernelSize: 3, dataFormat, useBias, name: 'it' });
    return read(x, call(L.conv2d({ filters: 4, kernelSize: 1, dataFormat, name: 'b' }), call(layer, a)));
  };

  it('half of those of a SeparableConv2D without a bias go, and of those that come in', async () => {
    const { plan } = await halved(separable(false));
    expect(plan.groups.map(({ id, remove }) => [id, remove.length])).toEqual([
      ...[
        ['a', 3],
        ['it', 2],
      ],
      ...[
        ['b', 2],
        ['out', 0],
      ],
    ]);
  });

  it('those of a SeparableConv2D with a bias stay, which tfjs adds to rows, but not those that come in', async () => {
    const { plan } = await halved(separable(true));
    expect(plan.groups.map(({ id, remove }) => [id, remove.length])).toEqual([
      ...[
        ['a', 3],
        ['it', 0],
      ],
      ...[
        ['b', 2],
        ['out', 0],
      ],
    ]);
    expect(reasons(plan, 'it')).toBe(
      "'it' adds its bias along another axis than theirs, which tfjs gets wrong",
    );
  });

  it('half of those of a Conv2D go through pooling over the whole image', async () => {
    for (const pool of [L.globalAveragePooling2d, L.globalMaxPooling2d]) {
      const x = input(2, 5, 4);
      const made = call(L.conv2d({ filters: 4, kernelSize: 2, dataFormat, name: 'a' }), x);
      const { sizes } = await halved(read(x, call(pool({ dataFormat, name: 'it' }), made)));
      expect(sizes('it')).toEqual([2]);
    }
  });

  /** What comes in is turned, what comes out is not: tfjs runs this as both have as many channels as steps. */
  const turned = (): tf.LayersModel => {
    const x = input(3, 8);
    // The types of tfjs leave this option out for a layer that has it.
    const options = { filters: 6, kernelSize: 3, dataFormat, name: 'it' };
    const y = call(dense(6, 'b'), call(L.conv1d(options), call(dense(8, 'a'), x)));
    return randomize(read(x, call(dense(6, 'c'), y)));
  };

  it('nothing goes that a Conv1D reads or makes, whose output tfjs gives the other way round', async () => {
    // What is saved does not say that channels are first.
    const { plan, sizes } = await halved(turned(), false);
    expect(sizes('a', 'b', 'c')).toEqual([8, 3, 3]);
    expect(reasons(plan, 'a')).toBe(
      "'it' gives its channels last, where its dataFormat says first: tfjs gets it wrong",
    );
  });

  it('a Conv1D stays as it is where something else goes', async () => {
    const model = turned();
    const { model: shorter } = applyPlan(model, await planLayers(model, { remove: ['c'] }));
    model.getLayer('c').setWeights([tf.eye(6), tf.zeros([6])]);
    expect(outputsOf(shorter)[0]).toBeAllClose([...outputsOf(model)[0]!]);
  });
});
