import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { planChannels } from '../../../src/structured/plan-channels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, randomize } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const net = (): tf.LayersModel =>
  randomize(
    tf.sequential({
      layers: [
        tf.layers.dense({ units: 6, name: 'a', inputShape: [3], activation: 'tanh' }),
        tf.layers.dense({ units: 6, name: 'b', activation: 'tanh' }),
        tf.layers.dense({ units: 2, name: 'out' }),
      ],
    }),
  );

function lossOf(model: tf.LayersModel): () => tf.Scalar {
  const x = tf.randomNormal([5, 3], 0, 1, 'float32', 3);
  return () => tf.mean(tf.square([model.predict(x)].flat()[0]!));
}

describe('the importance taylor', () => {
  it.each([[['a']], [['a', 'b', 'out']]])('is the same whatever is frozen: %s', async (frozen) => {
    const model = net();
    const options = { ratio: 0.5, global: true, importance: 'taylor', loss: lossOf(model) } as const;
    const expected = await planChannels(model, options);
    for (const name of frozen) model.getLayer(name).trainable = false;
    const plan = await expectNoLeak(() => planChannels(model, options));
    expect(plan.groups).toEqual(expected.groups);
    expect(model.layers.map(({ trainable }) => trainable)).toEqual(
      model.layers.map(({ name }) => !frozen.includes(name)),
    );
  });

  it('refuses a loss that depends on no weight', async () => {
    const model = net();
    const loss = (): tf.Scalar => tf.scalar(3);
    const planned = expectNoLeak(() =>
      planChannels(model, { ratio: 0.5, importance: 'taylor', loss }).catch((error) => error),
    );
    expect(await planned).toMatchObject({ name: 'PruneError', kind: 'argument' });
  });

  it('keeps what the loss says nothing about', async () => {
    const inputs = tf.input({ shape: [3] });
    const stem = call(tf.layers.dense({ units: 4, name: 'stem' }), inputs);
    const outputs = ['left', 'right'].map((name) => {
      const inner = call(tf.layers.dense({ units: 4, name }), stem);
      return call(tf.layers.dense({ units: 1, name: `${name}.out` }), inner);
    });
    const model = randomize(tf.model({ inputs, outputs }));
    const { groups } = await planChannels(model, { ratio: 0.5, importance: 'taylor', loss: lossOf(model) });
    const right = groups.find(({ id }) => id === 'right')!;
    expect(groups.find(({ id }) => id === 'left')!.remove).toHaveLength(2);
    expect(right.remove).toEqual([]);
    expect(right.kept).toEqual([{ channels: [0, 1, 2, 3], reason: "'taylor' has nothing to rank them by" }]);
  });
});
