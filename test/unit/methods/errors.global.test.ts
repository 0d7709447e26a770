import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { fillWeights, linear } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { expectRefused, type Parameter, thrownWithoutTrace } from '../../support/trace';

describe('globalUnstructured', () => {
  const [first, second] = [linear([[1, 2, 3]], [4]), linear([[5, 6, 7]])];
  prune.l1Unstructured(second, 'weight', 1);
  const both: [tf.layers.Layer, string][] = [
    [first, 'weight'],
    [second, 'weight'],
  ];
  const touched: Parameter[] = [...both, [first, 'bias']];
  const amount = 1;
  const L1 = prune.L1Unstructured;
  class NoMethod {}
  const [row, column, one] = [tf.ones([1, 3]), tf.ones([3, 1]), tf.ones([1])];
  const unbuilt = tf.layers.dense({ units: 1 });

  it.each<[string, prune.PruneErrorKind, RegExp, () => unknown]>([
    ['no list', 'argument', /iterable/, () => prune.globalUnstructured(undefined as never, L1, { amount })],
    [
      'a layer for a list',
      'argument',
      /iterable/,
      () => prune.globalUnstructured(first as never, L1, { amount }),
    ],
    ['a list of layers', 'argument', /./, () => prune.globalUnstructured([first] as never, L1, { amount })],
    [
      'an entry without a name',
      'argument',
      /./,
      () => prune.globalUnstructured([[first]] as never, L1, { amount }),
    ],
    [
      'scores that are no Map',
      'argument',
      /Map/,
      () => prune.globalUnstructured(both, L1, { amount, importanceScores: {} as never }),
    ],
    [
      'a structured method',
      'argument',
      /LnStructured/,
      () => prune.globalUnstructured(both, new prune.LnStructured(1, 2, 0)),
    ],
    [
      'a structured class',
      'argument',
      /RandomStructured/,
      () => prune.globalUnstructured(both, prune.RandomStructured, { amount }),
    ],
    [
      'CustomFromMask',
      'argument',
      /CustomFromMask/,
      () => prune.globalUnstructured(both, new prune.CustomFromMask(row)),
    ],
    ['a container', 'argument', /./, () => prune.globalUnstructured(both, new prune.PruningContainer())],
    [
      'a list with a hole',
      'argument',
      /./,
      () => prune.globalUnstructured([undefined] as never, L1, { amount }),
    ],
    ['a list with null', 'argument', /./, () => prune.globalUnstructured([null] as never, L1, { amount })],
    [
      'scores for null',
      'argument',
      /importanceScores/,
      () =>
        prune.globalUnstructured(both, L1, {
          amount,
          importanceScores: new Map([[null as never, { weight: row }]]),
        }),
    ],
    [
      'null for scores of a layer',
      'argument',
      /importanceScores/,
      () =>
        prune.globalUnstructured(both, L1, { amount, importanceScores: new Map([[first, null as never]]) }),
    ],
    ['no method', 'argument', /./, () => prune.globalUnstructured(both, undefined as never, { amount })],
    [
      'a class that is no method',
      'argument',
      /./,
      () => prune.globalUnstructured(both, NoMethod as never, { amount }),
    ],
    ['no amount', 'argument', /amount/, () => prune.globalUnstructured(both, L1)],
    [
      'a parameter twice',
      'argument',
      /twice|more than once|already|repeat|duplicate/i,
      () => prune.globalUnstructured([...both, [first, 'weight']], L1, { amount }),
    ],
    [
      'a parameter by both of its names',
      'argument',
      /kernel|weight/,
      () => prune.globalUnstructured([...both, [first, 'kernel']], L1, { amount }),
    ],
    [
      'scores for a layer that is not in the list',
      'argument',
      /./,
      () =>
        prune.globalUnstructured([[first, 'weight']], L1, {
          amount,
          importanceScores: new Map([[second, { weight: row }]]),
        }),
    ],
    [
      'scores for a name that is not in the list',
      'argument',
      /bias/,
      () =>
        prune.globalUnstructured(both, L1, { amount, importanceScores: new Map([[first, { bias: one }]]) }),
    ],
    [
      'scores of another shape',
      'shape',
      /3,\s?1/,
      () =>
        prune.globalUnstructured(both, L1, {
          amount,
          importanceScores: new Map([[second, { weight: column }]]),
        }),
    ],
    [
      'an unknown name in the second place',
      'parameter',
      /wieght/,
      () =>
        prune.globalUnstructured(
          [
            [first, 'weight'],
            [second, 'wieght'],
          ],
          L1,
          { amount },
        ),
    ],
    [
      'an unbuilt layer in the second place',
      'state',
      /built/,
      () =>
        prune.globalUnstructured(
          [
            [first, 'weight'],
            [unbuilt, 'weight'],
          ],
          L1,
          { amount },
        ),
    ],
    [
      'more than what is left',
      'amount',
      /6.*5|5.*6/s,
      () => prune.globalUnstructured(both, L1, { amount: 6 }),
    ],
  ])('refuses %s', (_, kind, says, call) => {
    expectRefused(touched, call, kind, says);
  });
});

describe('a refused global run', () => {
  it('leaves no trace on any layer, although only the last one is wrong', () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 4, inputShape: [3] }), tf.layers.dense({ units: 2 })],
    });
    fillWeights(model);
    const [first, second] = model.layers as [tf.layers.Layer, tf.layers.Layer];
    prune.l1Unstructured(first, 'weight', 2);
    const parameters: [tf.layers.Layer, string][] = [
      [first, 'weight'],
      [second, 'weight'],
    ];
    expectNoLeak(() => {
      expectRefused(
        parameters,
        () =>
          prune.globalUnstructured([...parameters, [second, 'nope']], prune.L1Unstructured, { amount: 0.5 }),
        'parameter',
      );
      expectRefused(
        parameters,
        () => prune.globalUnstructured(parameters, prune.L1Unstructured, { amount: 19 }),
        'amount',
      );
    });
  });

  it.each([false, true])('leaves no trace when the backend fails halfway (pruned before: %s)', (before) => {
    const [first, second] = [linear([[1, -2, 3]]), linear([[4, 0.5, 6]])];
    if (before) prune.l1Unstructured(first, 'weight', 1);
    const kernel = second.trainableWeights[0]!.read() as tf.Variable;
    kernel.assign = () => {
      throw new Error('out of memory');
    };
    const parameters: [tf.layers.Layer, string][] = [
      [first, 'weight'],
      [second, 'weight'],
    ];
    const error = thrownWithoutTrace(parameters, () =>
      prune.globalUnstructured(parameters, prune.L1Unstructured, { amount: 3 }),
    );
    expect(String(error)).toMatch(/out of memory/);
  });
});
