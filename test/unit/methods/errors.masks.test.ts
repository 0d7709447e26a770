import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { expectRefused, type Parameter, thrownWithoutTrace } from '../../support/trace';
import { type Case, dense, onFreshAndPruned, prunedDense } from './refusals';

const square = (size: number, fill = 1): tf.Tensor => tf.fill([size, size], fill);
const halves = tf.fill([3, 4], 0.5);
const wrongShape = square(3);
const stored = tf.ones([4, 3]);

describe('masks and scores', () => {
  const bad: [string, unknown, prune.PruneErrorKind, ...(string | RegExp)[]][] = [
    ['of another shape', wrongShape, 'shape', /3,\s?3/, /3,\s?4/],
    ["in tfjs's layout under PyTorch's name", stored, 'shape', /4,\s?3/, /3,\s?4/],
    ['that is flat', tf.ones([12]), 'shape', /12/],
    ['that is a number', 1, 'shape'],
    ['that is a string', 'ones', 'argument'],
    ['that is null', null, 'argument'],
    ['that is undefined', undefined, 'argument'],
  ];
  onFreshAndPruned([
    ...bad.map(([title, mask, kind, ...says]): Case => {
      return {
        title: `a mask ${title}`,
        call: (l) => prune.customFromMask(l, 'weight', mask as never),
        kind,
        says,
      };
    }),
    {
      title: 'a mask of halves',
      call: (layer) => prune.customFromMask(layer, 'weight', halves),
      kind: 'argument',
      says: ['0.5', /0.*1/],
    },
    {
      title: 'a mask with a 2',
      call: (layer) => prune.customFromMask(layer, 'bias', [0, 1, 2]),
      kind: 'argument',
    },
    {
      title: 'a mask with NaN',
      call: (layer) => prune.customFromMask(layer, 'bias', [0, 1, Number.NaN]),
      kind: 'argument',
    },
    ...bad
      .filter(([, scores]) => scores instanceof tf.Tensor)
      .flatMap(([title, scores, kind, ...says]): Case[] => {
        const options = { importanceScores: scores as tf.Tensor };
        return [
          {
            title: `L1 scores ${title}`,
            call: (l) => prune.l1Unstructured(l, 'weight', 1, options),
            kind,
            says,
          },
          {
            title: `Ln scores ${title}`,
            call: (l) => prune.lnStructured(l, 'weight', 1, 2, 0, options),
            kind,
            says,
          },
        ];
      }),
    {
      title: 'scores that are no tensor',
      call: (layer) => prune.l1Unstructured(layer, 'weight', 1, { importanceScores: 'high' as never }),
      kind: 'argument',
    },
  ]);
});

describe('arrays that are no tensors', () => {
  it.each([
    ['ragged', [[1, 0, 1], [1], [0, 1, 1, 1]]],
    ['of words', ['a', 'b']],
    ['of objects', [{}, {}]],
  ])('a mask that is %s', (_, mask) => {
    const layer = dense();
    const error = thrownWithoutTrace([[layer, 'weight']], () =>
      prune.customFromMask(layer, 'weight', mask as never),
    );
    expect(prune.isPruneError(error, 'argument') || prune.isPruneError(error, 'shape'), String(error)).toBe(
      true,
    );
  });

  it('a mask or scores that have been disposed', () => {
    const layer = prunedDense();
    const gone = tf.ones([3, 4]);
    gone.dispose();
    const parameters: Parameter[] = [[layer, 'weight']];
    expectRefused(parameters, () => prune.customFromMask(layer, 'weight', gone), 'state', /disposed/);
    const options = { importanceScores: gone };
    expectRefused(parameters, () => prune.l1Unstructured(layer, 'weight', 1, options), 'state', /disposed/);
  });
});
