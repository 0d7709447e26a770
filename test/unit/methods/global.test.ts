import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, flat, linear, zeros } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

type Pair = [tf.layers.Layer, string];

function twoLayers(): { first: tf.layers.Layer; second: tf.layers.Layer; both: Pair[] } {
  const first = linear([
    [1, 2, 3, 4],
    [-4, -3, -2, -1],
  ]);
  const second = linear([[0, 0.1, -2]], [5]);
  return {
    first,
    second,
    both: [
      [first, 'weight'],
      [second, 'weight'],
    ],
  };
}

function masksOf(pairs: Iterable<Pair>): number[][] {
  return [...pairs].map(([layer, name]) => flat(layer, `${name}_mask`));
}

describe('the list of parameters', () => {
  const expected = [
    [0, 1, 1, 1, 1, 1, 1, 0],
    [0, 0, 1],
  ];
  const iterables: [string, (pairs: Pair[]) => Iterable<Pair>][] = [
    ['an array', (pairs) => pairs],
    ['a Set', (pairs) => new Set(pairs)],
    ['an iterator of a Map', (pairs) => new Map(pairs).entries()],
    [
      'a generator',
      (pairs) =>
        (function* () {
          yield* pairs;
        })(),
    ],
    ['an object with an iterator', (pairs) => ({ [Symbol.iterator]: () => pairs[Symbol.iterator]() })],
  ];

  it.each(iterables)('may be %s', (_, wrap) => {
    const { both } = twoLayers();
    expect(prune.globalUnstructured(wrap(both), prune.L1Unstructured, { amount: 4 })).toBeUndefined();
    expect(masksOf(both)).toEqual(expected);
  });

  it('may mix weights and biases, and both kinds of names', () => {
    const { first, second } = twoLayers();
    prune.globalUnstructured(
      [
        [first, 'kernel'],
        [second, 'weight'],
        [second, 'bias'],
      ],
      prune.L1Unstructured,
      { amount: 4 },
    );
    expect(flat(first, 'weight_mask')).toEqual(expected[0]);
    expect(flat(second, 'weight_mask')).toEqual(expected[1]);
    expect(flat(second, 'bias_mask')).toEqual([1]);
  });

  it('is what parameters(model) gives', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 8, inputShape: [5] }),
        tf.layers.batchNormalization(),
        tf.layers.dense({ units: 3 }),
      ],
    });
    prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.5 });
    expect(prune.sparsity(model)).toEqual({ zeros: 32, size: 64, sparsity: 0.5 });
  });
});

describe('the method', () => {
  it.each<[string, (list: prune.NamedParameter[]) => void]>([
    ['a class', (list) => prune.globalUnstructured(list, prune.L1Unstructured, { amount: 4 })],
    ['an instance', (list) => prune.globalUnstructured(list, new prune.L1Unstructured(4))],
  ])('may be %s', (_, call) => {
    const { both } = twoLayers();
    call(both);
    expect(zeros(both[0]![0], 'weight_mask') + zeros(both[1]![0], 'weight_mask')).toBe(4);
  });

  it('may be Identity, which needs no amount', () => {
    const { both } = twoLayers();
    prune.globalUnstructured(both, prune.Identity);
    expect(masksOf(both).flat()).toEqual(new Array(11).fill(1));
  });

  it.each([0, { fraction: 0 }, { count: 0 }])('may prune nothing: amount %j', (amount) => {
    for (const method of [prune.L1Unstructured, prune.RandomUnstructured]) {
      const { both } = twoLayers();
      expectNoLeak(() => prune.globalUnstructured(both, method, { amount }));
      expect(masksOf(both).flat()).toEqual(new Array(11).fill(1));
      expect(both.every(([layer]) => prune.isPruned(layer))).toBe(true);
    }
  });

  it('may prune everything', () => {
    const { both } = twoLayers();
    prune.globalUnstructured(both, prune.RandomUnstructured, { amount: { fraction: 1 } });
    expect(masksOf(both).flat()).toEqual(new Array(11).fill(0));
    expect(both.flatMap(([layer, name]) => flat(layer, name))).toEqual(new Array(11).fill(0));
  });

  it('draws as one long vector: the masks are those of RandomUnstructured on the concatenation', () => {
    const { both } = twoLayers();
    prune.manualSeed(11);
    prune.globalUnstructured(both, prune.RandomUnstructured, { amount: 5 });
    prune.manualSeed(11);
    tf.tidy(() => {
      const mask = new prune.RandomUnstructured(5).prune(tf.ones([11]));
      expect(masksOf(both).flat()).toEqual([...mask.dataSync()]);
    });
  });
});

describe('repeated and mixed runs', () => {
  it('a fraction counts what remains over all parameters', () => {
    const layers = [built(tf.layers.dense({ units: 6 }), [5]), built(tf.layers.dense({ units: 7 }), [10])];
    const weights = layers.map((layer): Pair => [layer, 'weight']);
    for (const expected of [50, 75, 87]) {
      prune.globalUnstructured(weights, prune.L1Unstructured, { amount: 0.5 });
      expect(zeros(layers[0]!, 'weight') + zeros(layers[1]!, 'weight')).toBe(expected);
    }
    for (const layer of layers) {
      const container = prune.methodOf(layer, 'weight');
      expect(container).toBeInstanceOf(prune.PruningContainer);
      expect(container).toHaveLength(3);
    }
  });

  it('goes on from local prunings, also where only some of the parameters have one', () => {
    const { first, second, both } = twoLayers();
    prune.l1Unstructured(first, 'weight', 2);
    prune.globalUnstructured(both, prune.L1Unstructured, { amount: 3 });
    // Left were 2 3 4 −4 −3 −2 and 0 0.1 −2: 0, 0.1 and one of the twos go.
    expect(zeros(first, 'weight_mask') + zeros(second, 'weight_mask')).toBe(5);
    expect(flat(second, 'weight_mask').slice(0, 2)).toEqual([0, 0]);
    expect(prune.methodOf(first, 'weight')).toHaveLength(2);
    expect(prune.methodOf(second, 'weight')).toBeInstanceOf(prune.CustomFromMask);

    prune.lnStructured(first, 'weight', 1, 2, 0);
    prune.l1Unstructured(second, 'weight', { count: 0 });
    expect(prune.methodOf(first, 'weight')).toHaveLength(3);
    expect(prune.methodOf(second, 'weight')).toHaveLength(2);
  });

  it('reverts parameter by parameter to the bit', () => {
    const { both } = twoLayers();
    const before = both.map(([layer, name]) => flat(layer, name));
    for (let run = 0; run < 3; run++) {
      prune.globalUnstructured(both, prune.RandomUnstructured, { amount: 0.4 });
    }
    for (const [layer, name] of both) prune.revert(layer, name);
    expect(both.map(([layer, name]) => flat(layer, name))).toEqual(before);
    expect(both.some(([layer]) => prune.isPruned(layer))).toBe(false);
  });
});

describe('importance scores', () => {
  it('may be given for some of the parameters; the others are ranked by their weights', () => {
    const { first, second, both } = twoLayers();
    const importanceScores = new Map([[second, { weight: tf.tensor2d([[9, 8, 7]]) }]]);
    expectNoLeak(() => prune.globalUnstructured(both, prune.L1Unstructured, { amount: 2, importanceScores }));
    expect(flat(first, 'weight_mask')).toEqual([0, 1, 1, 1, 1, 1, 1, 0]);
    expect(flat(second, 'weight_mask')).toEqual([1, 1, 1]);
  });

  it('may be empty for a layer, as when they are made in a loop', () => {
    const { first, second, both } = twoLayers();
    const importanceScores = new Map([
      [first, {}],
      [second, { weight: tf.tensor2d([[9, 8, 7]]) }],
    ]);
    prune.globalUnstructured(both, prune.L1Unstructured, { amount: 2, importanceScores });
    expect(flat(first, 'weight_mask')).toEqual([0, 1, 1, 1, 1, 1, 1, 0]);
    expect(flat(second, 'weight_mask')).toEqual([1, 1, 1]);
  });

  it('are in the layout of the name', () => {
    const { first, second, both } = twoLayers();
    // tfjs's [in, out]: the scores of the input channels 0…3, a column for each output
    const kernel = tf.tensor2d([
      [0.1, 9],
      [9, 0.2],
      [9, 9],
      [9, 9],
    ]);
    prune.globalUnstructured([[first, 'kernel'], both[1]!], prune.L1Unstructured, {
      amount: 4,
      importanceScores: new Map([[first, { kernel }]]),
    });
    expect(flat(first, 'weight_mask')).toEqual([0, 1, 1, 1, 1, 0, 1, 1]);
    expect(flat(second, 'weight_mask')).toEqual([0, 0, 1]);
  });

  it('may be given for several parameters of one layer', () => {
    const layer = linear([[1, 2]], [3]);
    const importanceScores = new Map([[layer, { weight: tf.tensor2d([[5, 6]]), bias: tf.tensor1d([1]) }]]);
    prune.globalUnstructured(
      [
        [layer, 'weight'],
        [layer, 'bias'],
      ],
      prune.L1Unstructured,
      { amount: 1, importanceScores },
    );
    expect(flat(layer, 'weight')).toEqual([1, 2]);
    expect(flat(layer, 'bias')).toEqual([0]);
  });
});
