import * as tf from '@tensorflow/tfjs';
import { optimizeForInference } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { call, expectEqualOutputs, outputsOf, randomize } from './fold-models';

beforeAll(() => useBackend('wasm'));
afterEach(() => tf.disposeVariables());

describe('padding becomes a part of a convolution', () => {
  type Margins = [[number, number], [number, number]];
  const cases: ReadonlyArray<
    readonly [what: string, size: number, margins: Margins, options: object, merged: boolean]
  > = [
    [
      'stride 1',
      8,
      [
        [1, 1],
        [1, 1],
      ],
      { kernelSize: 3 },
      true,
    ],
    [
      'an even kernel',
      8,
      [
        [0, 1],
        [0, 1],
      ],
      { kernelSize: 2 },
      true,
    ],
    [
      'an even kernel, padded before',
      8,
      [
        [1, 0],
        [0, 1],
      ],
      { kernelSize: 2 },
      false,
    ],
    [
      'stride 2 and an odd size',
      9,
      [
        [1, 1],
        [1, 1],
      ],
      { kernelSize: 3, strides: 2 },
      true,
    ],
    [
      'stride 2 and an even size',
      8,
      [
        [1, 1],
        [1, 1],
      ],
      { kernelSize: 3, strides: 2 },
      false,
    ],
    [
      'stride 2, padded after',
      8,
      [
        [0, 1],
        [0, 1],
      ],
      { kernelSize: 3, strides: 2 },
      true,
    ],
    [
      'more than needed',
      8,
      [
        [2, 2],
        [2, 2],
      ],
      { kernelSize: 3 },
      false,
    ],
    [
      'strides that leave out pixels',
      7,
      [
        [0, 1],
        [0, 1],
      ],
      { kernelSize: 2, strides: 3 },
      false,
    ],
    [
      'dilation',
      8,
      [
        [1, 1],
        [1, 1],
      ],
      { kernelSize: 3, dilationRate: 2 },
      false,
    ],
    [
      'a convolution that pads too',
      8,
      [
        [1, 1],
        [1, 1],
      ],
      { kernelSize: 3, padding: 'same' },
      false,
    ],
  ];

  it.each(cases)('where that is what same means: %s', async (_, size, padding, options, merged) => {
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.inputLayer({ inputShape: [size, size, 3] }),
          tf.layers.zeroPadding2d({ padding }),
          tf.layers.conv2d({ filters: 4, kernelSize: 1, ...options }),
        ],
      }),
    );
    const { model: fast, removed, handle } = await optimizeForInference(model);
    expect(removed.map(({ className }) => className)).toEqual(merged ? ['ZeroPadding2D'] : []);
    expect(fast.outputs[0]!.shape).toEqual(model.outputs[0]!.shape);
    expectEqualOutputs(outputsOf(fast), outputsOf(model));
    handle.dispose();
  });
});

it('padding stays where another model shows the layer a different size', async () => {
  const [odd, even] = [tf.input({ shape: [9, 9, 3] }), tf.input({ shape: [8, 8, 3] })];
  const padding = tf.layers.zeroPadding2d({ padding: 1 });
  call(padding, odd);
  const conv = tf.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2 });
  const model = randomize(tf.model({ inputs: even, outputs: call(conv, call(padding, even)) }));
  const { model: fast, removed, handle } = await optimizeForInference(model);
  expect(removed).toEqual([]);
  expectEqualOutputs(outputsOf(fast), outputsOf(model));
  handle.dispose();
});
