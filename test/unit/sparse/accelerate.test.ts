import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { activeHeap } from '../../../src/wasm/heap';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { sparseModel } from './sparse-model';

beforeAll(() => useBackend('wasm'));
afterEach(() => tf.disposeVariables());

const images = (batch = 2): tf.Tensor => tf.randomNormal([batch, 31, 31, 8], 0, 1, 'float32', 3);

function outputOf(model: tf.LayersModel, batch = 2): Float32Array {
  return tf.tidy(() => (model.predict(images(batch)) as tf.Tensor).dataSync<'float32'>());
}

/** An address that a small allocation gets: it stays the same as long as nothing is left behind. */
function freeAddress(bytes: number): number {
  const heap = activeHeap()!;
  const address = heap.allocate(bytes)!;
  heap.free(address);
  return address;
}

describe('an accelerated model', () => {
  it('gives the same to the bit, from predict and from apply', async () => {
    const model = sparseModel();
    const dense = outputOf(model);
    const acceleration = await accelerate(model);
    expect(outputOf(model)).toEqual(dense);
    expect(tf.tidy(() => (model.apply(images()) as tf.Tensor).dataSync())).toEqual(dense);
    acceleration.dispose();
    expect(outputOf(model)).toEqual(dense);
    model.dispose();
  });

  it('takes images of any size and batches in turn', async () => {
    const layer = tf.layers.conv2d({
      inputShape: [null, null, 4],
      filters: 24,
      kernelSize: 3,
      padding: 'same',
      useBias: false,
    } as never);
    const model = tf.sequential({ layers: [layer] });
    prune.l1Unstructured(layer, 'weight', 0.9);
    const sizes = [
      [1, 9, 13],
      [3, 20, 7],
      [2, 9, 13],
      [1, 1, 1],
    ] as const;
    // Adding 0 makes +0 of −0, which a sum that skips zeros may have in its place.
    const run = (): Float32Array[] =>
      sizes.map((size) =>
        tf.tidy(() =>
          (model.predict(tf.randomNormal([...size, 4], 0, 1, 'float32', 5)) as tf.Tensor)
            .add(0)
            .dataSync<'float32'>(),
        ),
      );
    const dense = run();
    const acceleration = await accelerate(model);
    expect([...run(), ...run()]).toEqual([...dense, ...dense]);
    acceleration.dispose();
    model.dispose();
  });

  it('says for each weight what was decided, and why', async () => {
    const model = sparseModel();
    prune.revert(model.getLayer('fc'), 'weight');
    const acceleration = await accelerate(model);
    expect(acceleration.layers).toMatchObject([
      { layer: 'conv', className: 'Conv2D', name: 'kernel', size: 2304, runs: 'values' },
      { layer: 'pointwise', className: 'Conv2D', name: 'kernel', size: 2048, runs: 'values' },
      {
        layer: 'fc',
        className: 'Dense',
        name: 'kernel',
        size: 230400,
        runs: 'dense',
        bytes: 0,
        nonzeros: 230400,
      },
    ]);
    const [conv] = acceleration.layers;
    expect(conv!.nonzeros).toBe(2304 - prune.sparsity(model.getLayer('conv'), 'weight').zeros);
    expect(conv!.bytes).toBe(8 * conv!.nonzeros + 4 * 32);
    expect(acceleration.bytes).toBe(acceleration.layers.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(acceleration.layers[2]!.reason).toMatch(/0\.0 % zeros/);
    acceleration.dispose();
    model.dispose();
  });

  it('says of a layer without a sparse kernel that there is none', async () => {
    const model = tf.sequential({
      layers: [tf.layers.depthwiseConv2d({ inputShape: [8, 8, 4], kernelSize: 3, name: 'dw' })],
    });
    const acceleration = await accelerate(model);
    expect(acceleration.layers).toMatchObject([
      { layer: 'dw', runs: 'dense', reason: expect.stringContaining('DepthwiseConv2D') },
    ]);
    acceleration.dispose();
    model.dispose();
  });

  it('says of weights that are all zero that there is nothing to multiply', async () => {
    const layer = tf.layers.dense({ inputShape: [512], units: 256, kernelInitializer: 'zeros' });
    const model = tf.sequential({ layers: [layer] });
    const acceleration = await accelerate(model);
    expect(acceleration.layers).toMatchObject([{ runs: 'blocks', nonzeros: 0 }]);
    expect(acceleration.layers[0]!.reason).toBe('100.0 % zeros, in blocks: there is nothing to multiply');
    acceleration.dispose();
    model.dispose();
  });

  it('computes right with weights that are set, pruned or trained afterwards', async () => {
    const model = sparseModel();
    const acceleration = await accelerate(model);
    const conv = model.getLayer('conv');
    prune.remove(conv, 'weight');
    conv.setWeights([tf.ones([3, 3, 8, 32]), tf.ones([32])]);
    prune.l1Unstructured(model.getLayer('pointwise'), 'weight', 0.5);
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' });
    const changed = outputOf(model);
    acceleration.dispose();
    expect(outputOf(model)).toEqual(changed);
    model.dispose();
  });

  it('runs beside another, and each is disposed alone', async () => {
    const [first, second] = [sparseModel(), sparseModel()];
    const dense = [outputOf(first), outputOf(second)];
    const accelerations = [await accelerate(first), await accelerate(second)];
    expect([outputOf(first), outputOf(second)]).toEqual(dense);
    accelerations[0]!.dispose();
    expect([outputOf(first), outputOf(second)]).toEqual(dense);
    accelerations[1]!.dispose();
    first.dispose();
    second.dispose();
  });

  it('survives that memory grows between two predictions', async () => {
    const model = sparseModel();
    const dense = outputOf(model);
    const acceleration = await accelerate(model);
    const before = activeHeap()!.buffer.byteLength;
    const large = tf.zeros([before / 4 + 1]);
    expect(activeHeap()!.buffer.byteLength).toBeGreaterThan(before);
    expect(outputOf(model)).toEqual(dense);
    large.dispose();
    acceleration.dispose();
    model.dispose();
  });
});

describe('measuring', () => {
  it('decides by what the layers took, and computes the same', async () => {
    const model = sparseModel();
    const dense = outputOf(model);
    const free = freeAddress(1 << 16);
    const acceleration = await accelerate(model, { measure: true });
    for (const { runs, reason, bytes } of acceleration.layers) {
      expect(reason).toMatch(/% zeros: took \d+\.\d+ ms packed, \d+\.\d+ ms dense/);
      const [packed, plain] = [...reason.matchAll(/([\d.]+) ms/g)].map(([, time]) => Number(time));
      // The times are rounded.
      if (runs === 'dense') expect(packed! + 0.02).toBeGreaterThan(0.97 * plain!);
      else expect(packed!).toBeLessThan(plain! + 0.02);
      expect(bytes > 0).toBe(runs !== 'dense');
    }
    expect(outputOf(model)).toEqual(dense);
    acceleration.dispose();
    expect(freeAddress(1 << 16)).toBe(free);
    model.dispose();
  });

  it('leaves layers whose input has no fixed size to what is expected', async () => {
    const layer = tf.layers.conv2d({
      inputShape: [null, null, 8],
      filters: 64,
      kernelSize: 3,
    } as never);
    const model = tf.sequential({ layers: [layer] });
    prune.l1Unstructured(layer, 'weight', 0.95);
    const acceleration = await accelerate(model, { measure: true });
    expect(acceleration.layers[0]!.reason).toContain('expected');
    acceleration.dispose();
    model.dispose();
  });
});

/** A layer of a user's own, whose input has to be positive. */
class OwnLayer extends tf.layers.Layer {
  static className = 'OwnLayer';
  private readonly type: 'float32' | 'int32';
  private matrix?: tf.LayerVariable;

  constructor(type: 'float32' | 'int32') {
    super({});
    this.type = type;
  }

  override build(): void {
    this.matrix = this.addWeight('kernel', [512, 512], this.type, tf.initializers.zeros());
    this.built = true;
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = [inputs].flat()[0]!;
    if (x.shape[0] !== null && x.min().dataSync()[0]! < 0) throw new Error('negative');
    return tf.matMul(x, (this.matrix!.read() as tf.Tensor).cast('float32'));
  }
}

describe("a layer of the user's own", () => {
  it.each([
    ['float32', 'blocks', /nothing to multiply/],
    ['int32', 'dense', /int32/],
  ] as const)('is not run for measuring; of %s it runs %s', async (type, runs, reason) => {
    const model = tf.sequential({
      layers: [tf.layers.inputLayer({ inputShape: [512] }), new OwnLayer(type)],
    });
    const acceleration = await accelerate(model, { measure: true });
    expect(acceleration.layers).toMatchObject([{ runs, reason: expect.stringMatching(reason) }]);
    acceleration.dispose();
    model.dispose();
  });
});

describe('memory', () => {
  it('of the backend is freed by dispose, whether the model is disposed before or after', async () => {
    for (const order of ['model first', 'acceleration first']) {
      const model = sparseModel();
      outputOf(model);
      const free = freeAddress(1 << 16);
      const acceleration = await accelerate(model);
      outputOf(model);
      if (order === 'model first') model.dispose();
      acceleration.dispose();
      acceleration.dispose();
      if (order === 'acceleration first') expect(freeAddress(1 << 16)).toBe(free);
      if (order === 'acceleration first') model.dispose();
    }
  });

  it('holds no more tensors', async () => {
    const model = sparseModel();
    await expectNoLeak(async () => {
      const acceleration = await accelerate(model);
      outputOf(model);
      acceleration.dispose();
    });
    model.dispose();
  });
});
