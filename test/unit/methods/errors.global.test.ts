import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { fillWeights, flat, linear } from '../../support/layers';
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
      () => prune.globalUnstructured(both, new prune.LnStructured(1, 2, 0) as never),
    ],
    [
      'a structured class',
      'argument',
      /RandomStructured/,
      () => prune.globalUnstructured(both, prune.RandomStructured as never, { amount }),
    ],
    [
      'CustomFromMask',
      'argument',
      /CustomFromMask/,
      () => prune.globalUnstructured(both, new prune.CustomFromMask(row) as never),
    ],
    [
      'a container',
      'argument',
      /./,
      () => prune.globalUnstructured(both, new prune.PruningContainer() as never),
    ],
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
    ['an empty list', 'argument', /at least one/, () => prune.globalUnstructured([], L1, { amount })],
    [
      'an amount with an instance',
      'argument',
      /amount.*L1Unstructured/,
      () => prune.globalUnstructured(both, new L1(1), { amount } as never),
    ],
    [
      'an amount for a class that takes none',
      'argument',
      /Identity.*amount/,
      () => prune.globalUnstructured(both, prune.Identity as never, { amount }),
    ],
    [
      'a function that prunes',
      'argument',
      /l1Unstructured/,
      () => prune.globalUnstructured(both, prune.l1Unstructured as never, { amount }),
    ],
    ['an arrow function', 'argument', /function/, () => prune.globalUnstructured(both, (() => 1) as never)],
    [
      'blocks',
      'argument',
      /BlockStructured/,
      () => prune.globalUnstructured(both, new prune.BlockStructured(1) as never),
    ],
    ...[
      prune.BlockStructured,
      prune.SemiStructured,
      prune.RandomStructured,
      prune.LnStructured,
      prune.CustomFromMask,
      prune.PruningContainer,
    ].flatMap((structured): [string, prune.PruneErrorKind, RegExp, () => unknown][] => [
      [
        `${structured.name} without an amount`,
        'argument',
        new RegExp(`unstructured.*${structured.name}`),
        () => prune.globalUnstructured(both, structured as never),
      ],
      [
        `${structured.name} with a bad amount`,
        'argument',
        new RegExp(`unstructured.*${structured.name}`),
        () => prune.globalUnstructured(both, structured as never, { amount: 'half' } as never),
      ],
    ]),
    ['no amount', 'argument', /amount/, () => prune.globalUnstructured(both, L1 as never)],
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

describe('a class of methods', () => {
  it('may inherit the constructor that takes the amount', () => {
    class Traced extends prune.L1Unstructured {}
    const layer = linear([[1, 2, 3]]);
    prune.globalUnstructured([[layer, 'weight']], Traced, { amount: 2 });
    expect(flat(layer, 'weight')).toEqual([0, 0, 3]);
  });
});

describe('an error of one parameter', () => {
  it('names its layer', () => {
    const [first, second] = [linear([[1, 2]]), linear([[3, 4]])];
    const parameters: Parameter[] = [
      [first, 'weight'],
      [second, 'weight'],
    ];
    const importanceScores = new Map([[second, { weight: tf.ones([2, 1]) }]]);
    expectRefused(
      parameters,
      () => prune.globalUnstructured(parameters, prune.L1Unstructured, { amount: 1, importanceScores }),
      'shape',
      second.name,
    );
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
