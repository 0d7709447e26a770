import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as prune from '../../../../src';
import { optimizerState, registerTrainingKernels } from '../../../../src/training';
import { activeHeap } from '../../../../src/wasm/heap';
import { useBackend } from '../../../support/backend';
import { expectNoLeak } from '../../../support/memory';

const OPTIMIZERS: ReadonlyArray<readonly [name: string, make: () => tf.Optimizer]> = [
  ['SGD', () => tf.train.sgd(0.1)],
  ['momentum', () => tf.train.momentum(0.1, 0.9)],
  ['Nesterov momentum', () => tf.train.momentum(0.1, 0.9, true)],
  ['Adam', () => tf.train.adam(0.01, 0.8, 0.95, 1e-5)],
  ['Adam with its defaults', () => tf.train.adam(0.01)],
];

/** Whole vectors, some that are left over, both, and none. */
const SIZES = [1, 3, 4, 130, 4097, 0];

const random = (size: number, seed: number): tf.Tensor => tf.randomNormal([size], 0, 1, 'float32', seed);

/** The bits of all weights and of what the optimizer remembers after some steps with given gradients. */
function train(make: () => tf.Optimizer, as: 'list' | 'map'): Uint32Array[] {
  const optimizer = make();
  const variables = tf.tidy(() => SIZES.map((size, i) => tf.variable(random(size, i + 1))));
  for (let step = 0; step < 4; step++) {
    // One variable has no gradient in the second step.
    const list = variables.map(({ name, size }, i) => ({ name, tensor: random(size, 100 * (step + 1) + i) }));
    const given = list.filter((_, i) => step !== 1 || i !== 2);
    if (as === 'map')
      optimizer.applyGradients(Object.fromEntries(list.map(({ name, tensor }) => [name, tensor])));
    else
      optimizer.applyGradients(
        list.map((each) => (given.includes(each) ? each : { ...each, tensor: null as never })),
      );
    for (const { tensor } of list) tensor.dispose();
  }
  const state = optimizerState(optimizer);
  const values = [
    ...variables.map((each) => each.dataSync<'float32'>()),
    ...state.variables.map((each) => each.values),
  ];
  expect(optimizer.iterations).toBe(4);
  optimizer.dispose();
  // tfjs's momentum leaves its learning rate behind.
  tf.dispose([variables, Reflect.get(optimizer, 'c') ?? []]);
  return values.map((each) => new Uint32Array(Float32Array.from(each).buffer));
}

const stock = new Map<string, Uint32Array[]>();

beforeAll(async () => {
  await useBackend('wasm');
  for (const [name, make] of OPTIMIZERS) {
    for (const as of ['list', 'map'] as const) stock.set(`${name} ${as}`, train(make, as));
  }
  registerTrainingKernels();
});

describe('an optimizer on wasm', () => {
  for (const [name, make] of OPTIMIZERS) {
    for (const as of ['list', 'map'] as const) {
      it(`takes the steps of tfjs's own ${name} to the bit, gradients in a ${as}`, () => {
        const before = tf.engine().backend.numDataIds();
        expect(expectNoLeak(() => train(make, as))).toEqual(stock.get(`${name} ${as}`));
        expect(tf.engine().backend.numDataIds()).toBe(before);
      });
    }

    it(`leaves weights and moments of ${name} in their places, under new identities`, () => {
      const optimizer = make();
      const variable = tf.variable(tf.ones([100]));
      const step = (): void => void optimizer.minimize(() => variable.square().sum().asScalar());
      step();
      const held = [
        variable,
        ...Object.values(optimizer).flatMap((list) =>
          Array.isArray(list) ? list.map((each: { variable: tf.Variable }) => each.variable) : [],
        ),
      ];
      const identities = held.map(({ dataId }) => dataId);
      const addresses = identities.map((dataId) => activeHeap()?.addressOf(dataId));
      expectNoLeak(step);
      expect(held.map(({ dataId }) => activeHeap()?.addressOf(dataId))).toEqual(addresses);
      for (const [i, { dataId }] of held.entries()) expect(dataId).not.toBe(identities[i]);
      optimizer.dispose();
      variable.dispose();
    });
  }

  it('does not touch a copy of a weight that was taken before', () => {
    const optimizer = tf.train.momentum(0.1, 0.9);
    const variable = tf.variable(tf.ones([100]));
    const copy = variable.clone();
    expect(copy.dataId).toBe(variable.dataId);
    optimizer.minimize(() => variable.square().sum().asScalar());
    expect(copy.dataSync()).toEqual(new Float32Array(100).fill(1));
    expect(variable.dataSync()).toBeAllClose(new Float32Array(100).fill(0.8));
    tf.dispose([copy, variable]);
    optimizer.dispose();
  });

  it('takes the values of a weight for its gradient where they are the same data', () => {
    const variable = tf.variable(tf.ones([100]));
    const optimizer = tf.train.sgd(0.25);
    const gradient = variable.clone();
    optimizer.applyGradients([{ name: variable.name, tensor: gradient }]);
    expect(variable.dataSync()).toEqual(new Float32Array(100).fill(0.75));
    expect(gradient.dataSync()).toEqual(new Float32Array(100).fill(1));
    tf.dispose([gradient, variable]);
    optimizer.dispose();
  });

  it('keeps what is pruned at zero, also where the step would not', () => {
    const dense = tf.layers.dense({ inputShape: [64], units: 64, useBias: false });
    const model = tf.sequential({ layers: [dense] });
    prune.l1Unstructured(dense, 'kernel', 0.5);
    const [kernel] = dense.trainableWeights;
    const [variable] = [kernel!.read() as tf.Variable];
    const zeros = Array.from(variable.dataSync(), (value) => value === 0);
    const optimizer = tf.train.adam(0.1);
    const gradient = tf.ones([64, 64]);
    for (let step = 0; step < 3; step++) {
      const before = variable.dataSync().slice();
      expectNoLeak(
        () => optimizer.applyGradients([{ name: variable.name, tensor: gradient }]),
        step === 0 ? 2 : 0,
      );
      const after = variable.dataSync();
      expect(Array.from(after, (value) => value === 0)).toEqual(zeros);
      expect(zeros.every((isZero, i) => isZero || after[i]! < before[i]!)).toBe(true);
    }
    gradient.dispose();
    optimizer.dispose();
    model.dispose();
  });

  it('leaves to tfjs what is not float32, and other backends', async () => {
    const whole = tf.variable(tf.ones([4], 'int32'), true, undefined, 'int32');
    const gradients = [{ name: whole.name, tensor: tf.ones([4], 'int32') }];
    expect(() => tf.train.sgd(0.5).applyGradients(gradients)).toThrow(/dtype/);
    expect(whole.dataSync()).toEqual(new Int32Array(4).fill(1));
    await useBackend('cpu');
    const variable = tf.variable(tf.ones([4]));
    tf.train.momentum(0.5, 0.9).minimize(() => variable.sum().asScalar());
    expect(variable.dataSync()).toEqual(new Float32Array(4).fill(0.5));
    await useBackend('wasm');
    tf.dispose([whole, gradients[0]!.tensor, variable]);
  });
});

describe('the memory of a network in training', () => {
  let model: tf.Sequential;
  beforeAll(() => {
    model = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [32, 32, 4], filters: 64, kernelSize: 3, padding: 'same' }),
        tf.layers.batchNormalization(),
        tf.layers.reLU(),
        tf.layers.conv2d({ filters: 128, kernelSize: 3, strides: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 64, activation: 'relu' }),
        tf.layers.dense({ units: 10 }),
      ],
    });
  });
  afterAll(() => model.dispose());

  for (const [name, make] of OPTIMIZERS) {
    it(`is the same after 30 steps of ${name} as after 2`, () => {
      const optimizer = make();
      const images = random(4 * 32 * 32 * 4, 1).reshape([4, 32, 32, 4]);
      const loss = (): tf.Scalar => (model.apply(images, { training: true }) as tf.Tensor).square().mean();
      const memory = (): unknown => [
        tf.memory().numTensors,
        tf.memory().numDataBuffers,
        activeHeap()?.buffer.byteLength,
      ];
      const step = (): void => tf.tidy(() => void optimizer.minimize(loss));
      step();
      step();
      const early = memory();
      for (let steps = 2; steps < 30; steps++) step();
      expect(memory()).toEqual(early);
      optimizer.dispose();
      images.dispose();
    });
  }
});
