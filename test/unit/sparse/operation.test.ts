import { expect, it } from 'vitest';
import { convolutionOf } from '../../../src/sparse/operation';

const tensor = (shape: number[]) => ({ dataId: {}, shape, dtype: 'float32' as const });
const attrs = { strides: [1, 1], dilations: [1, 1], pad: 'valid' } as const;

// By TensorFlow's rules: 'same' gives as many pixels as there are, 'valid' as many as the kernel has places for.
it.each([
  [{ pad: 'valid' }, [7, 5]],
  [{ pad: 'same' }, [9, 7]],
  [{ pad: 1 }, [9, 7]],
  [{ strides: [2, 2] }, [4, 3]],
  [{ dilations: [2, 2] }, [5, 3]],
] as const)(
  'gives the sizes of one convolution after those of another with the same filter: %o',
  (change, size) => {
    const [x, filter] = [tensor([1, 9, 7, 2]), tensor([3, 3, 2, 4])];
    const sizesOf = (given: object): number[] => {
      // The kernel's attributes, as tfjs passes them.
      const all = { ...attrs, ...given } as unknown as Parameters<typeof convolutionOf>[0];
      const { outHeight, outWidth } = convolutionOf(all, x, filter);
      return [outHeight, outWidth];
    };
    expect(sizesOf({ pad: 2 })).toEqual([11, 9]);
    expect(sizesOf(change)).toEqual(size);
    expect(sizesOf({ pad: 2 })).toEqual([11, 9]);
  },
);
