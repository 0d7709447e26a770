import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { type LoadStateDictOptions, loadStateDict, type StateDict, stateDict } from 'tfjs-prune/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillWeights } from '../../../support/layers';
import { expectNoLeak } from '../../../support/memory';
import { expectRefused } from '../pth/refused';

/** A model of two layers whose weights are all different, pruned if asked for. */
function makeModel(pruned = false): tf.LayersModel {
  const [a, b] = ['a', 'b'].map((name) => tf.layers.dense({ units: 2, inputShape: [2], name }));
  const model = tf.sequential({ layers: [a!, b!] });
  for (const layer of [a!, b!]) fillWeights(layer);
  if (pruned) for (const layer of [a!, b!]) prune.l1Unstructured(layer, 'weight', 1);
  return model;
}

/** What a dict made of JSON, or untyped code, may hold as a tensor. */
const untyped = (value: unknown): StateDict => new Map(Object.entries({ 'b.bias': value })) as StateDict;

const values = (model: tf.LayersModel): unknown => [...stateDict(model)];
const stored = (model: tf.LayersModel): number[][] =>
  model.getWeights().map((weight) => [...weight.dataSync()]);

beforeEach(async () => {
  await tf.setBackend('cpu');
});

describe('loadStateDict refuses entries that are no tensors', () => {
  let model: tf.LayersModel;
  let entries: StateDict;
  beforeEach(() => {
    model = makeModel();
    entries = stateDict(model);
    for (const [name, tensor] of entries)
      entries.set(name, { ...tensor, data: new Float32Array(tensor.data.length).fill(9) });
  });
  afterEach(() => model.dispose());

  it.each<[string, unknown, RegExp]>([
    ['null', null, /1 unreadable: b\.bias is null, which has no shape\./],
    ['undefined', undefined, /b\.bias is undefined, which has no shape\./],
    ['a number', 5, /b\.bias is 5, which has no shape\./],
    ['an array', [1, 2], /b\.bias is an array of 2, which has no shape\./],
    ['an object without a prototype', Object.create(null), /b\.bias is \{\}, which has no shape\./],
    ['no shape', { data: new Float32Array(2) }, /b\.bias is \{ data: .* \}, which has no shape\./],
    ['a shape of no numbers', { shape: ['2'], data: new Float32Array(2) }, /which has no shape\./],
    ['no data', { shape: [2] }, /b\.bias has undefined in place of data\./],
    ['data of null', { shape: [2], data: null }, /b\.bias has null in place of data\./],
    ['data in an array', { shape: [2], data: [1, 2] }, /b\.bias has an array of 2 in place of data\./],
    ['data in a view', { shape: [2], data: new DataView(new ArrayBuffer(8)) }, /class DataView in place of/],
    [
      'data that no file has',
      { shape: [2], data: new Uint16Array(2) },
      /class Uint16Array in place of data\./,
    ],
  ])('%s', (_, value, message) => {
    const before = values(model);
    const dict = new Map([...entries, ...untyped(value)]);
    expectRefused(() => expectNoLeak(() => loadStateDict(model, dict)), message, 'parameter');
    const alone = untyped(value);
    expectRefused(() => loadStateDict(model, alone, { strict: false }), message, 'parameter');
    expect(values(model)).toEqual(before);
  });

  it('a tf.Tensor, whose data it tells how to get', () => {
    const tensor = tf.tensor1d([1, 2]);
    expectRefused(
      () => loadStateDict(model, untyped(tensor), { strict: false }),
      /b\.bias is a tf\.Tensor, not its shape and data: give \{ shape, dtype, data: await tensor\.data\(\) \}\./,
      'parameter',
    );
    tensor.dispose();
  });

  it.each([1, 3, 0])('%i elements for a shape of 2', (length) => {
    const before = values(model);
    entries.set('b.bias', { shape: [2], dtype: 'float32', data: new Float32Array(length) });
    expectRefused(
      () => loadStateDict(model, entries),
      new RegExp(`1 of another shape: b\\.bias is \\[2\\] but has ${length} elements\\.`),
      'shape',
    );
    expect(values(model)).toEqual(before);
  });

  it('all of them at once, and masks among them', () => {
    prune.identity(model.getLayer('b'), 'weight');
    const before = values(model);
    const broken = Object.entries({
      'a.weight': null,
      'a.bias': { shape: [2], data: new Float32Array(5) },
      'b.weight_orig': { shape: [3], data: new Float32Array(3) },
      'b.weight_mask': { shape: [2, 2], data: 'ones' },
      'c.bias': null,
    });
    const message =
      /1 missing: b\.bias\. 1 unexpected: c\.bias\. 2 unreadable: a\.weight is null, which has no shape; b\.weight_mask has 'ones' in place of data\. 2 of another shape: a\.bias is \[2\] but has 5 elements; b\.weight_orig is \[3\], not \[2, 2\]\./;
    expectRefused(
      () => loadStateDict(model, new Map<unknown, unknown>(broken) as StateDict),
      message,
      'parameter',
    );
    expect(values(model)).toEqual(before);
  });

  it('names that are not strings', () => {
    const dict = new Map<unknown, unknown>([...entries, [5, null], [Symbol('w'), null]]) as StateDict;
    expectRefused(() => loadStateDict(model, dict), /2 unexpected: 5, Symbol\(w\)\./, 'parameter');
  });
});

it.each([null, 5, 'strict', { strict: 'no' }, { strict: null }])('refuses %j as options', (options) => {
  const model = makeModel();
  const dict = stateDict(model);
  const load = (): unknown => loadStateDict(model, dict, options as LoadStateDictOptions);
  expectRefused(load, /\{ strict: true \} or \{ strict: false \}/, 'argument');
  model.dispose();
});

it('refuses options that would be ignored', () => {
  const model = makeModel();
  const dict = stateDict(model);
  const options: LoadStateDictOptions = JSON.parse('{ "stric": false }');
  const load = (): unknown => loadStateDict(model, dict, options);
  expectRefused(load, /no option 'stric'; there are: keys, strict/, 'argument');
  expectRefused(() => stateDict(model, options), /no option 'stric'; there are: keys/, 'argument');
  model.dispose();
});

it('says that a promise must be awaited', () => {
  const model = makeModel();
  // As untyped code may forget to.
  const dict = Promise.resolve(stateDict(model)) as never;
  expectRefused(() => loadStateDict(model, dict), /class Promise: await it\./, 'argument');
  model.dispose();
});

it.each<unknown>([null, undefined, {}, []])('refuses %j as a dict', (dict) => {
  const model = makeModel();
  expectRefused(() => loadStateDict(model, dict as StateDict), /must be a Map/, 'argument');
  model.dispose();
});

describe('a write that fails', () => {
  /** Runs `body`, which may tell after how many calls of a method one is to fail. */
  function withBroken(target: object, method: string, body: (failAt: (call: number) => void) => void): void {
    const own = Object.getOwnPropertyDescriptor(target, method);
    const original: (...args: unknown[]) => unknown = Reflect.get(target, method);
    let left = Number.POSITIVE_INFINITY;
    const breaking = function (this: unknown, ...args: unknown[]): unknown {
      if (left-- === 0) throw new Error('out of memory');
      return original.apply(this, args);
    };
    Object.defineProperty(target, method, { configurable: true, writable: true, value: breaking });
    try {
      body((call) => {
        left = call;
      });
    } finally {
      if (own === undefined) Reflect.deleteProperty(target, method);
      else Object.defineProperty(target, method, own);
    }
  }

  /** Other weights than those of the models here, with a mask if the weights are to be pruned. */
  function otherWeights(pruned: boolean): StateDict {
    const donor = makeModel();
    tf.tidy(() => donor.setWeights(donor.getWeights().map((weight) => tf.add(weight, 100))));
    if (pruned) for (const layer of donor.layers) prune.l1Unstructured(layer, 'weight', 2);
    const dict = stateDict(donor);
    donor.dispose();
    return dict;
  }

  it.each([
    ['weights', false, false],
    ['weights that become pruned', false, true],
    ['weights that are pruned', true, true],
  ])('leaves the model as it was, whichever one it is: %s', (_, before, after) => {
    const places: Array<[object, string]> = [
      [tf.Variable.prototype, 'assign'],
      [tf.backend(), 'write'],
    ];
    for (const place of places) {
      withBroken(...place, (failAt) => {
        const dict = otherWeights(after);
        const tensors = tf.memory().numTensors;
        const model = makeModel(before);
        const old = { values: values(model), stored: stored(model) };
        let failures = 0;
        for (let failed = true; failed; ) {
          failAt(failures);
          try {
            loadStateDict(model, dict);
            failed = false;
          } catch (error) {
            expect(error).toMatchObject({ message: 'out of memory' });
            expect({ values: values(model), stored: stored(model) }).toEqual(old);
            expect(prune.isPruned(model)).toBe(before);
            failures++;
          }
        }
        expect(failures).toBeGreaterThanOrEqual(4);
        expect(values(model)).toEqual([...dict]);
        // A pruned variable makes its mask's tensor when it needs it, and frees it when it goes.
        model.dispose();
        expect(tf.memory().numTensors).toBe(tensors);
      });
    }
  });
});
