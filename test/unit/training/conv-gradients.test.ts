import { type ConvCase, convCases, differencesOf, gradientsOf } from '../../support/conv-cases';
import { compare } from '../../support/conv-compare';

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
