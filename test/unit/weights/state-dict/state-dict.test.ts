import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { loadStateDict, readPth, type StateDict, stateDict, type TensorData } from 'tfjs-prune/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { fillWeights } from '../../../support/layers';
import { expectNoLeak } from '../../../support/memory';
import { expectRefused } from '../pth/refused';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../parity/fixtures/pth/${name}`, import.meta.url));

/** The fixtures' net: a convolution, a batch normalisation and a linear layer, on images of 8×7. */
function tinyNet(): tf.LayersModel {
  const input = tf.input({ shape: [8, 7, 3] });
  const layers = [
    tf.layers.conv2d({ filters: 4, kernelSize: 3, name: 'conv' }),
    tf.layers.batchNormalization({ epsilon: 1e-5, name: 'bn' }),
    // torch flattens NCHW.
    tf.layers.permute({ dims: [3, 1, 2] }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 2, name: 'fc' }),
  ];
  let x: tf.SymbolicTensor = input;
  for (const layer of layers) x = layer.apply(x) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: x });
}

const snapshot = (model: tf.LayersModel): number[][] =>
  model.getWeights().map((weight) => [...weight.dataSync()]);
const zeros = (...shape: number[]): TensorData => {
  const data = new Float32Array(shape.reduce((size, n) => size * n, 1));
  return { shape, dtype: 'float32', data };
};

let plain: StateDict;
beforeEach(async () => {
  await tf.setBackend('cpu');
  plain = await readPth(fixture('plain.pth'));
});

describe('loadStateDict', () => {
  it('makes a model give what torch gave', () => {
    const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')).files['plain.output'];
    const model = tinyNet();
    expect(expectNoLeak(() => loadStateDict(model, plain))).toEqual({ missing: [], unexpected: [] });
    const output = tf.tidy(() => {
      const images = tf.transpose(tf.tensor(expected.input.data, expected.input.shape), [0, 2, 3, 1]);
      return [...(model.predict(images) as tf.Tensor).dataSync()];
    });
    expect(output).toBeAllClose(expected.output.data, { rtol: 1e-5, atol: 1e-6 });
    model.dispose();
  });

  it('copies: neither the dict nor its buffer stays in use', () => {
    const model = tinyNet();
    loadStateDict(model, plain);
    const before = snapshot(model);
    for (const { data } of plain.values()) if (data instanceof Float32Array) data.fill(0);
    expect(snapshot(model)).toEqual(before);
    model.dispose();
  });

  it('converts every type to float32', () => {
    const layer = tf.layers.dense({ units: 2 });
    layer.build([null, 2]);
    const weight: TensorData = { shape: [2, 2], dtype: 'float64', data: Float64Array.of(0.1, 2, 3, 4) };
    loadStateDict(
      layer,
      new Map([
        ['weight', weight],
        ['bias', { shape: [2], dtype: 'int64', data: BigInt64Array.of(5n, -6n) }],
      ]),
    );
    const stored = layer.getWeights().map((values) => [...values.dataSync()]);
    expect(stored).toEqual([
      [Math.fround(0.1), 3, 2, 4],
      [5, -6],
    ]);
  });

  it('reports everything at once and changes nothing', () => {
    const model = tinyNet();
    const before = snapshot(model);
    plain.delete('conv.bias');
    plain.delete('bn.num_batches_tracked');
    plain.set('extra.weight', zeros(1));
    plain.set('fc.weight', zeros(120, 2));
    expectRefused(
      () => expectNoLeak(() => loadStateDict(model, plain)),
      /unchanged\. 1 missing: conv\.bias\. 1 unexpected: extra\.weight\. 1 of another shape: fc\.weight is \[120, 2\], not \[2, 120\]\./,
      'parameter',
    );
    expect(snapshot(model)).toEqual(before);
    model.dispose();
  });

  it('calls it a matter of shape if nothing else is wrong', () => {
    const model = tinyNet();
    plain.set('fc.bias', zeros(3));
    expectRefused(() => loadStateDict(model, plain), /fc\.bias is \[3\], not \[2\]/, 'shape');
    model.dispose();
  });

  it('lists eight names, and keeps all of them in the details', () => {
    const model = tinyNet();
    const many = Array.from({ length: 30 }, (_, i) => `layer${i}.weight`);
    for (const name of many) plain.set(name, zeros(1));
    let thrown: unknown;
    try {
      loadStateDict(model, plain);
    } catch (error) {
      thrown = error;
    }
    expect(prune.isPruneError(thrown, 'parameter') && thrown.message).toMatch(
      /30 unexpected: .*layer7\.weight, and 22 more\./,
    );
    expect(prune.isPruneError(thrown) && thrown.given).toMatchObject({ unexpected: many });
    expect(prune.isPruneError(thrown) && thrown.allowed).toContain('conv.weight');
    model.dispose();
  });

  it('loads what there is if it is not strict, but not what has another shape', () => {
    const model = tinyNet();
    const partial: StateDict = new Map([
      ['fc.bias', { shape: [2], dtype: 'float32', data: Float32Array.of(7, 8) }],
    ]);
    partial.set('other', zeros(1));
    const result = loadStateDict(model, partial, { strict: false });
    expect(result.unexpected).toEqual(['other']);
    expect(result.missing).toHaveLength(7);
    expect([...stateDict(model).get('fc.bias')!.data]).toEqual([7, 8]);
    partial.set('conv.bias', zeros(5));
    expectRefused(() => loadStateDict(model, partial, { strict: false }), /conv\.bias is \[5\]/, 'shape');
    model.dispose();
  });

  it('refuses what is not a Map, and a model that is gone', () => {
    const model = tinyNet();
    expectRefused(() => loadStateDict(model, JSON.parse('{}')), /must be a Map/, 'argument');
    model.dispose();
    expectRefused(() => loadStateDict(model, plain), /disposed/, 'state');
    expectRefused(() => stateDict(model), /disposed/, 'state');
  });

  it("tells a DataParallel model's names", () => {
    const model = tinyNet();
    const prefixed: StateDict = new Map([...plain].map(([name, tensor]) => [`module.${name}`, tensor]));
    const hint = /DataParallel model: give the option \{ keys: \(name\) => 'module\.' \+ name \}/;
    expectRefused(() => loadStateDict(model, prefixed), hint, 'parameter');
    loadStateDict(model, prefixed, { keys: (name) => `module.${name}` });
    expect(stateDict(model).get('conv.weight')).toEqual(plain.get('conv.weight'));
    model.dispose();
  });
});

describe('pruned weights', () => {
  it('load from the _orig and _mask that torch saved', async () => {
    const model = tinyNet();
    const saved = await readPth(fixture('pruned.pth'));
    const conv = model.getLayer('conv');
    loadStateDict(model, saved);
    const [orig, mask] = [saved.get('conv.weight_orig')!.data, saved.get('conv.weight_mask')!.data];
    const again = stateDict(model);
    expect(again.get('conv.weight_orig')!.data).toEqual(orig);
    expect(again.get('conv.weight_mask')!.data).toEqual(mask);
    expect(mask.filter((value) => value === 0)).toHaveLength(Math.round(0.3 * orig.length));
    const effective = tf.tidy(() => [...prune.parameter(conv, 'weight').dataSync()]);
    expect(effective).toEqual([...orig].map((value, i) => (mask[i] === 0 ? 0 : value)));
    model.dispose();
  });

  it.each(['a mask that hides some', 'a mask that hides nothing'])('replace each other: %s', (what) => {
    const layer = tf.layers.dense({ units: 2, useBias: false });
    layer.build([null, 2]);
    fillWeights(layer);
    prune.l1Unstructured(layer, 'weight', 0.5);
    const mask = what.endsWith('some') ? [1, 0, 1, 1] : [1, 1, 1, 1];
    const dict: StateDict = new Map([
      ['weight_orig', { shape: [2, 2], dtype: 'float32', data: Float32Array.of(1, 2, 3, 4) }],
      ['weight_mask', { shape: [2, 2], dtype: 'float32', data: Float32Array.from(mask) }],
    ]);
    expectNoLeak(() => loadStateDict(layer, dict));
    const stored = tf.tidy(() => [...prune.parameter(layer, 'weight').dataSync()]);
    expect(stored).toEqual([1, 2 * mask[1]!, 3, 4]);
    expect([...stateDict(layer).get('weight_orig')!.data]).toEqual([1, 2, 3, 4]);
  });

  it('take a new mask over the weights they have, if that is all there is', () => {
    const layer = tf.layers.dense({ units: 2, useBias: false });
    layer.build([null, 1]);
    layer.setWeights([tf.tensor2d([[3, 4]])]);
    prune.l1Unstructured(layer, 'weight', 1);
    const mask: TensorData = { shape: [2, 1], dtype: 'float32', data: Float32Array.of(1, 0) };
    const { missing } = loadStateDict(layer, new Map([['weight_mask', mask]]), { strict: false });
    expect(missing).toEqual(['weight_orig']);
    expect([...tf.tidy(() => prune.parameter(layer, 'weight').dataSync())]).toEqual([3, 0]);
    expect([...stateDict(layer).get('weight_orig')!.data]).toEqual([3, 4]);
  });

  it('refuse a mask that is not one', () => {
    const layer = tf.layers.dense({ units: 2, useBias: false });
    layer.build([null, 1]);
    prune.identity(layer, 'weight');
    const half: TensorData = { shape: [2, 1], dtype: 'float32', data: Float32Array.of(1, 0.5) };
    const dict: StateDict = new Map([
      ['weight_orig', zeros(2, 1)],
      ['weight_mask', half],
    ]);
    expectRefused(
      () => loadStateDict(layer, dict),
      /masks with values besides 0 and 1: weight_mask/,
      'parameter',
    );
  });
});

describe('stateDict', () => {
  it('gives back what was loaded, and counts no batches', () => {
    const model = tinyNet();
    loadStateDict(model, plain);
    const state = expectNoLeak(() => stateDict(model));
    expect([...state.keys()].sort()).toEqual([...plain.keys()].sort());
    for (const [name, tensor] of plain) {
      if (name === 'bn.num_batches_tracked')
        expect(state.get(name)).toEqual({ ...tensor, data: BigInt64Array.of(0n) });
      else expect(state.get(name), name).toEqual(tensor);
    }
    model.dispose();
  });

  it('is a copy', () => {
    const model = tinyNet();
    const before = snapshot(model);
    for (const { data } of stateDict(model).values()) if (data instanceof Float32Array) data.fill(1);
    expect(snapshot(model)).toEqual(before);
    model.dispose();
  });

  it.each<[string, tf.layers.Layer, number[], string[]]>([
    ['LSTM', tf.layers.lstm({ units: 3 }), [4, 2], ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0']],
    ['Embedding', tf.layers.embedding({ inputDim: 5, outputDim: 2 }), [3], ['weight']],
    [
      'SeparableConv2D',
      tf.layers.separableConv2d({ filters: 2, kernelSize: 3 }),
      [5, 5, 3],
      ['depthwiseKernel', 'pointwiseKernel', 'bias'],
    ],
  ])('comes back the same through %s', (_, layer, inputShape, names) => {
    layer.build([null, ...inputShape]);
    fillWeights(layer);
    const state = stateDict(layer);
    expect([...state.keys()]).toEqual(names);
    const before = layer.getWeights().map((weight) => [...weight.dataSync()]);
    tf.tidy(() => layer.setWeights(layer.getWeights().map((weight) => tf.zerosLike(weight))));
    loadStateDict(layer, state);
    expect(layer.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before);
  });

  it('refuses two layers of one name', () => {
    const inner = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], name: 'fc' })] });
    const model = tf.sequential({ layers: [inner, tf.layers.dense({ units: 1, name: 'fc' })] });
    expectRefused(() => stateDict(model), /Two weights of the model are called 'fc\.weight'/, 'argument');
  });
});
