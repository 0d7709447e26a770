import * as tf from '@tensorflow/tfjs';
import { accelerate } from 'tfjs-prune/sparse';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../support/backend';
import { values } from '../../support/sparse-compare';

beforeAll(() => useBackend('wasm'));
afterEach(() => tf.disposeVariables());

const FLOAT = { type: 'DT_FLOAT' };
const text = (value: string): { s: string } => ({ s: btoa(value) });
const ones = { list: { i: ['1', '1', '1', '1'] } };

/** What a graph computes of its input and its kernel, as TensorFlow's converter writes it. */
const OPERATIONS = {
  MatMul: { shape: [512, 256], attr: { T: FLOAT, transpose_a: { b: false }, transpose_b: { b: false } } },
  Conv2D: {
    shape: [1, 1, 512, 256],
    attr: {
      T: FLOAT,
      strides: ones,
      dilations: ones,
      padding: text('VALID'),
      data_format: text('NHWC'),
    },
  },
} as const;

/** A graph of one operation, whose kernel has nothing but zeros in its first row. */
function loadGraph(op: keyof typeof OPERATIONS): Promise<tf.GraphModel> {
  const { shape, attr } = OPERATIONS[op];
  const kernel = values(512 * 256, 0.05, 1).fill(0, 0, 256);
  return tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: {
        versions: { producer: 1 },
        node: [
          { name: 'x', op: 'Placeholder', attr: { dtype: FLOAT, shape: { shape: { unknownRank: true } } } },
          { name: 'kernel', op: 'Const', attr: { dtype: FLOAT } },
          { name: 'y', op, input: ['x', 'kernel'], attr },
        ],
      },
      weightSpecs: [{ name: 'kernel', shape: [...shape], dtype: 'float32' }],
      weightData: kernel.buffer,
    }),
  );
}

describe('a GraphModel whose kernel a layer has', () => {
  it.each([
    ['MatMul', [3, 512], () => tf.layers.dense({ units: 256, useBias: false })],
    ['Conv2D', [1, 3, 2, 512], () => tf.layers.conv2d({ filters: 256, kernelSize: 1, useBias: false })],
  ] as const)('runs sparse while that is accelerated: %s', async (op, shape, makeLayer) => {
    const graph = await loadGraph(op);
    const layer = makeLayer();
    layer.build([null, ...shape.slice(1)]);
    layer.setWeights([graph.weights.kernel![0]!]);
    // Times zero an infinite input is NaN, unless the zero is skipped.
    const [finite, infinite] = [1, Infinity].map((first) =>
      tf.tensor(
        values(
          shape.reduce<number>((a, b) => a * b, 1),
          1,
          2,
        ).fill(first, 0, 1),
        [...shape],
      ),
    );
    const outputOf = (x: tf.Tensor): Float32Array =>
      tf.tidy(() => (graph.predict(x) as tf.Tensor).add(0).dataSync<'float32'>());
    const dense = outputOf(finite!);
    expect(outputOf(infinite!).some(Number.isNaN)).toBe(true);

    const acceleration = await accelerate(layer);
    expect(outputOf(finite!)).toEqual(dense);
    expect(outputOf(infinite!)).toEqual(dense);
    acceleration.dispose();
    expect(outputOf(infinite!).some(Number.isNaN)).toBe(true);
    tf.dispose([finite!, infinite!]);
    graph.dispose();
  });
});
