import * as tf from '@tensorflow/tfjs';
import { applyPlan, type ChannelPlan, explain, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, expectEqualOutputs, outputsOf, randomize } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

/** Zeroes those entries of a layer's kernel that are not said to be kept. */
function keep(
  model: tf.LayersModel,
  name: string,
  isKept: (input: number, output: number) => boolean,
  weight = 0,
): void {
  const layer = model.getLayer(name);
  tf.tidy(() => {
    const weights = layer.getWeights();
    const { shape } = weights[weight]!;
    const [inputs, outputs] = [shape.at(-2)!, shape.at(-1)!];
    const mask = Array.from({ length: inputs * outputs }, (_, n) =>
      isKept(Math.floor(n / outputs), n % outputs) ? 1 : 0,
    );
    weights[weight] = weights[weight]!.mul(tf.tensor2d(mask, [inputs, outputs]));
    layer.setWeights(weights);
  });
}

function expectRemoved(model: tf.LayersModel, removed: readonly number[][]): ChannelPlan {
  const plan = expectNoLeak(() => planFromMasks(model));
  expect(plan.groups.map(({ remove }) => remove)).toEqual(removed);
  const { model: slim } = applyPlan(model, JSON.parse(JSON.stringify(plan)));
  expectEqualOutputs(outputsOf(slim), outputsOf(model));
  // Nothing is left that could go.
  expect(planFromMasks(slim).groups.flatMap(({ remove }) => remove)).toEqual([]);
  return plan;
}

const stack = (): tf.LayersModel =>
  randomize(
    tf.sequential({
      layers: [
        L.dense({ units: 3, name: 'a', inputShape: [2], activation: 'tanh' }),
        L.dense({ units: 3, name: 'b', activation: 'sigmoid' }),
        L.dense({ units: 3, name: 'c', activation: 'relu' }),
        L.dense({ units: 2, name: 'd' }),
      ],
    }),
  );

describe('channels that only others read which go', () => {
  it('go too, layer by layer, also where they depend on the input', () => {
    const model = stack();
    keep(model, 'd', (input) => input !== 1);
    keep(model, 'c', (input, output) => input !== 2 || output === 1);
    keep(model, 'b', (input, output) => input !== 0 || output === 2);
    const plan = expectRemoved(model, [[0], [2], [1], []]);
    expect(plan.shifts).toEqual([]);
    expect(explain(plan)).toContain(
      'what reads them finds a constant in them, has zeros for them, or goes too',
    );
  });

  it('stay where one is read that stays', () => {
    const model = stack();
    keep(model, 'd', (input) => input !== 1);
    keep(model, 'c', (input, output) => input !== 2 || output !== 0);
    expectRemoved(model, [[], [], [1], []]);
  });

  it('go where a convolution makes something that goes of a constant, and meets borders', () => {
    const layers = [
      L.conv2d({ filters: 3, kernelSize: 1, name: 'a', inputShape: [4, 4, 2] }),
      L.conv2d({ filters: 3, kernelSize: 3, padding: 'same', name: 'b' }),
      L.globalAveragePooling2d({}),
      L.dense({ units: 2, name: 'out' }),
    ];
    const model = randomize(tf.sequential({ layers }));
    const channels = (name: string, isKept: (input: number, output: number) => boolean): void => {
      const layer = model.getLayer(name);
      tf.tidy(() => {
        const [kernel, ...rest] = layer.getWeights();
        const [inputs, outputs] = kernel!.shape.slice(-2) as [number, number];
        const mask = Array.from({ length: inputs * outputs }, (_, n) =>
          isKept(Math.floor(n / outputs), n % outputs) ? 1 : 0,
        );
        layer.setWeights([kernel!.mul(tf.tensor2d(mask, [inputs, outputs])), ...rest]);
      });
    };
    channels('a', (_, output) => output !== 1);
    channels('b', (input, output) => (input === 1) === (output === 2));
    const plan = expectRemoved(model, [[1], [2], []]);
    expect(plan.shifts.map(({ layer }) => layer)).toContain('out');
  });

  it('go where only they read themselves, in a residual sum', () => {
    const input = tf.input({ shape: [3] });
    const x = call(L.dense({ units: 4, name: 'x' }), input);
    const sum = call(L.add(), [x, call(L.dense({ units: 4, name: 'f' }), x)]);
    const model = randomize(
      tf.model({ inputs: input, outputs: call(L.dense({ units: 2, name: 'out' }), sum) }),
    );
    keep(model, 'out', (channel) => channel !== 1);
    keep(model, 'f', (from, to) => from !== 1 || to === 1);
    expectRemoved(model, [[1], []]);
  });

  it('go where a unit of a recurrent layer reads nothing but its own state', () => {
    const layers = [L.lstm({ units: 3, name: 'a', inputShape: [4, 2] }), L.dense({ units: 2, name: 'out' })];
    const model = randomize(tf.sequential({ layers }));
    keep(model, 'out', (channel) => channel !== 1);
    keep(model, 'a', (from, to) => from !== 1 || to % 3 === 1, 1);
    expectRemoved(model, [[1], []]);
  });

  it('go but for one of each group, which is none that has let others go', () => {
    const input = tf.input({ shape: [2] });
    const a = call(L.dense({ units: 3, name: 'a', activation: 'tanh' }), input);
    const b = call(L.dense({ units: 3, name: 'b', activation: 'sigmoid' }), a);
    const c = call(L.dense({ units: 3, name: 'c' }), call(L.concatenate(), [b, input]));
    const model = randomize(tf.model({ inputs: input, outputs: call(L.dense({ units: 2, name: 'd' }), c) }));
    // Units 1 and 2 of b nobody reads, unit 0 only unit 2 of c, which nobody reads. Unit 1 of a only unit 2 of b reads.
    keep(model, 'd', (from) => from !== 2);
    keep(model, 'c', (from, to) => from > 2 || (from === 0 && to === 2));
    keep(model, 'b', (from, to) => from !== 1 || to === 2);
    const plan = planFromMasks(model);
    expect(plan.groups.map(({ remove }) => remove)).toEqual([[1], [1, 2], [2], []]);
    expect(plan.groups[1]!.kept).toEqual([
      { channels: [0], reason: expect.stringContaining('at least one stays') },
    ]);
    expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
  });
});
