import { beforeAll, describe, expect, it } from 'vitest';
import { registerTrainingKernels } from '../../src/training';
import { useBackend } from './backend';
import { type ConvCase, type ConvGradients, caseName, gradientsOf } from './conv-cases';
import { expectNoLeak } from './memory';

function expectSame(actual: ConvGradients, expected: ConvGradients): void {
  for (const name of ['x', 'filter'] as const) {
    // Where large terms cancel, float32 is exact to the size of the terms, not of the result.
    const atol = 1e-5 * expected[name].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(actual[name], name).toBeAllClose(expected[name], { rtol: 1e-4, atol });
  }
}

/**
 * Tests the gradients of convolutions on wasm against others.
 *
 * @param reference Gives what is expected, on the cpu backend.
 */
export function compare(
  title: string,
  cases: ConvCase[],
  reference: (c: ConvCase) => ConvGradients,
  depthwise: boolean,
): void {
  describe(title, () => {
    const expected: ConvGradients[] = [];

    beforeAll(async () => {
      await useBackend('cpu');
      for (const c of cases) expected.push(reference(c));
      await useBackend('wasm');
      registerTrainingKernels();
    });

    it.each(cases.map((c, index) => ({ c, index, name: caseName(c) })))('$name', ({ c, index }) => {
      const actual = expectNoLeak(() => gradientsOf(c, depthwise));
      expectSame(actual, expected[index] ?? { x: new Float32Array(), filter: new Float32Array() });
    });
  });
}
