import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, flat, linear, read } from '../../support/layers';
import { expectNoLeak } from '../../support/memory';
import { expectRefused, thrownWithoutTrace } from '../../support/trace';

/** The method of PyTorch's tutorial: every other entry goes. */
class EveryOther extends prune.BasePruningMethod {
  override readonly pruningType = 'unstructured';
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    const alternate = tf.tensor(
      Float32Array.from({ length: t.size }, (_, i) => i % 2),
      t.shape,
    );
    return tf.mul(defaultMask, alternate);
  }
}

/** Prunes what is smaller than a threshold; needs a constructor of its own. */
class Below extends prune.BasePruningMethod {
  override readonly pruningType = 'unstructured';
  readonly threshold: number;
  constructor(threshold: number) {
    super();
    this.threshold = threshold;
  }
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    return tf.mul(defaultMask, tf.cast(tf.greaterEqual(tf.abs(t), this.threshold), 'float32'));
  }
}

/** Prunes the first channel that is left. */
class FirstChannel extends prune.BasePruningMethod {
  override readonly pruningType = 'structured';
  readonly dim: number;
  constructor(dim: number) {
    super();
    this.dim = dim;
  }
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    const size = t.shape[this.dim]!;
    const keep = tf.tensor(Float32Array.from({ length: size }, (_, i) => (i === 0 ? 0 : 1)));
    const shape = t.shape.map((_, axis) => (axis === this.dim ? size : 1));
    return tf.mul(defaultMask, tf.reshape(keep, shape));
  }
}

/** Notes what it is asked. */
class Spy extends prune.BasePruningMethod {
  override readonly pruningType: 'unstructured' | 'structured' | 'global';
  readonly dim = 0;
  asked: { t: number[]; shape: number[]; mask: number[] } | undefined;
  constructor(pruningType: 'unstructured' | 'structured' | 'global') {
    super();
    this.pruningType = pruningType;
  }
  override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
    this.asked = { t: [...t.dataSync()], shape: t.shape, mask: [...defaultMask.dataSync()] };
    return defaultMask;
  }
}

const matrix = [
  [1, 2, 3, 4],
  [-4, -3, -2, -1],
];

describe('a method of one’s own', () => {
  it('works by apply', () => {
    const layer = linear([[1, 2, 3]], [4]);
    const method = expectNoLeak(() => EveryOther.apply(layer, 'weight'));
    expect(method).toBeInstanceOf(EveryOther);
    expect(prune.methodOf(layer, 'weight')).toBe(method);
    expect(method.tensorName).toBe('weight');
    expect(read(layer, 'weight')).toEqual([[0, 2, 0]]);
  });

  it('works by applyTo, with a constructor of its own', () => {
    const layer = linear(matrix);
    const method = new Below(3);
    expect(expectNoLeak(() => method.applyTo(layer, 'weight'))).toBe(method);
    expect(read(layer, 'weight')).toEqual([
      [0, 0, 3, 4],
      [-4, -3, 0, 0],
    ]);
    expect(Below.apply(linear(matrix), 'weight', 3)).toBeInstanceOf(Below);
  });

  it('sees the importance scores in place of the weight', () => {
    const layer = linear(matrix);
    const importanceScores = tf.tensor2d(matrix.map((row) => row.map((value) => 5 - Math.abs(value))));
    new Below(3).applyTo(layer, 'weight', { importanceScores });
    expect(read(layer, 'weight')).toEqual([
      [1, 2, 0, 0],
      [0, 0, -2, -1],
    ]);
  });

  it('sees the tensor in the layout of the name', () => {
    const [torch, stored] = [new Spy('global'), new Spy('global')];
    torch.applyTo(linear(matrix), 'weight');
    stored.applyTo(linear(matrix), 'kernel');
    expect(torch.asked).toEqual({ t: matrix.flat(), shape: [2, 4], mask: new Array(8).fill(1) });
    expect(stored.asked).toMatchObject({ t: [1, -4, 2, -3, 3, -2, 4, -1], shape: [4, 2] });
  });

  it('works in a container, on what is left', () => {
    const layer = linear(matrix);
    prune.l1Unstructured(layer, 'weight', 2);
    const container = EveryOther.apply(layer, 'weight');
    expect(container).toBeInstanceOf(prune.PruningContainer);
    expect(container).toHaveLength(2);
    // Left were 2 3 4 −4 −3 −2; every other of these goes, the first one first.
    expect(read(layer, 'weight')).toEqual([
      [0, 0, 3, 0],
      [-4, 0, -2, 0],
    ]);
    prune.l1Unstructured(layer, 'weight', 1);
    expect(prune.methodOf(layer, 'weight')).toHaveLength(3);
    expect(read(layer, 'weight')).toEqual([
      [0, 0, 3, 0],
      [-4, 0, 0, 0],
    ]);
  });

  it('gets the slice that its type says', () => {
    const prepared = (): tf.layers.Layer => {
      const layer = linear([...matrix, [9, 8, 7, 6]]);
      const mask = [
        [1, 0, 1, 1],
        [0, 0, 0, 0],
        [1, 1, 1, 0],
      ];
      return prune.customFromMask(layer, 'weight', mask);
    };
    const asked = (type: 'unstructured' | 'structured' | 'global') => {
      const spy = new Spy(type);
      const layer = prepared();
      const before = flat(layer, 'weight_mask');
      expectNoLeak(() => spy.applyTo(layer, 'weight'));
      expect(flat(layer, 'weight_mask')).toEqual(before);
      return spy.asked;
    };
    expect(asked('unstructured')).toEqual({ t: [1, 3, 4, 9, 8, 7], shape: [6], mask: [1, 1, 1, 1, 1, 1] });
    expect(asked('structured')).toEqual({
      t: [1, 0, 3, 4, 9, 8, 7, 0],
      shape: [2, 4],
      mask: [1, 0, 1, 1, 1, 1, 1, 0],
    });
    expect(asked('global')).toMatchObject({ shape: [3, 4], mask: [1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0] });
  });

  it('may be structured', () => {
    const layer = linear([...matrix, [9, 8, 7, 6]]);
    FirstChannel.apply(layer, 'weight', 0);
    expect(read(layer, 'weight')).toEqual([[0, 0, 0, 0], matrix[1], [9, 8, 7, 6]]);
    FirstChannel.apply(layer, 'weight', 0);
    expect(read(layer, 'weight')).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [9, 8, 7, 6],
    ]);
    FirstChannel.apply(layer, 'weight', 1);
    expect(read(layer, 'weight')).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 8, 7, 6],
    ]);
  });

  it('revives nothing, whatever its mask says: masks only shrink', () => {
    class AllOnes extends prune.BasePruningMethod {
      override computeMask(t: tf.Tensor): tf.Tensor {
        return tf.onesLike(t);
      }
    }
    const layer = prune.l1Unstructured(linear(matrix), 'weight', 3);
    const before = flat(layer, 'weight');
    AllOnes.apply(layer, 'weight');
    expect(flat(layer, 'weight')).toEqual(before);
    expect(flat(layer, 'weight_mask').filter((bit) => bit === 0)).toHaveLength(3);
    expect(prune.methodOf(layer, 'weight')).toHaveLength(2);
  });

  it('works globally, as a class or as an instance', () => {
    const layers = [linear(matrix), linear([[0, 0.1, -2]])];
    const weights = layers.map((layer): [tf.layers.Layer, string] => [layer, 'weight']);
    expectNoLeak(() => prune.globalUnstructured(weights, new Below(2.5)));
    expect(layers.map((layer) => flat(layer, 'weight'))).toEqual([
      [0, 0, 3, 4, -4, -3, 0, 0],
      [0, 0, 0],
    ]);
    expectNoLeak(() => prune.globalUnstructured(weights, EveryOther));
    expect(layers.map((layer) => flat(layer, 'weight'))).toEqual([
      [0, 0, 0, 4, 0, -3, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('sees globally what is left of all, one after the other, each in the layout of its name', () => {
    const asked: number[][] = [];
    class Watching extends EveryOther {
      override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
        asked.push(t.shape, [...t.dataSync()], [...defaultMask.dataSync()]);
        return super.computeMask(t, defaultMask);
      }
    }
    const [first, second] = [linear(matrix), linear(matrix)];
    const parameters: [tf.layers.Layer, string][] = [
      [first, 'weight'],
      [second, 'kernel'],
    ];
    prune.customFromMask(second, 'weight', [
      [1, 0, 1, 1],
      [0, 1, 1, 0],
    ]);
    prune.globalUnstructured(parameters, Watching);
    expect(asked).toEqual([[13], [...matrix.flat(), 1, -3, 3, -2, 4], new Array(13).fill(1)]);
    expect(flat(first, 'weight_mask')).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(flat(second, 'kernel_mask')).toEqual([0, 0, 0, 1, 0, 1, 0, 0]);
    prune.globalUnstructured([[first, 'weight']], Watching);
    expect(asked.slice(3)).toEqual([[4], [2, 4, -3, -1], [1, 1, 1, 1]]);
  });

  it('prunes a tensor without a layer', () => {
    tf.tidy(() => {
      // Not toEqual, which tells −0 from 0: −2 × 0 is −0 in PyTorch too.
      expect(new Below(3).prune(tf.tensor(matrix))).toBeAllClose([0, 0, 3, 4, -4, -3, 0, 0]);
    });
  });
});

describe('a computeMask that goes wrong leaves no trace and no tensor', () => {
  type Compute = (t: tf.Tensor, defaultMask: tf.Tensor) => tf.Tensor;
  const wrong: [string, prune.PruneErrorKind | undefined, Compute][] = [
    [
      'throws',
      undefined,
      (t) => {
        tf.mul(t, 2);
        throw new Error('a broken method');
      },
    ],
    ['returns another shape', 'shape', () => tf.ones([7])],
    ['returns halves', 'argument', (t) => tf.fill(t.shape, 0.5)],
    ['returns NaN', 'argument', (t) => tf.fill(t.shape, Number.NaN)],
    ['returns nothing', 'argument', () => undefined as never],
    ['returns an array', 'argument', () => [1, 0] as never],
  ];

  const make: [string, () => tf.layers.Layer][] = [
    ['fresh', () => linear(matrix)],
    ['pruned', () => prune.l1Unstructured(linear(matrix), 'weight', 3)],
    ['of two prunings', () => prune.l1Unstructured(prune.identity(linear(matrix), 'weight'), 'weight', 3)],
  ];

  describe.each(make)('on a layer, %s', (_, layerOf) => {
    it.each(wrong)('when it %s', (_, kind, compute) => {
      class Wrong extends prune.BasePruningMethod {
        override readonly pruningType = 'unstructured';
        override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
          return compute(t, defaultMask);
        }
      }
      const layer = layerOf();
      const other = built(tf.layers.dense({ units: 2 }), [3]);
      const parameters: [tf.layers.Layer, string][] = [
        [layer, 'weight'],
        [other, 'weight'],
      ];
      for (const call of [
        () => Wrong.apply(layer, 'weight'),
        () => new Wrong().applyTo(layer, 'kernel'),
        () => prune.globalUnstructured(parameters, Wrong),
        () => prune.globalUnstructured(parameters, new Wrong()),
      ]) {
        if (kind !== undefined) expectRefused(parameters, call, kind);
        else expect(String(thrownWithoutTrace(parameters, call))).toMatch(/a broken method/);
      }
    });
  });

  it('when it is structured and has no dim', () => {
    class NoDim extends prune.BasePruningMethod {
      override readonly pruningType = 'structured';
      override computeMask(_: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
        return defaultMask;
      }
    }
    const layer = prune.l1Unstructured(linear(matrix), 'weight', 3);
    expectRefused([[layer, 'weight']], () => NoDim.apply(layer, 'weight'), 'argument', /dim/);
  });
});
