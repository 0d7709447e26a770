import * as tf from '@tensorflow/tfjs';
import { registerTrainingKernels } from 'tfjs-prune/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBrowserBackend } from '../support/browser';
import { type ConvGradients, caseName, convCases, gradientsOf } from '../support/conv-cases';
import { expectNoLeak } from '../support/memory';

describe.each([
  { title: 'conv2d', depthwise: false },
  { title: 'depthwiseConv2d', depthwise: true },
])("in a browser, wasm's gradients of $title are the cpu backend's", ({ depthwise }) => {
  const cases = convCases(11, 1, { largest: 5 });
  const expected: ConvGradients[] = [];

  beforeAll(async () => {
    await tf.setBackend('cpu');
    for (const c of cases) expected.push(gradientsOf(c, depthwise));
    await useBrowserBackend('wasm');
    registerTrainingKernels();
  });

  it.each(cases.map((c, index) => ({ c, index, name: caseName(c) })))('$name', ({ c, index }) => {
    const actual = expectNoLeak(() => gradientsOf(c, depthwise));
    for (const name of ['x', 'filter'] as const) {
      const values = expected[index]?.[name] ?? new Float32Array();
      const atol = 1e-5 * values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(actual[name], name).toBeAllClose(values, { rtol: 1e-4, atol });
    }
  });
});
