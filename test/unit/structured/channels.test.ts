import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { applyChannelPlan } from '../../../src/structured/apply-channels';
import { dependencyGraph } from '../../../src/structured/dependency-graph';
import type { RankedGroup } from '../../../src/structured/importance/importance';
import { planChannels } from '../../../src/structured/plan-channels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, expectEqualOutputs, outputsOf, randomize, release } from '../sparse/fold-models';

const L = tf.layers;
const conv = (filters: number, strides = 1) => L.conv2d({ filters, kernelSize: 3, padding: 'same', strides });

const nets: Record<string, () => tf.LayersModel> = {
  vgg: () =>
    tf.sequential({
      layers: [
        L.conv2d({ filters: 6, kernelSize: 3, inputShape: [6, 6, 3], activation: 'relu' }),
        L.batchNormalization(),
        L.maxPooling2d({ poolSize: 2 }),
        L.flatten(),
        L.dense({ units: 8, activation: 'relu' }),
        L.dense({ units: 3, activation: 'softmax' }),
      ],
    }),
  residual: () => {
    const input = tf.input({ shape: [6, 6, 3] });
    const x = call(conv(8), input);
    const y = call(conv(8), call(L.reLU(), call(L.batchNormalization(), call(conv(5), x))));
    const sum = call(L.add(), [x, y]);
    return tf.model({
      inputs: input,
      outputs: call(L.dense({ units: 2 }), call(L.globalAveragePooling2d({}), sum)),
    });
  },
  'squeeze and excite, depthwise, concatenation': () => {
    const input = tf.input({ shape: [6, 6, 3] });
    const a = call(
      L.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same' }),
      call(conv(5), input),
    );
    const pooled = call(L.reshape({ targetShape: [1, 1, 10] }), call(L.globalAveragePooling2d({}), a));
    const gate = call(L.conv2d({ filters: 10, kernelSize: 1, activation: 'sigmoid' }), call(conv(4), pooled));
    const both = call(L.concatenate(), [call(L.multiply(), [a, gate]), call(conv(4), input), input]);
    const y = call(L.separableConv2d({ filters: 6, kernelSize: 3 }), both);
    return tf.model({ inputs: input, outputs: call(conv(2), call(L.prelu({ sharedAxes: [1, 2] }), y)) });
  },
  'shared towers and a model within': () => {
    const [one, two] = [tf.input({ shape: [6, 6, 3] }), tf.input({ shape: [6, 6, 3] })];
    const within = tf.sequential({
      layers: [L.conv2d({ filters: 6, kernelSize: 3, inputShape: [6, 6, 7] }), L.reLU()],
    });
    const stem = conv(7);
    const outputs = [one, two].map((x) => call(within, call(stem, x)));
    return tf.model({ inputs: [one, two], outputs: call(conv(2), call(L.maximum(), outputs)) });
  },
  recurrent: () =>
    tf.sequential({
      layers: [
        L.lstm({ units: 6, returnSequences: true, inputShape: [5, 3] }),
        L.bidirectional({ layer: L.gru({ units: 4, returnSequences: true }), mergeMode: 'concat' }),
        L.timeDistributed({ layer: L.dense({ units: 5 }) }),
        L.simpleRNN({ units: 4 }),
        L.dense({ units: 2 }),
      ],
    }),
  generator: () =>
    tf.sequential({
      layers: [
        L.dense({ units: 36, inputShape: [4] }),
        L.reshape({ targetShape: [3, 3, 4] }),
        L.conv2dTranspose({ filters: 5, kernelSize: 3, strides: 2 }),
        L.upSampling2d({}),
        L.conv2d({ filters: 2, kernelSize: 1 }),
      ],
    }),
  normalised: () =>
    tf.sequential({
      layers: [
        L.dense({ units: 6, inputShape: [4] }),
        L.layerNormalization(),
        L.dense({ units: 8, activation: 'elu' }),
        L.dense({ units: 2 }),
      ],
    }),
};

/** A number for each channel that has nothing to do with its weights. */
const arbitrary = ({ channels }: RankedGroup): number[] =>
  Array.from({ length: channels }, (_, n) => ((n + channels) * 7919) % 31);

/** Sets what reads the channels to zero. */
function silence(model: tf.LayersModel, removed: ReadonlySet<number>): void {
  for (const { layer, weight, axis, role, channels } of dependencyGraph(model).weights) {
    if (role !== 'in') continue;
    const [name, ...inner] = layer.split('/').reverse();
    const owner = inner.reduceRight<tf.LayersModel>((at, each) => at.getLayer(each) as tf.LayersModel, model);
    const found = owner.getLayer(name!);
    const holder = weight
      .split('.')
      .slice(0, -1)
      .reduce<object>((at, key) => Reflect.get(at, key), found);
    const cell = Reflect.get(holder, 'cell') ?? Reflect.get(holder, 'layer') ?? holder;
    const variable = Reflect.get(cell, weight.split('.').at(-1)!);
    tf.tidy(() => {
      const keep = Float32Array.from(channels, (c) => (removed.has(c) ? 0 : 1));
      const shape = variable.shape.map((_: number, i: number) => (i === axis ? keep.length : 1));
      variable.write(tf.mul(variable.read(), tf.tensor(keep, shape)));
    });
  }
}

describe('removing channels', () => {
  beforeAll(() => useBackend('cpu'));

  for (const [name, make] of Object.entries(nets)) {
    for (const ratio of [0.3, 0.5]) {
      it(`changes nothing once nothing reads them: ${name}, ${ratio}`, async () => {
        const model = randomize(make());
        const plan = JSON.parse(JSON.stringify(await planChannels(model, { ratio, importance: arbitrary })));
        const graph = dependencyGraph(model);
        const removed = new Set<number>();
        graph.groups.forEach(({ channels }, i) => {
          for (const n of plan.groups[i].remove) removed.add(channels[n]!);
        });
        expect(removed.size).toBeGreaterThan(0);
        silence(model, removed);
        const expected = outputsOf(model);
        const { model: slim } = applyChannelPlan(model, plan);
        expect(slim.countParams()).toBeLessThan(model.countParams());
        expectEqualOutputs(outputsOf(slim), expected);
        release(slim);
        release(model);
      });
    }
  }

  it('leaves no tensor behind and refuses what cannot be', async () => {
    const model = randomize(nets.vgg!());
    const other = randomize(nets.residual!());
    const plan = await planChannels(model, { ratio: 0.5, importance: arbitrary });
    expectNoLeak(() => release(applyChannelPlan(model, plan).model));
    expect(() => applyChannelPlan(other, plan)).toThrow(/another model/);
    const all = {
      ...plan,
      groups: plan.groups.map((group) => ({ ...group, remove: [...Array(group.channels).keys()] })),
    };
    expect(() => applyChannelPlan(model, all)).toThrow(/at least one stays/);
    await expect(planChannels(model, { ratio: 1, importance: arbitrary })).rejects.toThrow(/\[0, 1\)/);
    await expect(planChannels(model, { ratio: 0.5, importance: arbitrary, ignore: ['x'] })).rejects.toThrow(
      /'x'/,
    );
    const single = tf.sequential({ layers: [L.dense({ units: 2, inputShape: [2] })] });
    await expect(planChannels(single, { ratio: 0.5, importance: arbitrary })).rejects.toThrow(/can go/);
  });
});
