import { beforeAll, describe, expect, it } from 'vitest';
import { registerTrainingKernels } from '../../../src/training';
import { useBackend } from '../../support/backend';
import {
  type ConvCase,
  type ConvGradients,
  caseName,
  convCases,
  differencesOf,
  gradientsOf,
} from '../../support/conv-cases';
import { expectNoLeak } from '../../support/memory';

function expectSame(actual: ConvGradients, expected: ConvGradients): void {
  for (const name of ['x', 'filter'] as const) {
    // Where large terms cancel, float32 is exact to the size of the terms, not of the result.
    const atol = 1e-5 * expected[name].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(actual[name], name).toBeAllClose(expected[name], { rtol: 1e-4, atol });
  }
}

function compare(
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

const small = (c: ConvCase): boolean => c.x.reduce((product, n) => product * n) < 300;

compare(
  "gradients of conv2d on wasm are the cpu backend's",
  [...convCases(1, 3), ...convCases(8, 1, { largest: 1 })],
  (c) => gradientsOf(c),
  false,
);
compare(
  'gradients of conv2d on wasm are differences',
  convCases(2, 2).filter(small),
  (c) => differencesOf(c),
  false,
);
compare(
  'gradients of a dilated conv2d on wasm are differences',
  [
    ...convCases(3, 3, { dilations: [2, 2], largest: 4 }),
    ...convCases(4, 2, { dilations: [1, 2], largest: 4 }),
    ...convCases(5, 2, { dilations: [3, 2], largest: 3 }),
  ],
  (c) => differencesOf(c),
  false,
);
compare(
  "gradients of depthwiseConv2d on wasm are the cpu backend's",
  convCases(6, 2),
  (c) => gradientsOf(c, true),
  true,
);
compare(
  'gradients of depthwiseConv2d on wasm are differences',
  convCases(7, 1).filter(small),
  (c) => differencesOf(c, true),
  true,
);
