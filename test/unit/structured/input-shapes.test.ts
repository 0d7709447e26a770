/** Shapes that a model of open sizes cannot take. */
import * as tf from '@tensorflow/tfjs';
import { planChannels, planFromMasks, planLayers, summary } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

type Shapes = ReadonlyArray<readonly number[]>;

/** Three convolutions of 3×3, the middle one around which there is a block. */
function images(): tf.LayersModel {
  const conv = (name: string): tf.layers.Layer => tf.layers.conv2d({ name, filters: 4, kernelSize: 3 });
  const same = (name: string): tf.layers.Layer =>
    tf.layers.conv2d({ name, filters: 4, kernelSize: 3, padding: 'same' });
  const inputs = tf.input({ shape: [null, null, 2] });
  const x = call(conv('first'), inputs);
  const sum = call(tf.layers.add({ name: 'b.sum' }), [x, call(same('b.2'), call(same('b.1'), x))]);
  const outputs = call(tf.layers.globalAveragePooling2d({}), call(conv('last'), sum));
  return tf.model({ inputs, outputs });
}

/** Two inputs of open sizes, whose sum fits only where both are alike. */
function sum(): tf.LayersModel {
  const inputs = ['a', 'b'].map((name) => tf.input({ shape: [null, 3], name }));
  const [a, b] = inputs.map((x) => call(tf.layers.dense({ units: 3 }), x));
  const inner = call(tf.layers.dense({ units: 3 }), a!);
  return tf.model({ inputs, outputs: call(tf.layers.add({ name: 'sum' }), [inner, b!]) });
}

/** A recurrent layer after a convolution, which leaves no step of a short sequence. */
function sequence(): tf.LayersModel {
  const inputs = tf.input({ shape: [null, 3] });
  const x = call(tf.layers.conv1d({ name: 'conv', filters: 3, kernelSize: 3 }), inputs);
  return tf.model({ inputs, outputs: call(tf.layers.lstm({ units: 2 }), x) });
}

/** What a U-Net joins, which is of other sizes where an image's are odd. */
function joined(): tf.LayersModel {
  const inputs = tf.input({ shape: [null, null, 2] });
  const x = call(tf.layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }), inputs);
  const pooled = call(tf.layers.maxPooling2d({ poolSize: 2 }), x);
  const both = [x, call(tf.layers.upSampling2d({ size: [2, 2] }), pooled)];
  const y = call(tf.layers.concatenate({ name: 'join' }), both);
  return tf.model({ inputs, outputs: call(tf.layers.conv2d({ filters: 3, kernelSize: 1 }), y) });
}

function multiplied(): tf.LayersModel {
  const inputs = [tf.input({ shape: [null, 4] }), tf.input({ shape: [null, 4] })];
  const [a, b] = inputs.map((x) =>
    call(tf.layers.dense({ units: 5 }), call(tf.layers.dense({ units: 3 }), x)),
  );
  return tf.model({ inputs, outputs: call(tf.layers.dot({ name: 'dot', axes: 1 }), [a!, b!]) });
}

const WAYS: ReadonlyArray<readonly [string, (model: tf.LayersModel, inputShapes: Shapes) => unknown]> = [
  ['summary', async (model, inputShapes) => summary(model, { inputShapes })],
  ['planChannels', (model, inputShapes) => planChannels(model, { targetMacs: 0.5, inputShapes })],
  ['planChannels by time', (model, inputShapes) => planChannels(model, { targetLatencyMs: 1, inputShapes })],
  ['planLayers', (model, inputShapes) => planLayers(model, { count: 1, inputShapes })],
  ['planFromMasks', async (model, inputShapes) => planFromMasks(model, { inputShapes })],
];

it('sizes that fit are counted', () => {
  const [u, d] = [joined(), multiplied()];
  expect(summary(u, { inputShapes: [[4, 6, 2]] }).macs).toBe(24 * (2 * 4 * 9 + 8 * 3));
  expect(
    summary(d, {
      inputShapes: [
        [3, 4],
        [3, 4],
      ],
    }).macs,
  ).toBeGreaterThan(0);
});

describe.each(WAYS)('%s refuses', (_, plan) => {
  it.each([
    [
      'images that the first filter does not fit in',
      images,
      [[2, 2, 2]],
      "'first' would give the shape [1,0,0,4]",
    ],
    [
      'images that the last filter does not fit in',
      images,
      [[4, 9, 2]],
      "'last' would give the shape [1,0,5,4]",
    ],
    ['images of no size', images, [[0, 9, 2]], '[any,any,2]'],
    ['a shape that is none', images, [undefined], '[any,any,2]'],
    [
      'sizes that cannot be added',
      sum,
      [
        [2, 3],
        [5, 3],
      ],
      "'sum' cannot take [1,2,3], [1,5,3]",
    ],
    ['sizes that cannot be joined', joined, [[5, 5, 2]], "'join' cannot take [1,5,5,4], [1,4,4,4]"],
    [
      'sizes that cannot be multiplied',
      multiplied,
      [
        [3, 4],
        [5, 4],
      ],
      "'dot' cannot take [1,3,5], [1,5,5]",
    ],
    ['sizes that are not whole', images, [[3.5, 3, 2]], 'inputShapes has [3.5,3,2]'],
    ['a sequence of no steps', sequence, [[2, 3]], "'conv' would give the shape [1,0,3]"],
  ] as const)('%s', async (__, build, shapes, says) => {
    const model = build();
    // Only the images have a block.
    if (build !== images && plan === WAYS[3]![1]) return;
    const planned = (): Promise<unknown> =>
      expect(plan(model, shapes as unknown as Shapes)).rejects.toEqual(
        expect.objectContaining({
          name: 'PruneError',
          kind: 'shape',
          message: expect.stringContaining(says),
        }),
      ) as Promise<unknown>;
    await expectNoLeak(planned);
  });
});
