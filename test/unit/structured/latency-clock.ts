/** A clock that only work moves on, so that times are exact. */
import * as tf from '@tensorflow/tfjs';
import { vi } from 'vitest';
import { expectNoLeak } from '../../support/memory';

/** Runs on a clock that goes on by input times output channels of every convolution, and by nothing else. */
export async function withClock<T>(body: () => Promise<T>): Promise<T> {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const kernels = ['Conv2D', 'FusedConv2D'].map((name) => tf.getKernel(name, 'cpu'));
  for (const kernel of kernels) {
    tf.unregisterKernel(kernel.kernelName, 'cpu');
    tf.registerKernel({
      ...kernel,
      kernelFunc: (call) => {
        const [, , channels, filters] = (call.inputs.filter as tf.Tensor).shape; // as tfjs names its weight
        now += channels! * filters!;
        return kernel.kernelFunc(call);
      },
    });
  }
  try {
    return await expectNoLeak(body);
  } finally {
    clock.mockRestore();
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, 'cpu');
      tf.registerKernel(kernel);
    }
  }
}
