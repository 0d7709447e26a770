import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { conv2d, read } from '../../support/layers';

// The cases of PyTorch's own tests about structured pruning; numbered as in the tests' documentation.

// biome-ignore format: one row a channel
const weight21 = [[[[1, 2], [1, 2.5]], [[0.5, 1], [0.1, 0.1]], [[-3, -5], [0.1, -1]]]];
const scores22 = [
  [
    [
      [10, 1],
      [10, 1],
    ],
    [
      [30, 3],
      [30, 3],
    ],
    [
      [-20, -2],
      [-20, -2],
    ],
  ],
];

describe('structured pruning of Conv2d(3, 1, 2)', () => {
  it('21. L2 along dim 1 drops channel 1, then L1 along dim −1 drops column 0', () => {
    const layer = conv2d(weight21);
    prune.lnStructured(layer, 'weight', 1, 2, 1);
    expect(read(layer, 'weight_mask')).toEqual([
      [
        [
          [1, 1],
          [1, 1],
        ],
        [
          [0, 0],
          [0, 0],
        ],
        [
          [1, 1],
          [1, 1],
        ],
      ],
    ]);
    prune.lnStructured(layer, 'weight', 1, 1, -1);
    expect(read(layer, 'weight_mask')).toEqual([
      [
        [
          [0, 1],
          [0, 1],
        ],
        [
          [0, 0],
          [0, 0],
        ],
        [
          [0, 1],
          [0, 1],
        ],
      ],
    ]);
  });

  it('22. with scores: channel 0, then column 1', () => {
    const layer = conv2d(weight21);
    const importanceScores = tf.tensor4d(scores22);
    prune.lnStructured(layer, 'weight', 1, 2, 1, { importanceScores });
    expect(read(layer, 'weight_mask')).toEqual([
      [
        [
          [0, 0],
          [0, 0],
        ],
        [
          [1, 1],
          [1, 1],
        ],
        [
          [1, 1],
          [1, 1],
        ],
      ],
    ]);
    prune.lnStructured(layer, 'weight', 1, 1, -1, { importanceScores });
    expect(read(layer, 'weight_mask')).toEqual([
      [
        [
          [0, 0],
          [0, 0],
        ],
        [
          [1, 0],
          [1, 0],
        ],
        [
          [1, 0],
          [1, 0],
        ],
      ],
    ]);
  });
});
