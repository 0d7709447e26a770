import * as tf from '@tensorflow/tfjs';
import { resnet18, resnet50 } from 'tfjs-prune/models';
import { applyPlan, planChannels, planLayers } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, outputsOf, randomize, release } from '../sparse/fold-models';
import { expectSame } from './law/law';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const dense = (name: string, units = 6): tf.layers.Layer => tf.layers.dense({ units, name });

function net(): tf.LayersModel {
  const inputs = tf.input({ shape: [4] });
  return randomize(tf.model({ inputs, outputs: call(dense('out', 2), call(dense('a'), inputs)) }));
}

/** What a value holds, with the names of layers in their place. */
function described(value: unknown): unknown {
  if (value instanceof tf.layers.Layer) return `layer ${value.name}`;
  if (Array.isArray(value)) return value.map(described);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, described(each)]));
}

/** All that a model has beyond what every model has. */
function ownOf(model: tf.LayersModel): Record<string, unknown> {
  const plain = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  const own = Object.entries(model).filter(([key]) => !(key in plain));
  return Object.fromEntries(own.map(([key, value]) => [key, described(value)]));
}

describe('what applyPlan gives for a plan of channels is of the type of the model:', () => {
  it.each([
    ['a ResNet of basic blocks', resnet18],
    ['a ResNet of bottlenecks', resnet50],
  ])('%s with all its children, again and again', async (_name, make) => {
    const model = await make({ seed: 0, inputShape: [32, 32, 3], numClasses: 3 });
    const children = ownOf(model);
    expect(Object.keys(children)).toEqual(
      expect.arrayContaining(['conv1', 'bn1', 'layer1', 'layer2', 'layer3', 'layer4', 'fc']),
    );
    const { model: slim } = applyPlan(model, await planChannels(model, { ratio: 0.9 }));
    const { model: slimmer } = applyPlan(slim, await planChannels(slim, { ratio: 0.5 }));
    expect(ownOf(slim)).toEqual(children);
    expect(ownOf(slimmer)).toEqual(children);
    expect(slimmer.layer4[0].conv2).toBe(slimmer.getLayer('layer4.0.conv2'));
    for (const each of [model, slim, slimmer]) release(each);
  });

  it('a Sequential that goes on to grow', async () => {
    const model = randomize(
      tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [3] }), dense('out', 2)] }),
    );
    const { model: slim } = applyPlan(model, await planChannels(model, { ratio: 0.5 }));
    slim.add(dense('more', 5));
    expect(slim.outputs[0]!.shape).toEqual([null, 5]);
    expect(slim.layers[0]!.getWeights()[0]!.shape).toEqual([3, 3]);
    expect(model.layers).toHaveLength(2);
  });
});

describe('properties of a model', () => {
  it('are left out where all their layers are gone, and those of every model are the new one’s', async () => {
    const inputs = tf.input({ shape: [4] });
    const x = call(dense('same'), call(dense('first'), inputs));
    const model = randomize(tf.model({ inputs, outputs: call(dense('out', 2), x) }));
    const [, first, same] = model.layers;
    Object.assign(model, { first, same, gone: [[same], { same }], some: [[same], [first]] });
    const { model: shorter } = applyPlan(model, await planLayers(model, { remove: ['same'] }));
    expect(ownOf(shorter)).toEqual({ first: 'layer first', some: [['layer first']] });
    expect(Object.keys(shorter.layersByDepth)).toEqual(['0', '1', '2']);
  });

  it('that hold themselves are no harm, and are taken along where they hold layers', async () => {
    const model = net();
    const plan = await planChannels(model, { ratio: 0.5 });
    const parts: Record<string, unknown> = { name: 'mine', all: [] };
    Object.assign(parts, { self: parts, all: [parts] });
    Object.assign(model, { parts });
    expect(applyPlan(model, plan).model).not.toHaveProperty('parts');
    parts.a = model.getLayer('a');
    const { model: slim } = applyPlan(model, plan);
    const taken: unknown = Reflect.get(slim, 'parts');
    expect(taken).toMatchObject({ a: slim.getLayer('a') });
    expect(Reflect.get(Object(taken), 'self')).toBe(taken);
    expect(Object.keys(Object(taken))).toEqual(['name', 'all', 'self', 'a']);
  });

  it('keep their places, and what is beside layers', async () => {
    const model = net();
    const [a, data] = [model.getLayer('a'), { of: 'mine' }];
    Object.assign(model, {
      list: [{ a, act: 'relu', n: 3 }, null, a, undefined, data],
      map: new Map<unknown, unknown>([
        ['a', a],
        [7, data],
      ]),
      set: new Set([data, a]),
    });
    const { model: slim } = applyPlan(model, await planChannels(model, { ratio: 0.5 }));
    const made = slim.getLayer('a');
    const [list, map, set] = ['list', 'map', 'set'].map((key): unknown => Reflect.get(slim, key));
    expect(list).toStrictEqual([{ a: made, act: 'relu', n: 3 }, null, made, undefined, data]);
    expect(map).toStrictEqual(
      new Map<unknown, unknown>([
        ['a', made],
        [7, data],
      ]),
    );
    expect([...Object(set)]).toStrictEqual([data, made]);
  });

  it('are the same wherever they are, under any key', async () => {
    const model = net();
    const a = model.getLayer('a');
    const list = [a];
    const bare = Object.assign(Object.create(null), { a });
    Object.defineProperty(bare, '__proto__', { value: a, enumerable: true });
    Object.assign(model, { list, again: list, bare, keyed: new Map([[a, { owner: model }]]) });
    const { model: slim } = applyPlan(model, await planChannels(model, { ratio: 0.5 }));
    const made = slim.getLayer('a');
    const [first, again, taken, keyed] = ['list', 'again', 'bare', 'keyed'].map((key): unknown =>
      Reflect.get(slim, key),
    );
    expect(first).toStrictEqual([made]);
    expect(again).toBe(first);
    expect(Object.entries(Object(taken))).toStrictEqual([
      ['a', made],
      ['__proto__', made],
    ]);
    expect([...Object(keyed)]).toStrictEqual([[made, { owner: slim }]]);
  });

  it('that throw leave nothing behind', async () => {
    const model = net();
    const plan = await planChannels(model, { ratio: 0.5 });
    Object.defineProperty(model, 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('a getter that throws');
      },
    });
    expectNoLeak(() => expect(() => applyPlan(model, plan)).toThrow('a getter that throws'));
  });
});

describe('a layer that a model shares with one within', () => {
  it('becomes two, each with a copy, which give the same and learn apart', async () => {
    const shared = dense('shared');
    const inner = tf.input({ shape: [6] });
    const within = tf.model({
      name: 'within',
      inputs: inner,
      outputs: call(dense('w'), call(shared, inner)),
    });
    const inputs = tf.input({ shape: [4] });
    const x = call(within, call(shared, call(dense('a'), inputs)));
    const model = randomize(tf.model({ inputs, outputs: call(dense('out', 2), x) }));
    const weightsIn = (each: tf.LayersModel): tf.TypedArray[] => {
      const other = each.getLayer('within') as tf.LayersModel;
      return [each, other].map((holder) => holder.getLayer('shared').getWeights()[0]!.dataSync().slice());
    };
    const plans = [await planChannels(model, { ratio: 0 }), await planLayers(model, { remove: [] })];
    for (const { model: same } of plans.map((plan) => applyPlan(model, plan))) {
      expectSame(outputsOf(same), outputsOf(model));
      const [one, other] = weightsIn(same);
      expect(one).toEqual(other);
      same.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
      await same.trainOnBatch(tf.ones([2, 4]), tf.ones([2, 2]));
      const [learnt, apart] = weightsIn(same);
      expect(learnt).not.toEqual(one);
      expect(apart).not.toEqual(one);
      expect(apart).not.toEqual(learnt);
    }
    // Each loses channels of its own.
    const importance = ({ id, channels }: { id: string; channels: number }): number[] =>
      Array.from({ length: channels }, (_, n) => (id === 'shared' ? n : -n));
    const { groups } = await planChannels(model, { ratio: 0.5, importance });
    const removed = new Map(groups.map(({ id, remove }) => [id, remove]));
    expect(removed.get('shared')).toEqual([0, 1, 2]);
    expect(removed.get('within/shared')).toEqual([3, 4, 5]);
  });
});
