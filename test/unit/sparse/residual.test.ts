import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../../support/memory';
import { denseAndSparse, pack, pointwise, random, read, runs, usePacking } from '../../support/packing';
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
  ['of tiles', true],
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
      expect(runs.sums).toBeGreaterThan(0);
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

describe('sums of what is no number, infinite, or −0 are those of tfjs', () => {
  const odd = [3e38, Infinity, -Infinity, Number.NaN, -0, 0, 1, -1];
  const pairs = odd.flatMap((a) => odd.map((b) => [a, b]));
  const images = (which: 0 | 1): tf.Tensor =>
    tf.tensor(
      pairs.map((pair) => pair[which]!),
      [1, 8, 8, 1],
    );

  it.each([false, true])('(of tiles: %s)', (isTiled) => {
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
      if (isTiled) pack(first);
      expect(compute()).toEqual(dense);
    });
  });
});
