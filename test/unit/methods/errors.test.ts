import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, flat } from '../../support/layers';
import { expectRefused, type Parameter } from '../../support/trace';
import { type Case, dense, onFreshAndPruned, prunedDense } from './refusals';

// A call that fails says what it was given and what is allowed, and has changed nothing: on a layer that was not pruned
// before, and on one that was (where PyTorch leaves the module half-hooked).

const weird: [string, unknown, prune.PruneErrorKind][] = [
  ['a string', 'half', 'argument'],
  ['true', true, 'argument'],
  ['false', false, 'argument'],
  ['null', null, 'argument'],
  ['undefined', undefined, 'argument'],
  ['a bigint', 3n, 'argument'],
  ['an empty object', {}, 'argument'],
  ['a fraction that is a string', { fraction: '0.5' }, 'argument'],
  ['a count that is true', { count: true }, 'argument'],
  ['NaN', Number.NaN, 'amount'],
  ['Infinity', Infinity, 'amount'],
  ['1.5', 1.5, 'amount'],
  ['−1', -1, 'amount'],
  ['−0.1', -0.1, 'amount'],
  ['the fraction 1.1', { fraction: 1.1 }, 'amount'],
  ['the fraction −0.1', { fraction: -0.1 }, 'amount'],
  ['the fraction NaN', { fraction: Number.NaN }, 'amount'],
  ['the count 1.5', { count: 1.5 }, 'amount'],
  ['the count −1', { count: -1 }, 'amount'],
  ['more than there is', 13, 'amount'],
];

type Prune = (layer: tf.layers.Layer, amount: prune.Amount) => unknown;

describe.each<[string, Prune]>([
  ['randomUnstructured', (layer, amount) => prune.randomUnstructured(layer, 'weight', amount)],
  ['l1Unstructured', (layer, amount) => prune.l1Unstructured(layer, 'weight', amount)],
  ['randomStructured', (layer, amount) => prune.randomStructured(layer, 'weight', amount, 0)],
  ['lnStructured', (layer, amount) => prune.lnStructured(layer, 'weight', amount, 2, 0)],
  ['blockStructured', (layer, amount) => prune.blockStructured(layer, 'weight', amount, { size: 2 })],
  [
    'globalBlockStructured',
    (layer, amount) => prune.globalBlockStructured([[layer, 'weight']], amount, { size: 2 }),
  ],
  ['RandomUnstructured.apply', (layer, amount) => prune.RandomUnstructured.apply(layer, 'weight', amount)],
  [
    'globalUnstructured',
    (layer, amount) => prune.globalUnstructured([[layer, 'weight']], prune.L1Unstructured, { amount }),
  ],
])('the amount of %s', (_, call) => {
  onFreshAndPruned(
    weird.map(([title, amount, kind]) => ({
      title,
      kind,
      says: [/amount|fraction|count|prune/],
      // What TypeScript would refuse is what plain JavaScript may pass.
      call: (layer) => call(layer, amount as never),
    })),
  );

  it('names what was given and what is left', () => {
    const layer = prunedDense();
    const parameters: Parameter[] = [[layer, 'weight']];
    const error = expectRefused(parameters, () => call(layer, 200), 'amount', '200', /\b(10|7|3)\b/);
    expect(JSON.stringify(error.given)).toContain('200');
    expect(error.allowed).toBeDefined();
  });
});

describe('dims, norms and structure', () => {
  onFreshAndPruned([
    {
      title: 'dim 2 of a matrix',
      call: (layer) => prune.lnStructured(layer, 'weight', 1, 2, 2),
      kind: 'dim',
      says: ['2'],
    },
    {
      title: 'dim −3 of a matrix',
      call: (layer) => prune.randomStructured(layer, 'weight', 1, -3),
      kind: 'dim',
    },
    { title: 'dim 0.5', call: (layer) => prune.lnStructured(layer, 'weight', 1, 2, 0.5), kind: 'dim' },
    { title: 'dim NaN', call: (layer) => prune.lnStructured(layer, 'kernel', 1, 2, Number.NaN), kind: 'dim' },
    {
      title: 'dim null',
      call: (layer) => prune.lnStructured(layer, 'weight', 1, 2, null as never),
      kind: 'dim',
    },
    {
      title: "dim 'height'",
      call: (layer) => prune.randomStructured(layer, 'weight', 1, 'height' as never),
      kind: 'dim',
      says: ['height'],
    },
    {
      title: 'a structured method on a bias',
      call: (layer) => prune.lnStructured(layer, 'bias', 1, 2, 0),
      kind: 'argument',
    },
    {
      title: 'a random structured method on a bias',
      call: (layer) => prune.randomStructured(layer, 'bias', 1, 0),
      kind: 'argument',
    },
    {
      title: 'blocks of a bias',
      call: (layer) => prune.blockStructured(layer, 'bias', 1),
      kind: 'dim',
      says: ['out', 'bias'],
    },
    {
      title: 'N:M of a bias',
      call: (layer) => prune.semiStructured(layer, 'bias', 2, 4),
      kind: 'dim',
      says: ['in', 'bias'],
    },
    {
      title: 'blocks along dim 2 of a matrix',
      call: (layer) => prune.blockStructured(layer, 'weight', 1, { dim: 2 }),
      kind: 'dim',
      says: ['2'],
    },
    {
      title: "N:M along dim 'height'",
      call: (layer) => prune.semiStructured(layer, 'weight', 2, 4, { dim: 'height' as never }),
      kind: 'dim',
      says: ['height'],
    },
    ...[1, 0, -8, 2.5, Number.NaN, '8', null].map((size) => ({
      title: `blocks of ${size}`,
      call: (layer: tf.layers.Layer) => prune.blockStructured(layer, 'weight', 1, { size: size as never }),
      kind: 'argument' as const,
      says: ['size', String(size)],
    })),
    ...[-1, Number.NaN, 'fro'].map((n) => ({
      title: `blocks by the norm ${n}`,
      call: (layer: tf.layers.Layer) => prune.blockStructured(layer, 'weight', 1, { n: n as never }),
      kind: 'argument' as const,
      says: ['norm', String(n)],
    })),
    ...(
      [
        [4, 4],
        [5, 4],
        [0, 4],
        [1.5, 4],
        [2, undefined],
        [{ n: 2, m: 4 }, undefined],
        ['2', '4'],
      ] as [never, never][]
    ).map(([n, m]) => ({
      title: `${String(n)} of ${String(m)}`,
      call: (layer: tf.layers.Layer) => prune.semiStructured(layer, 'weight', n, m),
      kind: 'argument' as const,
      says: ['1 <= n < m'],
    })),
    {
      title: "the norm 'manhattan'",
      call: (layer) => prune.lnStructured(layer, 'weight', 1, 'manhattan' as never, 0),
      kind: 'argument',
      says: ['manhattan'],
    },
    {
      title: 'the norm NaN',
      call: (layer) => prune.lnStructured(layer, 'weight', 1, Number.NaN, 0),
      kind: 'argument',
    },
    {
      title: 'the norm undefined',
      call: (layer) => prune.lnStructured(layer, 'weight', 1, undefined as never, 0),
      kind: 'argument',
    },
  ]);
});

function conv(): tf.layers.Layer {
  return built(tf.layers.conv2d({ filters: 4, kernelSize: 3 }), [8, 8, 2]);
}

function prunedConv(): tf.layers.Layer {
  const layer = conv();
  prune.lnStructured(layer, 'weight', 1, 2, 0);
  return layer;
}

describe('norms of a convolution', () => {
  const norms: Case[] = (['fro', 'nuc'] as const).map((norm) => ({
    title: `the norm '${norm}' over three axes`,
    call: (layer) => prune.lnStructured(layer, 'weight', 1, norm as never, 0),
    kind: 'argument',
    says: [norm],
  }));
  onFreshAndPruned(norms, conv, prunedConv);
});

describe('names', () => {
  const calls: [string, (layer: tf.layers.Layer, name: string) => unknown][] = [
    ['identity', (layer, name) => prune.identity(layer, name)],
    ['l1Unstructured', (layer, name) => prune.l1Unstructured(layer, name, 1)],
    ['lnStructured', (layer, name) => prune.lnStructured(layer, name, 1, 2, 0)],
    ['blockStructured', (layer, name) => prune.blockStructured(layer, name, 1)],
    ['semiStructured', (layer, name) => prune.semiStructured(layer, name, 2, 4)],
    ['customFromMask', (layer, name) => prune.customFromMask(layer, name, [1, 1, 1])],
    ['remove', (layer, name) => prune.remove(layer, name)],
    ['revert', (layer, name) => prune.revert(layer, name)],
    ['parameter', (layer, name) => prune.parameter(layer, name)],
    [
      'globalUnstructured',
      (l, name) => prune.globalUnstructured([[l, name]], prune.L1Unstructured, { amount: 1 }),
    ],
  ];
  onFreshAndPruned(
    calls.flatMap(([title, call]): Case[] => [
      {
        title: `${title} of 'wieght'`,
        call: (layer) => call(layer, 'wieght'),
        kind: 'parameter',
        says: ['wieght', 'weight', 'kernel', 'bias'],
      },
      { title: `${title} of ''`, call: (layer) => call(layer, ''), kind: 'parameter' },
      { title: `${title} of undefined`, call: (layer) => call(layer, undefined as never), kind: 'parameter' },
      { title: `${title} of 'gamma_orig'`, call: (layer) => call(layer, 'gamma_orig'), kind: 'parameter' },
    ]),
  );
  it('the parts of a pruned parameter are no parameters', () => {
    const layer = prunedDense();
    for (const name of ['weight_orig', 'weight_mask']) {
      expectRefused([[layer, 'weight']], () => prune.l1Unstructured(layer, name, 1), 'parameter', name);
    }
  });
});

describe('random numbers', () => {
  it('a call that is refused draws none', () => {
    const [refused, plain] = [dense(), dense()];
    prune.manualSeed(4);
    expect(() => prune.randomUnstructured(refused, 'weight', 13)).toThrow();
    expect(() => prune.randomStructured(refused, 'weight', 1, 7)).toThrow();
    prune.randomUnstructured(refused, 'weight', 5);
    prune.manualSeed(4);
    prune.randomUnstructured(plain, 'weight', 5);
    expect(flat(refused, 'weight_mask')).toEqual(flat(plain, 'weight_mask'));
  });
});
