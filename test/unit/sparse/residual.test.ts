import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { sparseWeightOf } from '../../../src/sparse/sparse-weight';
import { expectNoLeak } from '../../support/memory';
import {
  denseAndSparse,
  pack,
  pointwise,
  random,
  read,
  runs,
  unpack,
  usePacking,
} from '../../support/packing';
import { outstanding } from '../../support/wasm-memory';

usePacking();

/** Two outputs of one shape, of images that are kept as tiles or not. */
function partsOf(isTiled: boolean): { filters: tf.Tensor[]; make: () => [tf.Tensor, tf.Tensor] } {
  const x = random([2, 5, 7, 6], 1, 1);
  const filters = [2, 3].map((seed) => random([1, 1, 6, 8], 0.5, seed));
  const first = random([1, 1, 6, 6], 0.5, 4);
  const make = (): [tf.Tensor, tf.Tensor] => {
    const images = isTiled ? pointwise(x, first) : x;
    const outputs = filters.map((filter) => pointwise(images, filter));
    if (isTiled) images.dispose();
    return outputs as [tf.Tensor, tf.Tensor];
  };
  return { filters: [first, ...filters], make };
}

describe.each([
  ['of images in tfjs’s order', false],
  ['of tiles, and so put off,', true],
])('sums of convolutions %s', (_, isTiled) => {
  const parts = (): ReturnType<typeof partsOf> => partsOf(isTiled);

  it.each<[string, number, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor]>([
    ['the sum', 1, (a, b) => a.add(b)],
    ['twice one of them', 1, (a) => a.add(a)],
    ['a sum of sums', 2, (a, b) => a.add(b).add(b)],
    ['its ReLU', 1, (a, b) => a.add(b).relu()],
    ['the ReLU of twice one of them', 1, (a) => a.add(a).relu()],
    [
      'its ReLU, twice',
      3,
      (a, b) => {
        const sum = a.add(b);
        return sum.relu().add(sum.relu());
      },
    ],
    ['its ReLU and its ReLU6', 2, (a, b) => tf.concat([a.add(b).relu(), a.add(b).relu6()])],
    [
      'its ReLU, one of them read before it',
      1,
      (a, b) => {
        const sum = a.add(b);
        b.dataSync();
        return sum.relu();
      },
    ],
    ['its ReLU6', 1, (a, b) => a.add(b).mul(1).add(b).relu6()],
    ['its ReLU6, in tiles', 1, (a, b) => a.add(b).relu6()],
    [
      'its ReLU and itself',
      3,
      (a, b) => {
        const sum = a.add(b);
        return sum.relu().add(sum);
      },
    ],
    ['its ReLU and what it is a sum of', 2, (a, b) => a.add(b).relu().add(a)],
    [
      'what it is a sum of, read before it',
      1,
      (a, b) => {
        const sum = a.add(b);
        return a.mul(3).add(sum);
      },
    ],
    [
      'the sum of a sum and itself, ReLU’d',
      2,
      (a, b) => {
        const sum = a.add(b);
        return sum.add(sum).relu();
      },
    ],
  ])('are right: %s', (_, most, use) => {
    tf.tidy(() => {
      const { filters, make } = parts();
      const [dense, sparse] = denseAndSparse(() => use(...make()), filters);
      expect(sparse).toEqual(dense);
      expect(runs.sums + runs.shortcuts).toBeGreaterThan(0);
      expect(runs.sums).toBeLessThanOrEqual(most);
    });
  });

  it('are right as the images of a convolution', () => {
    tf.tidy(() => {
      const { filters, make } = parts();
      const next = random([1, 1, 8, 4], 0.5, 4);
      const compute = (): tf.Tensor => {
        // Memory with something in it, so that what is left uncomputed shows.
        tf.fill([2, 5, 7, 8], 7).dispose();
        return pointwise(tf.add(...make()), next);
      };
      const [dense, sparse] = denseAndSparse(compute, [...filters, next]);
      expect(sparse).toEqual(dense);
    });
  });

  it.each<[string, (a: tf.Tensor, b: tf.Tensor, sum: tf.Tensor) => void]>([
    ['before it', (a, b, sum) => tf.dispose([a, b, sum])],
    ['after it', (a, b, sum) => tf.dispose([sum, a, b])],
    [
      'before it is read',
      (a, b, sum) => {
        tf.dispose([a, b]);
        sum.dataSync();
        sum.dispose();
      },
    ],
    [
      'after one has been read',
      (a, b, sum) => {
        a.dataSync();
        tf.dispose([a, b, sum]);
      },
    ],
    [
      'before twice one of them is read',
      (a, b, sum) => {
        const twice = a.add(a);
        tf.dispose([sum, a, b]);
        twice.dataSync();
        twice.dispose();
      },
    ],
    [
      'before its ReLU',
      (a, b, sum) => {
        tf.dispose([a, b]);
        const relu = sum.relu();
        sum.dispose();
        relu.dispose();
      },
    ],
  ])('free their memory when what they are sums of is disposed %s', (_, dispose) => {
    const { filters, make } = parts();
    filters.forEach(pack);
    const tensors = make();
    tf.dispose(tensors);
    const memory = outstanding();
    expectNoLeak(() => {
      const [a, b] = make();
      dispose(a, b, a.add(b));
    });
    expect([memory.blocks(), memory.freedTwice()]).toEqual([0, 0]);
    memory.stop();
  });

  it('keep what they are sums of, which others must not overwrite', () => {
    tf.tidy(() => {
      const { filters, make } = parts();
      const dense = read(tf.add(...make()).relu());
      filters.forEach(pack);
      const [a, b] = make();
      const sum = a.add(b);
      tf.dispose([a, b]);
      const others = Array.from({ length: 6 }, () => tf.fill(sum.shape, 7));
      const relu = sum.relu();
      expect(read(relu)).toEqual(dense);
      expect(read(sum.relu())).toEqual(dense);
      tf.dispose(others);
    });
  });
});

describe('a convolution that is put off', () => {
  /** Images as tiles, and what they are convolved by. */
  function given(): { x: tf.Tensor; first: tf.Tensor; filter: tf.Tensor } {
    const x = random([2, 5, 7, 6], 1, 1);
    return { x, first: random([1, 1, 6, 6], 0.5, 2), filter: random([1, 1, 6, 8], 0.5, 3) };
  }

  it('runs once, in one pass with the sum and the ReLU', () => {
    tf.tidy(() => {
      const { x, first, filter } = given();
      const shortcut = random([1, 1, 6, 8], 0.5, 4);
      [first, filter, shortcut].forEach(pack);
      const images = pointwise(x, first);
      const other = pointwise(x, shortcut);
      runs.tiles = 0;
      const relu = pointwise(images, filter).add(other).relu();
      expect(runs).toMatchObject({ tiles: 3, shortcuts: 3, sums: 0 });
      relu.dataSync();
      expect(runs).toMatchObject({ tiles: 3, shortcuts: 3, sums: 0 });
    });
  });

  it('does not run if it is not needed', () => {
    tf.tidy(() => {
      const { x, first, filter } = given();
      [first, filter].forEach(pack);
      const images = pointwise(x, first);
      runs.tiles = 0;
      pointwise(images, filter).dispose();
      expect(runs.tiles).toBe(0);
    });
  });

  it('is no longer known to its weight when it has run or is gone', () => {
    tf.tidy(() => {
      const { x, first, filter } = given();
      [first, filter].forEach(pack);
      const { waiting } = sparseWeightOf(filter.dataId)!.tiles!;
      const images = pointwise(x, first);
      const [gone, read] = [pointwise(images, filter), pointwise(images, filter)];
      expect(waiting.size).toBe(2);
      gone.dispose();
      expect(waiting.size).toBe(1);
      read.dataSync();
      expect(waiting.size).toBe(0);
    });
  });

  it.each(['relu', 'relu6'] as const)('is not one with an activation of its own: %s', (activation) => {
    tf.tidy(() => {
      const { x, first, filter } = given();
      const shortcut = random([1, 1, 6, 8], 0.5, 4);
      const compute = (): tf.Tensor => {
        const images = pointwise(x, first) as tf.Tensor4D;
        const options = { x: images, filter: filter as tf.Tensor4D, strides: 1, pad: 'valid' } as const;
        return tf.fused
          .conv2d({ ...options, activation })
          .add(pointwise(images, shortcut))
          .relu();
      };
      const [dense, sparse] = denseAndSparse(compute, [first, filter, shortcut]);
      expect(sparse).toEqual(dense);
    });
  });

  it.each<[string, (images: tf.Tensor, bias: tf.Tensor) => void]>([
    ['its bias is gone', (_, bias) => bias.dispose()],
    ['its images are gone', (images) => images.dispose()],
    ['its images have been read', (images) => void images.dataSync()],
    ['its weight is packed no more', unpack],
    [
      'all of these',
      (images, bias) => {
        images.dataSync();
        tf.dispose([images, bias]);
        unpack();
      },
    ],
  ])('is right when %s', (_, use) => {
    tf.tidy(() => {
      const { x, first, filter } = given();
      const biases = random([8], 1, 5);
      const compute = (change: (images: tf.Tensor, bias: tf.Tensor) => void): tf.Tensor => {
        const images = pointwise(x, first) as tf.Tensor4D;
        const bias = biases.add(0);
        const y = tf.fused.conv2d({
          x: images,
          filter: filter as tf.Tensor4D,
          strides: 1,
          pad: 'valid',
          bias,
          activation: 'linear',
        });
        change(images, bias);
        // What was freed has something else in it.
        for (const size of [8, 6, 420, 560]) tf.fill([size], 7);
        return y;
      };
      const dense = read(compute(() => undefined));
      [first, filter].forEach(pack);
      runs.tiles = 0;
      expect(read(compute(use))).toEqual(dense);
      expect(runs.tiles).toBe(6);
    });
  });

  it('is right when it is put off after one of the same weight that strides', () => {
    tf.tidy(() => {
      const { x, first, filter } = given();
      const compute = (): Float32Array[] => {
        const images = pointwise(x, first) as tf.Tensor4D;
        const late = pointwise(images, filter);
        const strided = tf.conv2d(images, filter as tf.Tensor4D, 2, [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ]);
        return [strided, late].map(read);
      };
      const dense = compute();
      [first, filter].forEach(pack);
      expect(compute()).toEqual(dense);
    });
  });
});

describe('sums of what is no number, infinite, or −0 are those of tfjs', () => {
  const odd = [3e38, Infinity, -Infinity, Number.NaN, -0, 0, 1, -1];
  const pairs = odd.flatMap((a) => odd.map((b) => [a, b]));
  const images = (which: 0 | 1): tf.Tensor =>
    tf.tensor(
      pairs.map((pair) => pair[which]!),
      [1, 8, 8, 1],
    );

  it.each([false, true])('(put off: %s)', (isLate) => {
    tf.tidy(() => {
      const [first, ones] = [tf.ones([1, 1, 1, 8]), tf.ones([1, 1, 8, 8])];
      const compute = (): Float32Array[] => {
        const [a, b] = ([0, 1] as const).map((which) => pointwise(pointwise(images(which), first), ones));
        const sum = a!.add(b!);
        return [sum.relu(), sum.relu6(), sum].map(read);
      };
      const dense = compute();
      expect(dense[0]!.some(Number.isNaN)).toBe(true);
      pack(ones);
      if (isLate) pack(first);
      expect(compute()).toEqual(dense);
      expect(runs.shortcuts > 0).toBe(isLate);
    });
  });
});
