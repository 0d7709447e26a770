import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PruneError } from '../../../src/errors';
import { registerTrainingKernels } from '../../../src/training';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';

const KERNELS = [
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'UnsortedSegmentSum',
];

const REPLACED = [
  'Conv2DBackpropInput',
  'Conv2D',
  'FusedConv2D',
  'BatchMatMul',
  '_FusedMatMul',
  'FusedBatchNorm',
  'Sum',
  'Mean',
  'Identity',
  'Cast',
];

function unregister(): void {
  for (const name of KERNELS) if (tf.getKernel(name, 'wasm') !== undefined) tf.unregisterKernel(name, 'wasm');
}

describe('registerTrainingKernels', () => {
  it('says what to import when there is no wasm backend', () => {
    expect(tf.findBackendFactory('wasm')).toBeNull();
    expect(() => registerTrainingKernels()).toThrow(PruneError);
    expect(() => registerTrainingKernels()).toThrow(/'@tensorflow\/tfjs-backend-wasm'/);
    expect(tf.getKernel('Conv2DBackpropFilter', 'wasm')).toBeUndefined();
  });

  it('names what it added, once, whichever backend is active', async () => {
    await tf.setBackend('cpu');
    await import('@tensorflow/tfjs-backend-wasm');
    expect(registerTrainingKernels()).toEqual([...KERNELS, ...REPLACED]);
    expect(tf.getBackend()).toBe('cpu');
    const gradient = tf.getGradient('Conv2D');
    expect(registerTrainingKernels()).toEqual([]);
    expect(tf.getGradient('Conv2D')).toBe(gradient);
  });

  it('leaves a kernel alone that is there', () => {
    unregister();
    const kernelFunc = vi.fn();
    tf.registerKernel({ kernelName: 'Conv2DBackpropFilter', backendName: 'wasm', kernelFunc });
    expect(registerTrainingKernels()).toEqual(KERNELS.slice(1));
    expect(tf.getKernel('Conv2DBackpropFilter', 'wasm').kernelFunc).toBe(kernelFunc);
    unregister();
  });
});

describe('the kernels', () => {
  beforeAll(async () => {
    await useBackend('wasm');
    registerTrainingKernels();
    // tfjs then counts the buffers before and after every kernel.
    tf.env().set('IS_TEST', true);
  });
  afterAll(() => tf.env().set('IS_TEST', false));

  it('leave no buffer behind in the backend', () => {
    const x = tf.ones<tf.Rank.R4>([2, 9, 8, 3]);
    const filters = { conv: tf.ones<tf.Rank.R4>([3, 3, 3, 4]), pointwise: tf.ones<tf.Rank.R4>([1, 1, 3, 4]) };
    const before = tf.engine().backend.numDataIds();
    expectNoLeak(() =>
      tf.tidy(() => {
        tf.grads((x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 'same'))([
          x,
          filters.conv,
        ]);
        tf.grads((x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 1, 'NHWC', 1, 'floor'))(
          [x, filters.pointwise],
        );
        tf.grads((x, filter) => tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 'same'))([
          x,
          filters.conv,
        ]);
      }),
    );
    expect(tf.engine().backend.numDataIds()).toBe(before);
    tf.dispose([x, filters]);
  });

  it('refuse NCHW', () => {
    const inputs = { x: tf.ones([1, 2, 4, 4]), dy: tf.ones([1, 3, 4, 4]) };
    const attrs = { strides: 1, pad: 'same', dataFormat: 'NCHW', filterShape: [1, 1, 2, 3] };
    expect(() => tf.engine().runKernel('Conv2DBackpropFilter', inputs, attrs)).toThrow(/NHWC only/);
    tf.dispose(inputs);
  });

  it('leave an undilated gradient to tfjs, and refuse what tfjs refuses', () => {
    const x = tf.ones<tf.Rank.R4>([1, 2, 8, 8]);
    const filter = tf.ones<tf.Rank.R4>([3, 3, 2, 4]);
    const dilated = (x: tf.Tensor): tf.Tensor => tf.conv2d(x as tf.Tensor4D, filter, 1, 'same', 'NCHW', 2);
    expect(() => tf.grad(dilated)(x)).toThrow();
    tf.dispose([x, filter]);
  });
});

describe('dilated layers', () => {
  it.each([
    { activation: 'relu', trains: true },
    { activation: 'elu', trains: true },
    { activation: 'linear', trains: false },
  ] as const)('train a dilated $activation layer: $trains', async ({ activation, trains }) => {
    const conv = tf.layers.conv2d({
      inputShape: [8, 8, 2],
      filters: 3,
      kernelSize: 3,
      dilationRate: 2,
      activation,
    });
    const model = tf.sequential({ layers: [conv, tf.layers.flatten(), tf.layers.dense({ units: 1 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const data = { xs: tf.ones([2, 8, 8, 2]), ys: tf.ones([2, 1]) };
    const fit = model.fit(data.xs, data.ys, { verbose: 0 });
    if (trains) await fit;
    else await expect(fit).rejects.toThrow(/dilation rates greater than 1 are not yet supported/);
    tf.dispose(data);
    model.dispose();
  });
});
