import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import type { Nested } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';

// The cases of PyTorch's own tests that need no layer; the numbers are those of the list in the tests' documentation.

/** What a method makes of a tensor. */
function pruned(
  method: prune.BasePruningMethod,
  t: number[][],
  defaultMask?: number[][],
  scores?: number[][],
): Nested {
  return expectNoLeak(() =>
    tf.tidy(
      () =>
        method
          .prune(tf.tensor(t), defaultMask && tf.tensor(defaultMask), scores && tf.tensor(scores))
          .arraySync() as Nested,
    ),
  );
}

/** The mask that a container whose newest method this is makes on top of an earlier mask. */
function containerMask(method: prune.BasePruningMethod, t: number[][], mask: number[][]): Nested {
  const container = new prune.PruningContainer();
  container.addPruningMethod(method);
  return expectNoLeak(() =>
    tf.tidy(() => container.computeMask(tf.tensor(t), tf.tensor(mask)).arraySync() as Nested),
  );
}

function caught(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

function zerosOf(t: tf.Tensor): number {
  return t.dataSync().filter((value) => value === 0).length;
}

const t16 = [
  [1, 2, 3, 4],
  [5, 6, 7, 8],
];
const m16 = [
  [1, 1, 1, 0],
  [1, 1, 0, 1],
];

describe('amounts', () => {
  const makers: [string, (amount: prune.Amount) => prune.BasePruningMethod][] = [
    ['RandomUnstructured', (amount) => new prune.RandomUnstructured(amount)],
    ['L1Unstructured', (amount) => new prune.L1Unstructured(amount)],
    ['RandomStructured', (amount) => new prune.RandomStructured(amount)],
    ['LnStructured', (amount) => new prune.LnStructured(amount, 2)],
  ];

  it.each(makers)('1. are validated when a %s is made', (_, make) => {
    const text = caught(() => make("I'm a string" as never));
    expect(prune.isPruneError(text, 'argument')).toBe(true);
    for (const amount of [1.1, { fraction: 1.1 }, { fraction: 20 }, -10, { count: -10 }]) {
      expect(
        prune.isPruneError(
          caught(() => make(amount)),
          'amount',
        ),
        JSON.stringify(amount),
      ).toBe(true);
    }
    for (const amount of [0.34, 1500, 0, 1]) expect(make(amount)).toBeInstanceOf(prune.BasePruningMethod);
  });

  it('2. are validated against the size of the tensor', () => {
    const nineteen = tf.range(1, 20);
    const error = caught(() => expectNoLeak(() => new prune.L1Unstructured(20).prune(nineteen)));
    expect(prune.isPruneError(error, 'amount')).toBe(true);
    expect(String(error)).toMatch(/20.*19|19.*20/s);
    const empty = tf.tensor1d([]);
    const pruned = new prune.L1Unstructured(0.3).prune(empty);
    expect(pruned.shape).toEqual([0]);
    pruned.dispose();
  });

  it.each([
    [{ count: 0 }, 15, 0],
    [10, 15, 10],
    [{ count: 1 }, 15, 1],
    [15, 15, 15],
    [0.4, 17, 7],
    // Python rounds half to even
    [0.5, 5, 2],
    [0.25, 10, 2],
    [0.5, 1, 0],
    [0.5, 7, 4],
    [{ fraction: 1 }, 15, 15],
    [1, 15, 1],
  ] as const)('3. %j of %i entries are %i', (amount, size, count) => {
    tf.tidy(() => {
      expect(zerosOf(new prune.L1Unstructured(amount).prune(tf.range(1, size + 1)))).toBe(count);
      expect(zerosOf(new prune.RandomUnstructured(amount).prune(tf.range(1, size + 1)))).toBe(count);
    });
  });
});

describe('containers', () => {
  it('15. hold methods that act on one and the same tensor', () => {
    const container = new prune.PruningContainer();
    container.tensorName = 'test';
    expect(container).toHaveLength(0);

    const same = new prune.L1Unstructured(2);
    same.tensorName = 'test';
    container.addPruningMethod(same);
    expect(container).toHaveLength(1);

    const other = new prune.LnStructured(2, 2, 1);
    other.tensorName = 'another_test';
    const name = caught(() => container.addPruningMethod(other));
    expect(prune.isPruneError(name, 'parameter')).toBe(true);
    expect(String(name)).toMatch(/another_test/);
    for (const wrong of [10, 'ugh']) {
      const error = caught(() => container.addPruningMethod(wrong as never));
      expect(prune.isPruneError(error, 'argument')).toBe(true);
    }
    expect([...container]).toEqual([same]);
    expect(container.at(0)).toBe(same);
    expect(container.at(-1)).toBe(same);
    expect(container.at(1)).toBeUndefined();
  });

  it.each([
    [
      'L1Unstructured(2)',
      new prune.L1Unstructured(2),
      [
        [0, 0, 1, 0],
        [1, 1, 0, 1],
      ],
    ],
    [
      'LnStructured(1, 2, 0)',
      new prune.LnStructured(1, 2, 0),
      [
        [0, 0, 0, 0],
        [1, 1, 0, 1],
      ],
    ],
    [
      'LnStructured(1, 2, 1)',
      new prune.LnStructured(1, 2, 1),
      [
        [0, 1, 1, 0],
        [0, 1, 0, 1],
      ],
    ],
  ])('16. compute the mask of their newest method, %s', (_, method, expected) => {
    expect(containerMask(method, t16, m16)).toEqual(expected);
  });
});

describe('masks', () => {
  it('19. ties still prune the exact count', () => {
    const t = tf.tensor2d([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [1, 1, 1, 1],
      [-1, -1, 1, -1],
      [2, 2, 2, 2],
    ]);
    for (const count of [1, 4, 8, 9, 11, 17]) {
      tf.tidy(() => {
        const ones = tf.onesLike(t);
        expect(zerosOf(new prune.L1Unstructured({ count }).computeMask(t, ones))).toBe(count);
      });
    }
  });

  it('20. RandomStructured(0.6, 2) of (5, 4, 2) zeroes one of two columns', () => {
    for (let seed = 0; seed < 5; seed++) {
      prune.manualSeed(seed);
      tf.tidy(() => {
        const t = tf.add(tf.ones([5, 4, 2]), tf.reshape(tf.range(0, 40), [5, 4, 2]));
        const columns = tf.unstack(new prune.RandomStructured(0.6, 2).prune(t), 2);
        expect(columns.map(zerosOf).sort()).toEqual([0, 20]);
      });
    }
  });

  it('27. CustomFromMask multiplies its mask with the default one', () => {
    const mask = [
      [0, 1, 1, 0],
      [0, 0, 1, 1],
    ];
    const defaultMask = [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ];
    const method = new prune.CustomFromMask(tf.tensor2d(mask));
    tf.tidy(() => {
      const computed = method.computeMask(tf.tensor(t16), tf.tensor(defaultMask));
      expect(computed.arraySync()).toEqual([
        [0, 0, 0, 0],
        [0, 0, 1, 1],
      ]);
    });
  });
});

describe('prune(t), without a layer', () => {
  it('31. gives the tensor times its mask', () => {
    expect(pruned(new prune.L1Unstructured(2), t16, m16)).toEqual([
      [0, 0, 3, 0],
      [5, 6, 0, 8],
    ]);
  });

  it('32. follows importance scores', () => {
    const scores = [
      [1, 2, 3, 4],
      [1.5, 1.6, 1.7, 1.8],
    ];
    expect(pruned(new prune.L1Unstructured(2), t16, m16, scores)).toEqual([
      [0, 2, 3, 0],
      [0, 6, 0, 8],
    ]);
  });

  it('33. scores equal to the tensor change nothing', () => {
    for (const count of [0, 1, 2, 3, 5]) {
      const method = new prune.L1Unstructured({ count });
      expect(pruned(method, t16, m16, t16)).toEqual(pruned(method, t16, m16));
    }
  });
});
