import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { flat, linear } from '../../support/layers';
import { expectRefused } from '../../support/trace';
import { onFreshAndPruned } from './refusals';

const scores = tf.ones([3, 4]);

type Call = (layer: tf.layers.Layer, options: never) => unknown;

const calls: [string, Call][] = [
  ['l1Unstructured', (layer, options) => prune.l1Unstructured(layer, 'weight', 0.2, options)],
  ['lnStructured', (layer, options) => prune.lnStructured(layer, 'weight', 1, 2, 0, options)],
  ['blockStructured', (layer, options) => prune.blockStructured(layer, 'weight', 1, options)],
  ['semiStructured', (layer, options) => prune.semiStructured(layer, 'weight', 2, 4, options)],
  ['globalBlockStructured', (layer, options) => prune.globalBlockStructured([[layer, 'weight']], 1, options)],
  ['applyTo', (layer, options) => new prune.L1Unstructured(1).applyTo(layer, 'weight', options)],
  [
    'globalUnstructured',
    (layer, options) => prune.globalUnstructured([[layer, 'weight']], new prune.L1Unstructured(1), options),
  ],
];

describe.each(calls)('the options of %s', (_, call) => {
  const refused: [string, unknown, string | RegExp][] = [
    ['scores in their place', scores, /importanceScores/],
    ["PyTorch's spelling", { importance_scores: scores }, /importance_scores.*importanceScores/],
    ['null', null, 'null'],
    ['a number', 3, '3'],
    ['a string', 'weight', 'weight'],
    ['an array', [scores], /array/],
  ];
  onFreshAndPruned(
    refused.map(([title, options, says]) => ({
      title,
      kind: 'argument',
      says: [says],
      // What TypeScript would refuse is what plain JavaScript may pass.
      call: (layer) => call(layer, options as never),
    })),
  );
});

describe('the type of importance scores', () => {
  it.each(['int32', 'bool'] as const)('may be %s', (dtype) => {
    const layer = linear([[1, 2, 3, 4]]);
    const values = tf.tensor2d([[1, 1, 0, 1]], [1, 4], dtype);
    prune.l1Unstructured(layer, 'weight', 1, { importanceScores: values });
    expect(flat(layer, 'weight')).toEqual([1, 2, 0, 4]);
    const pruned = new prune.L1Unstructured(1).prune(tf.tensor2d([[1, 2, 3, 4]]), undefined, values);
    expect([...pruned.dataSync()]).toEqual([1, 2, 0, 4]);
  });

  it.each<[string, () => tf.Tensor]>([
    ['string', () => tf.fill([1, 4], 'a')],
    ['complex64', () => tf.complex(tf.ones([1, 4]), tf.ones([1, 4]))],
  ])('may not be %s', (dtype, make) => {
    const layer = linear([[1, 2, 3, 4]]);
    tf.tidy(() => {
      const importanceScores = make();
      const t = tf.ones([1, 4]);
      expectRefused(
        [[layer, 'weight']],
        () => prune.l1Unstructured(layer, 'weight', 1, { importanceScores }),
        'argument',
        dtype,
        'float32',
      );
      const scored = () => new prune.L1Unstructured(1).prune(t, undefined, importanceScores);
      expectRefused([[layer, 'weight']], scored, 'argument', dtype);
      expectRefused(
        [[layer, 'weight']],
        () => prune.customFromMask(layer, 'weight', importanceScores),
        'argument',
        dtype,
      );
    });
  });

  it('is not null', () => {
    const layer = linear([[1, 2, 3, 4]]);
    expectRefused(
      [[layer, 'weight']],
      () => prune.l1Unstructured(layer, 'weight', 1, { importanceScores: null as never }),
      'argument',
      /importanceScores.*null/,
    );
  });
});

describe('the dim of a structured pruning', () => {
  onFreshAndPruned([
    {
      title: 'lnStructured without one',
      call: (layer) => prune.lnStructured(layer, 'weight', 1, 2, undefined as never),
      kind: 'dim',
      says: [/dim.*undefined/],
    },
    {
      title: 'randomStructured without one',
      call: (layer) => prune.randomStructured(layer, 'weight', 1, undefined as never),
      kind: 'dim',
      says: [/dim.*undefined/],
    },
  ]);

  it('is the last by default for the classes, as in PyTorch', () => {
    expect(new prune.LnStructured(1, 2).dim).toBe(-1);
    expect(new prune.RandomStructured(1).dim).toBe(-1);
  });
});

describe('values that do not turn into text by themselves', () => {
  const bare: unknown = Object.create(null);
  const odd: [string, unknown][] = [
    ['a symbol', Symbol('odd')],
    ['an object without a prototype', bare],
    ['an object of such objects', { fraction: bare, count: bare }],
  ];
  onFreshAndPruned(
    odd.flatMap(([title, value]) => [
      {
        title: `${title} for an amount`,
        call: (layer: tf.layers.Layer) => prune.l1Unstructured(layer, 'weight', value as never),
        kind: 'argument' as const,
      },
      {
        title: `${title} for a dim`,
        call: (layer: tf.layers.Layer) => prune.lnStructured(layer, 'weight', 1, 2, value as never),
        kind: 'dim' as const,
      },
      {
        title: `${title} for a norm`,
        call: (layer: tf.layers.Layer) => prune.lnStructured(layer, 'weight', 1, value as never, 0),
        kind: 'argument' as const,
      },
      {
        title: `${title} for a mask`,
        call: (layer: tf.layers.Layer) => prune.customFromMask(layer, 'weight', value as never),
        kind: 'argument' as const,
      },
      {
        title: `${title} for scores`,
        call: (layer: tf.layers.Layer) =>
          prune.l1Unstructured(layer, 'weight', 1, { importanceScores: value as never }),
        kind: 'argument' as const,
      },
      {
        title: `${title} for a list of parameters`,
        call: () => prune.globalUnstructured(value as never, prune.L1Unstructured, { amount: 1 }),
        kind: 'argument' as const,
      },
      {
        title: `${title} for a method`,
        call: (layer: tf.layers.Layer) => prune.globalUnstructured([[layer, 'weight']], value as never),
        kind: 'argument' as const,
      },
      {
        title: `${title} in a container`,
        call: () => new prune.PruningContainer(value as never),
        kind: 'argument' as const,
      },
      {
        title: `${title} for a seed`,
        call: () => prune.manualSeed(value as never),
        kind: 'argument' as const,
      },
    ]),
  );

  it('are shown in the message', () => {
    const amount: unknown = Symbol('odd');
    expect(() => new prune.L1Unstructured(amount as never)).toThrow(/Symbol\(odd\)/);
    expect(() => new prune.L1Unstructured({ fraction: bare } as never)).toThrow(/fraction: \{\}/);
  });
});

describe('a mask on the host', () => {
  it('is not taken for one when it is only shaped so', () => {
    const layout = { shape: [3], size: 3, offsets: [Int32Array.of(0, 1, 2)], contiguous: true };
    const own = { bytes: Uint8Array.of(1, 7, 1), layout };
    const layer = linear([[1], [2], [3]], [1, 2, 3]);
    expectRefused([[layer, 'bias']], () => prune.customFromMask(layer, 'bias', own as never), 'argument');
  });

  it('is a copy of the array that was given', () => {
    const bytes = Uint8Array.of(1, 0, 1);
    const method = new prune.CustomFromMask(bytes);
    bytes.fill(0);
    const mask = method.mask();
    expect([...mask.dataSync()]).toEqual([1, 0, 1]);
    mask.dispose();
  });
});
