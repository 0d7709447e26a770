/** Which parts of a model are blocks, rule by rule. */
import * as tf from '@tensorflow/tfjs';
import { planLayers } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { call, type Symbolic } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;
const dense = (name: string, units = 4): tf.layers.Layer => L.dense({ units, name });
const sum = (name: string, of: Symbolic[]): Symbolic => call(L.add({ name }), of);

/** f(x) of two layers, so that neither is a block. */
const branch = (name: string, x: Symbolic): Symbolic =>
  call(dense(`${name}.2`, x.shape.at(-1)!), call(dense(`${name}.1`, 5), x));

async function blocksOf(model: tf.LayersModel): Promise<Record<string, readonly string[]>> {
  const { blocks } = await planLayers(model, { remove: [] });
  return Object.fromEntries(blocks.map(({ name, layers }) => [name, layers]));
}

/** The model with one block more, so that there is always one to plan with. */
function modelOf(inputs: Symbolic[], ...outputs: Symbolic[]): tf.LayersModel {
  const last = call(L.globalMaxPooling1d({}), call(L.reshape({ targetShape: [-1, 1] }), outputs[0]!));
  const wide = call(dense('tail', 3), last);
  const out = call(dense('out', 2), sum('other.add', [wide, branch('other', wide)]));
  return tf.model({ inputs, outputs: [out, ...outputs.slice(1)] });
}

async function residualNames(model: tf.LayersModel): Promise<string[]> {
  return Object.entries(await blocksOf(model)).flatMap(([name, layers]) =>
    layers.length > 1 && name !== 'other' ? name : [],
  );
}

describe('a sum is a residual block', () => {
  it('unless its Add adds elsewhere too', async () => {
    const input = tf.input({ shape: [3] });
    const x = call(dense('stem'), input);
    const shared = L.add({ name: 'shared' });
    const a = call(shared, [x, branch('a', x)]);
    expect(await residualNames(modelOf([input], call(shared, [a, branch('b', a)])))).toEqual([]);
  });

  it('unless it has another shape than its input, which it repeats', async () => {
    const input = tf.input({ shape: [1, 1, 4] });
    const x = call(dense('stem'), input);
    const repeated = call(L.upSampling2d({ size: [3, 3] }), branch('a', x));
    expect(await residualNames(modelOf([input], sum('a.add', [x, repeated])))).toEqual([]);
    const flat = tf.input({ shape: [4] });
    const y = call(dense('stem'), flat);
    const rows = call(L.repeatVector({ n: 4 }), branch('a', y));
    expect(await residualNames(modelOf([flat], sum('a.add', [y, rows])))).toEqual([]);
  });

  it('unless another input of the model goes into its branch', async () => {
    const inputs = [tf.input({ shape: [3] }), tf.input({ shape: [4] })] as const;
    const x = call(dense('stem'), inputs[0]);
    const f = call(L.multiply({ name: 'a.mul' }), [branch('a', x), inputs[1]]);
    expect(await residualNames(modelOf([...inputs], sum('a.add', [x, f])))).toEqual([]);
  });

  it('unless something else reads what is within its branch', async () => {
    const input = tf.input({ shape: [3] });
    const x = call(dense('stem'), input);
    const first = call(dense('a.1', 5), x);
    const a = sum('a.add', [x, call(dense('a.2'), first)]);
    expect(await residualNames(modelOf([input], a, call(dense('reader'), first)))).toEqual([]);
    expect(await residualNames(modelOf([input], a, first))).toEqual([]);
  });

  it('also where its branch has two ways, which meet within', async () => {
    const input = tf.input({ shape: [3] });
    const x = call(dense('stem'), input);
    const first = call(dense('a.1', 5), x);
    const meet = call(L.concatenate({ name: 'a.cat' }), [
      call(dense('a.2'), first),
      call(dense('a.3'), first),
    ]);
    const a = sum('a.add', [call(dense('a.4'), meet), x]);
    const found = await blocksOf(modelOf([input], a));
    expect([...found.a!].sort()).toEqual(['a.1', 'a.2', 'a.3', 'a.4', 'a.add', 'a.cat']);
  });
});

describe('a ReLU after a residual sum', () => {
  /** Of relu(x + f(x)), whether its ReLU goes with the block. */
  async function goes(
    inputs: Symbolic[],
    x: Symbolic,
    rectifier: tf.layers.Layer = L.reLU({ name: 'a.relu' }),
    readerOf?: (total: Symbolic, rectified: Symbolic) => Symbolic,
  ): Promise<boolean> {
    const total = sum('a.add', [x, branch('a', x)]);
    const rectified = call(rectifier, total);
    const more = readerOf === undefined ? [] : [readerOf(total, rectified)];
    const found = await blocksOf(modelOf(inputs, rectified, ...more));
    return found.a!.includes('a.relu');
  }
  const rectified = (shape: number[]): { input: Symbolic; x: Symbolic } => {
    const input = tf.input({ shape });
    return { input, x: call(L.dense({ units: 4, activation: 'relu', name: 'stem' }), input) };
  };

  it('goes with it in any form, alone', async () => {
    for (const relu of [L.reLU({ name: 'a.relu' }), L.activation({ activation: 'relu', name: 'a.relu' })]) {
      const { input, x } = rectified([3]);
      expect(await goes([input], x, relu)).toBe(true);
    }
    for (const other of [
      L.reLU({ maxValue: 6, name: 'a.relu' }),
      L.activation({ activation: 'tanh', name: 'a.relu' }),
      L.dense({ units: 4, activation: 'relu', name: 'a.relu' }),
      L.leakyReLU({ name: 'a.relu' }),
    ]) {
      const { input, x } = rectified([3]);
      expect(await goes([input], x, other)).toBe(false);
    }
  });

  it('stays where something else reads the sum, or the ReLU is called elsewhere', async () => {
    const { input, x } = rectified([3]);
    expect(await goes([input], x, undefined, (total) => call(dense('reader'), total))).toBe(false);
    const second = rectified([3]);
    expect(await goes([second.input], second.x, undefined, (total) => total)).toBe(false);
    const third = rectified([3]);
    const shared = L.reLU({ name: 'a.relu' });
    const again = (_: Symbolic, made: Symbolic): Symbolic => call(shared, call(dense('more'), made));
    expect(await goes([third.input], third.x, shared, again)).toBe(false);
  });

  /** Each gives no negative number where it is given none. */
  const keeping: ReadonlyArray<readonly [shape: number[], make: () => tf.layers.Layer]> = [
    [[4, 3], () => L.maxPooling1d({ poolSize: 2 })],
    [[4, 4, 3], () => L.maxPooling2d({ poolSize: 2 })],
    [[4, 4, 4, 3], () => L.maxPooling3d({ poolSize: 2, strides: 2 })],
    [[4, 3], () => L.averagePooling1d({ poolSize: 2 })],
    [[4, 4, 3], () => L.averagePooling2d({ poolSize: 2 })],
    [[4, 4, 4, 3], () => L.averagePooling3d({ poolSize: 2, strides: 2 })],
    [[4, 4, 3], () => L.zeroPadding2d({ padding: 1 })],
    [[4, 4, 3], () => L.cropping2D({ cropping: 1 })],
    [[4, 4, 3], () => L.upSampling2d({ size: [2, 2] })],
    [[3], () => L.dropout({ rate: 0.5 })],
    [[4, 3], () => L.spatialDropout1d({ rate: 0.5 })],
    [[4, 3], () => L.flatten()],
    [[4, 3], () => L.reshape({ targetShape: [2, 8] })],
    [[4, 3], () => L.permute({ dims: [2, 1] })],
  ];

  it('goes where a layer keeps numbers that are not negative, and stays where it is given others', async () => {
    for (const [shape, make] of keeping) {
      const { input, x } = rectified(shape);
      const layer = make();
      expect(await goes([input], call(layer, x)), layer.getClassName()).toBe(true);
      const linear = tf.input({ shape });
      expect(await goes([linear], call(make(), call(dense('line'), linear))), layer.getClassName()).toBe(
        false,
      );
    }
  });

  it('goes where a layer of several inputs is given no negative numbers, stays where one may be', async () => {
    for (const make of [L.add, L.average, L.maximum, L.multiply, L.concatenate]) {
      for (const activation of ['relu', 'linear'] as const) {
        const { input, x } = rectified([3]);
        const other = call(L.dense({ units: 4, activation, name: 'other.stem' }), input);
        for (const of of [
          [x, other],
          [other, x],
        ]) {
          const layer = make({});
          const isGone = await goes([input], call(layer, of));
          expect(isGone, `${layer.getClassName()} ${activation}`).toBe(activation === 'relu');
        }
      }
    }
  });

  it('goes after a layer that gives no negative numbers, whatever it is given', async () => {
    for (const make of [() => L.reLU(), () => L.softmax(), () => L.reLU({ maxValue: 6 })]) {
      const input = tf.input({ shape: [3] });
      expect(await goes([input], call(make(), call(dense('line'), input)))).toBe(true);
    }
    const input = tf.input({ shape: [3] });
    const { x, input: other } = rectified([3]);
    expect(await goes([other], call(L.batchNormalization(), x))).toBe(false);
    expect(await goes([input], call(L.elu(), call(dense('line'), input)))).toBe(false);
  });
});

describe('a layer is a block', () => {
  it('only where it stands between others, has a kernel and is called once', async () => {
    const input = tf.input({ shape: [4] });
    const shared = dense('shared');
    const x = call(L.activation({ activation: 'tanh', name: 'shape' }), call(dense('line'), input));
    const y = call(L.batchNormalization({ name: 'bn' }), call(shared, call(shared, x)));
    const last = call(dense('last'), y);
    const found = await blocksOf(tf.model({ inputs: input, outputs: last }));
    expect(Object.keys(found)).toEqual(['line']);
  });

  it('not where it takes or gives more than one tensor', async () => {
    const [input, state] = [tf.input({ shape: [5, 4] }), tf.input({ shape: [4] })];
    const x = call(L.dense({ units: 4, name: 'stem' }), input);
    const two = call(L.gru({ units: 4, returnSequences: true, name: 'two' }), [x, state]);
    const lstm = L.lstm({ units: 4, returnSequences: true, returnState: true, name: 'three' });
    // A layer that returns its states gives a list.
    const [three] = lstm.apply(two) as Symbolic[];
    const plain = L.lstm({ units: 4, returnSequences: true, name: 'plain' });
    const found = Object.keys(await blocksOf(modelOf([input, state], call(plain, three!))));
    expect(found).not.toContain('two');
    expect(found).not.toContain('three');
    expect(found).toContain('plain');
  });

  it('not where its output has another rank', async () => {
    const input = tf.input({ shape: [4] });
    const vectors = call(L.embedding({ inputDim: 9, outputDim: 4, name: 'words' }), input);
    expect(Object.keys(await blocksOf(modelOf([input], call(dense('line'), vectors))))).not.toContain(
      'words',
    );
  });
});

describe('a block is named', () => {
  async function namesFor(...parts: ReadonlyArray<readonly [string, string, string]>): Promise<string[]> {
    const input = tf.input({ shape: [3] });
    let x = call(dense('stem', 6), input);
    for (const [first, second, add] of parts) {
      x = sum(add, [x, call(dense(second, 6), call(dense(first, 5), x))]);
    }
    return Object.keys(await blocksOf(tf.model({ inputs: input, outputs: call(dense('head', 2), x) })));
  }

  it('by what its layers have in common, up to a separator', async () => {
    expect(await namesFor(['s1.0.a', 's1.0.b', 's1.0.add'], ['s1.1.a', 's1.1.b', 's1.1.add'])).toEqual([
      's1.0',
      's1.1',
    ]);
    expect(await namesFor(['s_1_a', 's_1_b', 's_1_add'])).toEqual(['s_1']);
    expect(await namesFor(['s/1/a', 's/1/b', 's/1/add'])).toEqual(['s/1']);
    expect(await namesFor(['conv10', 'conv11', 'conv12'])).toEqual(['conv12']);
  });

  it('by its last layer where that tells it from no other block, or from a layer', async () => {
    expect(await namesFor(['s.a', 's.b', 's.add'], ['s.c', 's.d', 's.sum'])).toEqual(['s.add', 's.sum']);
    expect(await namesFor(['a', 'b', 'add'])).toEqual(['add']);
  });
});
