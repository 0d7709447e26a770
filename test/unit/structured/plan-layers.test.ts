import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildGraph } from '../../../src/models/resnet-graph';
import { planResNet } from '../../../src/models/resnet-plan';
import { applyPlan } from '../../../src/structured/apply-plan';
import { sealedLayers } from '../../../src/structured/plan-digest';
import { planLayers } from '../../../src/structured/plan-layers';
import { summary } from '../../../src/structured/summary';
import { useBackend } from '../../support/backend';
import { fillWeights, outputOf } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

type Symbolic = tf.SymbolicTensor;
const apply = (layer: tf.layers.Layer, x: Symbolic | Symbolic[]): Symbolic => layer.apply(x) as Symbolic;
const dense = (name: string, units = 4): tf.layers.Layer => tf.layers.dense({ units, name });

/** stem, then x + f(x) three times, then a head. */
function residualNet(): tf.LayersModel {
  const inputs = tf.input({ shape: [3] });
  let x = apply(dense('stem'), inputs);
  for (const name of ['block.0', 'block.1', 'block.2']) {
    const f = apply(dense(`${name}.b`), apply(dense(`${name}.a`, 6), x));
    x = apply(tf.layers.add({ name: `${name}.add` }), [f, x]);
  }
  const model = tf.model({ inputs, outputs: apply(dense('head', 2), x) });
  fillWeights(model);
  return model;
}

/** Makes f(x) = 0, by which a block passes its input on. */
function silence(model: tf.LayersModel, ...names: string[]): void {
  tf.tidy(() => {
    for (const name of names) {
      const layer = model.getLayer(name);
      layer.setWeights(layer.getWeights().map((weight) => tf.zerosLike(weight)));
    }
  });
}

const input = (): tf.Tensor => tf.randomUniform([5, 3], -1, 1, 'float32', 3);
const removedOf = ({ blocks }: Awaited<ReturnType<typeof planLayers>>): string[] =>
  blocks.filter(({ isRemoved }) => isRemoved).map(({ name }) => name);

describe('a block that passes its input on', () => {
  it.each([[['block.1']], [['block.0', 'block.1']], [['block.2', 'block.0', 'block.1']]])(
    'can be removed without a change: %j',
    async (remove) => {
      const model = residualNet();
      silence(model, ...remove.map((name) => `${name}.b`));
      const plan = JSON.parse(JSON.stringify(await planLayers(model, { remove })));
      const { model: shorter } = applyPlan(model, plan);
      expect(outputOf(shorter, input())).toBeAllClose([...outputOf(model, input())]);
      expect(shorter.layers).toHaveLength(model.layers.length - 3 * remove.length);
      expect(summary(shorter).macs).toBe(plan.macs!.after);
      expect(plan.macs).toEqual({
        before: 12 + 3 * 48 + 8,
        after: 12 + (3 - remove.length) * 48 + 8,
        uncounted: [],
      });
    },
  );

  it('has no influence, and goes first', async () => {
    const model = residualNet();
    silence(model, 'block.1.b');
    const samples = input();
    const plan = await expectNoLeak(() => planLayers(model, { count: 1, samples }));
    expect(removedOf(plan)).toEqual(['block.1']);
    expect(plan.blocks.find(({ name }) => name === 'block.1')!.importance).toBeCloseTo(0, 6);
  });
});

it('influence is one minus the mean cosine of what goes in and what comes out', async () => {
  const inputs = tf.input({ shape: [2] });
  const stem = apply(tf.layers.activation({ activation: 'linear' }), inputs);
  const turn = tf.layers.dense({ units: 2, useBias: false, name: 'turn' });
  const sum = apply(tf.layers.add({ name: 'sum' }), [stem, apply(turn, stem)]);
  const model = tf.model({ inputs, outputs: apply(dense('head'), sum) });
  // x + f(x): (1, 0) → (1, 1), at 45°; (0, 1) → (0, 1), the same.
  turn.setWeights([
    tf.tensor2d([
      [0, 1],
      [0, 0],
    ]),
  ]);
  const plan = await planLayers(model, {
    count: 1,
    samples: tf.tensor2d([
      [1, 0],
      [0, 1],
    ]),
  });
  expect(plan.blocks.find(({ kind }) => kind === 'residual')!.importance).toBeCloseTo(
    1 - (Math.SQRT1_2 + 1) / 2,
    6,
  );
});

it('magnitude is the mean of the kernels, biases left out', async () => {
  const model = residualNet();
  silence(model, 'block.0.a', 'block.0.b', 'block.1.b');
  const { blocks } = await planLayers(model, { count: 1 });
  const kernel = model.getLayer('block.1.a').getWeights()[0]!.dataSync<'float32'>();
  const sum = kernel.reduce((total, value) => total + Math.abs(value), 0);
  const score = (name: string): number => blocks.find((block) => block.name === name)!.importance!;
  expect(score('block.0')).toBe(0);
  expect(score('block.1')).toBeCloseTo(sum / 48, 6);
});

it('targetMacs removes the least important until it is reached, or says what can be', async () => {
  const model = residualNet();
  const order = ['block.2', 'block.0', 'block.1'];
  const importance = ({ name }: { name: string }): number => order.indexOf(name);
  // Of 164 MACs, 116 are left after one block and 68 after two.
  expect(removedOf(await planLayers(model, { targetMacs: 0.71, importance }))).toEqual(['block.2']);
  expect(removedOf(await planLayers(model, { targetMacs: 0.6, importance }))).toEqual(['block.0', 'block.2']);
  await expect(planLayers(model, { targetMacs: 0.01, importance })).rejects.toMatchObject({ kind: 'amount' });
  const ignore = ['block.0', 'block.2'];
  expect(removedOf(await planLayers(model, { count: 1, importance, ignore }))).toEqual(['block.1']);
});

describe('a block around another', () => {
  /** x + g(y) with y = x' + f(x') inside: inner, outer, then one more beside them. */
  function nestedNet(): tf.LayersModel {
    const inputs = tf.input({ shape: [3] });
    const x = apply(dense('stem'), inputs);
    const a = apply(dense('outer.a'), x);
    const inner = apply(tf.layers.add({ name: 'outer.inner.add' }), [a, apply(dense('outer.inner.f'), a)]);
    const outer = apply(tf.layers.add({ name: 'outer.add' }), [x, apply(dense('outer.b'), inner)]);
    const last = apply(tf.layers.add({ name: 'last.add' }), [outer, apply(dense('last.f'), outer)]);
    const model = tf.model({ inputs, outputs: apply(dense('head', 2), last) });
    fillWeights(model);
    return model;
  }
  const ranked =
    (...order: string[]) =>
    ({ name }: { name: string }): number =>
      order.indexOf(name);

  it('takes its place, and counts as one', async () => {
    const model = nestedNet();
    const removed = async (count: number, ...order: string[]): Promise<string[]> =>
      removedOf(await planLayers(model, { count, importance: ranked(...order) }));
    expect(await removed(1, 'outer.inner', 'outer', 'last')).toEqual(['outer.inner']);
    expect(await removed(2, 'outer.inner', 'outer', 'last')).toEqual(['outer', 'last']);
    expect(await removed(2, 'outer', 'outer.inner', 'last')).toEqual(['outer', 'last']);
    await expect(removed(3, 'outer', 'outer.inner', 'last')).rejects.toMatchObject({
      ...{ kind: 'amount', allowed: 'a count ≤ 2' },
    });
  });

  it('stays where more of those within it were asked for', async () => {
    const inputs = tf.input({ shape: [3] });
    const x = apply(dense('stem'), inputs);
    let y = x;
    for (const name of ['outer.0', 'outer.1'])
      y = apply(tf.layers.add({ name: `${name}.add` }), [y, apply(dense(`${name}.f`), y)]);
    const outer = apply(tf.layers.add({ name: 'outer.add' }), [x, apply(dense('outer.b'), y)]);
    const model = tf.model({ inputs, outputs: apply(dense('head', 2), outer) });
    fillWeights(model);
    const importance = ranked('outer', 'outer.1', 'outer.0');
    expect(removedOf(await planLayers(model, { count: 1, importance }))).toEqual(['outer']);
    const both = await planLayers(model, { count: 2, importance });
    expect(removedOf(both).sort()).toEqual(['outer.0', 'outer.1']);
  });

  it('leaves the model without it', async () => {
    const model = nestedNet();
    const plan = await planLayers(model, { count: 2, importance: ranked('outer.inner', 'outer', 'last') });
    silence(model, 'outer.b', 'last.f');
    const given = input();
    const made = await expectNoLeak(() => {
      const { model: shorter } = applyPlan(model, plan);
      const output = outputOf(shorter, given);
      shorter.dispose();
      return output;
    });
    expect(made).toBeAllClose([...outputOf(model, given)]);
  });
});

it('a sum of several branches and their input is one block, which goes with all of them', async () => {
  const inputs = tf.input({ shape: [3] });
  const x = apply(dense('stem'), inputs);
  const sum = apply(tf.layers.add({ name: 'b.add' }), [apply(dense('b.f'), x), x, apply(dense('b.g'), x)]);
  const model = tf.model({ inputs, outputs: apply(dense('head', 2), sum) });
  fillWeights(model);
  silence(model, 'b.f', 'b.g');
  const plan = await planLayers(model, { remove: ['b'] });
  expect(plan.blocks.find(({ name }) => name === 'b')!.layers).toEqual(
    expect.arrayContaining(['b.f', 'b.g', 'b.add']),
  );
  const { model: shorter } = applyPlan(model, plan);
  expect(shorter.layers.map(({ name }) => name).slice(1)).toEqual(['stem', 'head']);
  expect(outputOf(shorter, input())).toBeAllClose([...outputOf(model, input())]);
  const blocks = plan.blocks.map((block) => ({ ...block, layers: ['b.f'] }));
  const stale = sealedLayers({ ...plan, blocks });
  expect(() => applyPlan(model, stale)).toThrow("block 'b' is made of b.f; that of");
});

it('a layer of the same shape goes, and a ReLU that the input needs stays', async () => {
  const layers = [tf.layers.dense({ units: 4, inputShape: [3] }), dense('same'), dense('head', 2)];
  const model = tf.sequential({ layers });
  fillWeights(model);
  tf.tidy(() => model.getLayer('same').setWeights([tf.eye(4), tf.zeros([4])]));
  const { model: shorter } = applyPlan(model, await planLayers(model, { remove: ['same'] }));
  expect(outputOf(shorter, input())).toBeAllClose([...outputOf(model, input())]);
  expect(shorter.layers).toHaveLength(2);
  for (const isRectified of [true, false]) {
    const inputs = tf.input({ shape: [3] });
    const stem = apply(tf.layers.dense({ units: 4, activation: isRectified ? 'relu' : 'linear' }), inputs);
    const sum = apply(tf.layers.add({ name: 'b.add' }), [stem, apply(dense('b.f'), stem)]);
    const graph = tf.model({
      inputs,
      outputs: apply(dense('head', 2), apply(tf.layers.reLU({ name: 'b.relu' }), sum)),
    });
    fillWeights(graph);
    silence(graph, 'b.f');
    const plan = await planLayers(graph, { remove: ['b'] });
    const { model: made } = applyPlan(graph, plan);
    expect(outputOf(made, input())).toBeAllClose([...outputOf(graph, input())]);
    expect(made.layers.some(({ name }) => name === 'b.relu')).toBe(!isRectified);
  }
});

it('a branch that something else takes, or that shares a layer, is no block', async () => {
  const inputs = tf.input({ shape: [3] });
  const x = apply(dense('stem'), inputs);
  const shared = dense('shared');
  const f = apply(dense('f'), x);
  const a = apply(tf.layers.add({ name: 'a' }), [x, f]);
  const b = apply(tf.layers.add({ name: 'b' }), [a, apply(shared, a)]);
  const c = apply(tf.layers.add({ name: 'c' }), [b, apply(shared, b)]);
  const model = tf.model({ inputs, outputs: [c, f] });
  expect((await planLayers(model, { count: 0 })).blocks).toEqual([]);
});

describe('a ResNet50', () => {
  it('loses the blocks that keep their size, ReLUs included, and stays trainable and pruned', async () => {
    const model = buildGraph(planResNet('resnet50', 3), [32, 32, 3]);
    const { blocks, macs } = await planLayers(model, {
      remove: ['layer1.2', 'layer2.3', 'layer3.4', 'layer4.2'],
    });
    const residual = blocks.filter(({ kind }) => kind === 'residual').map(({ name }) => name);
    expect(residual).toEqual(
      [1, 2, 3, 4].flatMap((stage, i) =>
        Array.from({ length: [2, 3, 5, 2][i]! }, (_, block) => `layer${stage}.${block + 1}`),
      ),
    );
    prune.randomUnstructured(model.getLayer('fc'), 'weight', 0.5);
    const plan = await planLayers(model, { remove: ['layer1.2', 'layer2.3', 'layer3.4', 'layer4.2'] });
    const { model: shorter } = applyPlan(model, plan);
    expect(summary(shorter).macs).toBe(macs!.after);
    expect(shorter.layers.some(({ name }) => name.startsWith('layer3.4'))).toBe(false);
    expect(prune.isPruned(shorter)).toBe(true);
  });
});

describe('refusals', () => {
  it('name what is wrong and change nothing', async () => {
    const model = residualNet();
    const cases: ReadonlyArray<readonly [object, string]> = [
      [{}, 'argument'],
      [{ count: 1, remove: [] }, 'argument'],
      [{ remove: ['block.7'] }, 'argument'],
      [{ remove: 'block.0' }, 'argument'],
      [{ count: 9 }, 'amount'],
      [{ count: 0.5 }, 'amount'],
      [{ targetMacs: 1 }, 'amount'],
      [{ count: 1, importance: 'influence' }, 'argument'],
      [{ count: 1, importance: () => Number.NaN }, 'argument'],
      [{ count: 1, amount: 1 }, 'argument'],
      [{ count: 1, ignore: ['block.7'] }, 'argument'],
      [{ count: 1, samples: ['block.0'] }, 'argument'],
      [{ count: 1, samples: 7 }, 'argument'],
      [{ count: 1, importance: 'magnitude', samples: tf.zeros([1, 3]) }, 'argument'],
      [{ remove: ['block.0'], importance: 'magnitude' }, 'argument'],
      [{ count: 1, importance: 'l2' }, 'argument'],
    ];
    for (const [options, kind] of cases)
      await expect(planLayers(model, options)).rejects.toMatchObject({ kind });
    const plan = await planLayers(model, { remove: ['block.1'] });
    const { model: shorter } = applyPlan(model, plan);
    for (const [other, wrong] of [
      [shorter, plan],
      [model, {}],
      [model, undefined],
    ] as const) {
      expectNoLeak(() =>
        expect(() => applyPlan(other, wrong as typeof plan)).toThrow(
          expect.objectContaining({ kind: 'argument' }),
        ),
      );
    }
  });
});
