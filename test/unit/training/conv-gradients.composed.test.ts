import { vi } from 'vitest';
import { convCases, differencesOf, gradientsOf } from '../../support/conv-cases';
import { compare } from '../../support/conv-compare';

// As in an engine without SIMD, or on a page whose policy forbids to compile.
vi.mock('../../../src/wasm/compile', () => ({ instantiateNow: () => undefined }));

compare(
  "gradients of conv2d without our kernels are the cpu backend's",
  [...convCases(1, 1), ...convCases(8, 1, { largest: 1 })],
  (c) => gradientsOf(c),
  false,
);
compare(
  'gradients of a dilated conv2d without our kernels are differences',
  convCases(3, 1, { dilations: [2, 2], largest: 4 }),
  (c) => differencesOf(c),
  false,
);
