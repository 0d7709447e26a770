/** Blocks that a model would not work without, alone or together with others. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { isPruneError } from 'tfjs-prune';
import { applyPlan, type LayerPlan, planLayers } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

type Symbolic = tf.SymbolicTensor;
const dense = (name: string, units = 4): tf.layers.Layer => tf.layers.dense({ units, name });
const add = (name: string, of: Symbolic[]): Symbolic => call(tf.layers.add({ name }), of);
const namesOf = ({ blocks }: LayerPlan): string[] => blocks.map(({ name }) => name);
const removedOf = ({ blocks }: LayerPlan): string[] =>
  blocks.filter(({ isRemoved }) => isRemoved).map(({ name }) => name);

/** A plan that the user has edited so that these go. */
function edited(plan: LayerPlan, names: readonly string[]): LayerPlan {
  return {
    ...plan,
    blocks: plan.blocks.map((block) => ({ ...block, isRemoved: names.includes(block.name) })),
  };
}

function refusal(...parts: string[]): unknown {
  return expect.objectContaining({
    kind: 'argument',
    message: expect.stringMatching(parts.join('.*')),
  });
}

describe('a layer that is the whole branch of a residual sum', () => {
  function net(): tf.LayersModel {
    const inputs = tf.input({ shape: [3] });
    const s = call(dense('s'), inputs);
    const sum = add('sum', [s, call(dense('d1'), s)]);
    return tf.model({ inputs, outputs: [call(dense('out', 2), sum), call(dense('other', 2), s)] });
  }

  it('is not offered: without it the input would be added to itself', async () => {
    const model = net();
    expect(namesOf(await planLayers(model, { count: 0 }))).toEqual(['sum']);
    await expect(planLayers(model, { remove: ['d1'] })).rejects.toEqual(refusal("no block 'd1'", 'sum'));
  });
});

describe('two layers that are a branch of a residual sum', () => {
  function net(): tf.LayersModel {
    const inputs = tf.input({ shape: [3] });
    const s = call(dense('s'), inputs);
    const sum = add('sum', [s, call(dense('d2'), call(dense('d1'), s))]);
    return tf.model({ inputs, outputs: call(dense('out', 2), sum) });
  }

  it('go one by one, not together', async () => {
    const model = net();
    const plan = await planLayers(model, { remove: ['d2'] });
    await expect(planLayers(model, { remove: ['d1', 'd2'] })).rejects.toEqual(
      refusal("'d\\d' cannot be removed", "together with d\\d: 'sum' would get one tensor twice"),
    );
    await expectNoLeak(async () =>
      expect(() => applyPlan(model, edited(plan, ['d1', 'd2']))).toThrow(
        refusal('cannot be removed', "'sum' would get one tensor twice"),
      ),
    );
  });

  it('go with all of it', async () => {
    const model = net();
    const { model: shorter } = applyPlan(model, await planLayers(model, { remove: ['d1', 'd2', 'sum'] }));
    expect(shorter.layers.slice(1).map(({ name }) => name)).toEqual(['s', 'out']);
  });
});

it('a residual block that is the branch of another goes only with that', async () => {
  const inputs = tf.input({ shape: [3] });
  const s = call(dense('s'), inputs);
  const inner = add('inner.sum', [s, call(dense('inner.b'), call(dense('inner.a', 5), s))]);
  const model = tf.model({ inputs, outputs: call(dense('out', 2), add('outer', [s, inner])) });
  const plan = await planLayers(model, { count: 1 });
  expect(namesOf(plan)).toEqual(['outer']);
  expect(removedOf(plan)).toEqual(['outer']);
  await expect(planLayers(model, { count: 1, ignore: ['outer'] })).rejects.toMatchObject({ kind: 'amount' });
});

it.each(['reader first', 'reader last'])(
  'a sum with itself goes on to be one, but not where others come to read its term: %s',
  async (order) => {
    const inputs = tf.input({ shape: [3] });
    const x = call(dense('s'), inputs);
    const y = add('b.sum', [x, call(dense('b.2'), call(dense('b.1', 5), x))]);
    const double = add('double', [y, y]);
    const alone = tf.model({ inputs, outputs: call(dense('out', 2), double) });
    const { model: shorter } = applyPlan(alone, await planLayers(alone, { remove: ['b'] }));
    expect(shorter.layers.slice(1).map(({ name }) => name)).toEqual(['s', 'double', 'out']);
    const ones = tf.ones([1, 3]);
    expectNoLeak(() => tf.dispose(shorter.predict(ones)));
    const outputs = [call(dense('reader', 2), x), call(dense('out', 2), double)];
    const model = tf.model({ inputs, outputs: order === 'reader last' ? outputs.reverse() : outputs });
    await expect(planLayers(model, { remove: ['b'] })).rejects.toEqual(refusal("no block 'b'"));
  },
);

it('a block between two outputs is not offered: they would be one tensor', async () => {
  const inputs = tf.input({ shape: [3] });
  const s = call(dense('s'), inputs);
  const first = add('first.sum', [s, call(dense('first.b'), call(dense('first.a', 5), s))]);
  const second = add('second.sum', [first, call(dense('second.b'), call(dense('second.a', 5), first))]);
  const model = tf.model({ inputs, outputs: [s, second] });
  const plan = await planLayers(model, { remove: ['first'] });
  expect(namesOf(plan)).toEqual(['first', 'second']);
  expect(() => applyPlan(model, edited(plan, ['first', 'second']))).toThrow(
    refusal(
      "'second' cannot be removed",
      'together with first: two outputs of the model would be one tensor',
    ),
  );
  await expect(planLayers(model, { count: 2 })).rejects.toMatchObject({
    kind: 'amount',
    allowed: 'a count ≤ 1',
  });
  const single = tf.model({ inputs, outputs: [s, first] });
  await expect(planLayers(single, { count: 1 })).rejects.toMatchObject({
    kind: 'amount',
    message: 'No blocks can be removed from this model.',
  });
});

it('at least one layer stays, whatever may go alone', async () => {
  const inputs = tf.input({ shape: [4] });
  const block = (name: string, x: Symbolic): Symbolic => add(`${name}.sum`, [x, call(dense(`${name}.d`), x)]);
  const model = tf.model({ inputs, outputs: block('b', block('a', inputs)) });
  const plan = await planLayers(model, { count: 1 });
  expect(namesOf(plan)).toEqual(['a', 'b']);
  await expect(planLayers(model, { remove: ['a', 'b'] })).rejects.toEqual(
    refusal('an output of the model would be one of its inputs'),
  );
  await expect(planLayers(model, { targetMacs: 0.1 })).rejects.toMatchObject({
    kind: 'amount',
    allowed: 'a share ≥ 0.500',
  });
});

describe('where the least important block keeps others', () => {
  const least =
    (name: string) =>
    (block: { name: string }): number =>
      block.name === name ? 0 : 1;

  it('a target is reached without it', async () => {
    const inputs = tf.input({ shape: [4] });
    const t = call(dense('d1'), inputs);
    const f = call(dense('d4'), call(dense('d3'), call(dense('d2'), t)));
    const model = tf.model({ inputs, outputs: add('sum', [t, f]) });
    const plan = await planLayers(model, { targetMacs: 0.3, importance: least('d1') });
    expect(removedOf(plan)).toEqual(['sum']);
  });

  it('a count is reached without it', async () => {
    const inputs = tf.input({ shape: [3] });
    const s = call(dense('s'), inputs);
    const t = call(dense('a'), s);
    const x = add('x', [s, call(dense('b'), t)]);
    const y = call(tf.layers.multiply({ name: 'y' }), [s, call(dense('c'), t)]);
    const model = tf.model({ inputs, outputs: [call(dense('o1', 2), x), call(dense('o2', 2), y)] });
    const plan = await planLayers(model, { count: 2, importance: least('a') });
    expect(removedOf(plan)).toEqual(['b', 'c']);
    await expect(planLayers(model, { count: 3, importance: least('a') })).rejects.toMatchObject({
      kind: 'amount',
    });
  });
});

it('something stays that can be trained', async () => {
  const inputs = tf.input({ shape: [4] });
  const x = call(tf.layers.reLU({ name: 'r' }), call(dense('d2'), call(dense('d1'), inputs)));
  const model = tf.model({ inputs, outputs: x });
  expect(namesOf(await planLayers(model, { count: 1 }))).toEqual(['d1', 'd2']);
  await expect(planLayers(model, { remove: ['d1', 'd2'] })).rejects.toEqual(
    refusal('no layer with weights would be left'),
  );
});

/** Parts of a chain: a layer, or a residual sum around other parts, whose shortcut something else may read as well. */
type Part =
  | { readonly kind: 'layer' }
  | { readonly kind: 'sum'; readonly parts: Part[]; readonly isRead: boolean };

const { part } = fc.letrec<{ part: Part }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
    fc.constant<Part>({ kind: 'layer' }),
    fc.record({
      kind: fc.constant('sum' as const),
      parts: fc.array(tie('part'), { minLength: 1, maxLength: 3 }),
      isRead: fc.boolean(),
    }),
  ),
}));

/** A network of such parts, and one that computes the same by hand, where some layers and sums pass their input on. */
function networkOf(parts: readonly Part[], isOutput: boolean): tf.LayersModel {
  const inputs = tf.input({ shape: [4] });
  const outputs: Symbolic[] = [];
  let count = 0;
  const through = (x: Symbolic, each: Part): Symbolic => {
    const name = `p${count++}`;
    if (each.kind === 'layer') return call(dense(name), x);
    if (each.isRead) outputs.push(isOutput ? x : call(dense(`${name}.reader`, 2), x));
    return add(name, [x, each.parts.reduce(through, x)]);
  };
  outputs.push(call(dense('out', 2), parts.reduce(through, call(dense('stem'), inputs))));
  return tf.model({ inputs, outputs: [...new Set(outputs)] });
}

/** What the layers of a model give, by hand; those that are gone give what a block's input was. */
function byHand(
  model: tf.LayersModel,
  x: tf.Tensor,
  gone: LayerPlan['blocks'],
  inputOf: Map<string, string>,
): tf.Tensor[] {
  const makers = new Map(model.layers.map((layer) => [layer.name, layer]));
  const values = new Map<string, tf.Tensor>();
  const lastOf = new Map(gone.map(({ name, layers }) => [layers.at(-1)!, name]));
  const giving = (name: string): tf.Tensor => {
    const known = values.get(name);
    if (known !== undefined) return known;
    const block = lastOf.get(name);
    const layer = makers.get(name)!;
    values.set(name, block === undefined ? given(layer) : giving(inputOf.get(block)!));
    return values.get(name)!;
  };
  const given = (layer: tf.layers.Layer): tf.Tensor => {
    if (layer.getClassName() === 'InputLayer') return x;
    const inputs = [layer.input].flat().map(({ sourceLayer }) => giving(sourceLayer.name));
    if (layer.getClassName() === 'Add') return tf.addN(inputs);
    const [kernel, bias] = layer.getWeights();
    return tf.tidy(() => inputs[0]!.matMul(kernel!).add(bias!));
  };
  return model.outputs.map(({ sourceLayer }) => giving(sourceLayer.name));
}

/** What goes into each block: of what its layers take, the tensor that none of them makes. */
function inputsOf(model: tf.LayersModel, { blocks }: LayerPlan): Map<string, string> {
  return new Map(
    blocks.map(({ name, layers }) => {
      const taken = layers.flatMap((each) => [model.getLayer(each).input].flat());
      return [name, taken.find(({ sourceLayer }) => !layers.includes(sourceLayer.name))!.sourceLayer.name];
    }),
  );
}

it('whatever goes of a random residual network, it is refused, or the rest gives what it is to give', async () => {
  let [applied, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.infiniteStream(fc.boolean()),
      fc.integer({ min: 0, max: 3 }),
      async (parts, isOutput, choices, count) => {
        const model = networkOf(parts, isOutput);
        const x = tf.randomUniform([2, 4], -1, 1, 'float32', 1);
        try {
          for (const asked of ['edited', 'count'] as const) {
            let plan: LayerPlan;
            try {
              plan = await planLayers(model, { count: asked === 'count' ? count : 0 });
              if (asked === 'edited') {
                plan = edited(
                  plan,
                  namesOf(plan).filter(() => choices.next().value),
                );
              }
              const shorter = applyPlan(model, plan).model;
              const gone = plan.blocks.filter(({ isRemoved }) => isRemoved);
              const outputs = [shorter.predict(x)].flat();
              const expected = byHand(model, x, gone, inputsOf(model, plan));
              outputs.forEach((output, i) => {
                expect(output).toBeAllClose(expected[i]!.dataSync(), { rtol: 1e-4, atol: 1e-4 });
              });
              expect(shorter.layers).toHaveLength(
                model.layers.length - new Set(gone.flatMap(({ layers }) => layers)).size,
              );
              applied += gone.length > 0 ? 1 : 0;
            } catch (error) {
              if (!isPruneError(error)) throw error;
              refused++;
            }
          }
        } finally {
          tf.disposeVariables();
          tf.dispose(x);
        }
      },
    ),
    { numRuns: 150 },
  );
  expect(applied).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(20);
}, 60_000);
