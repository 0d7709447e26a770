import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { resnet18 } from 'tfjs-prune/models';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../../src/structured/apply-plan';
import { explain } from '../../../src/structured/explain';
import type { ChannelPlan } from '../../../src/structured/plan';
import { planChannels } from '../../../src/structured/plan-channels';
import { sealedChannels } from '../../../src/structured/plan-digest';
import { type MaskPlanOptions, planFromMasks } from '../../../src/structured/plan-from-masks';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, expectEqualOutputs, outputsOf, randomize, savedAndLoaded } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

function sequence(...layers: tf.layers.Layer[]): tf.LayersModel {
  return randomize(tf.sequential({ layers }));
}

const removedOf = ({ groups }: ChannelPlan): Record<string, readonly number[]> =>
  Object.fromEntries(groups.map(({ id, remove }) => [id, remove]));

/** Zeroes output channels of a layer's kernel as a mask of a user's own would. */
function zero(model: tf.LayersModel, name: string, channels: readonly number[], axis = -1): void {
  const layer = model.getLayer(name);
  tf.tidy(() => {
    const [kernel, ...others] = layer.getWeights();
    const at = (axis + kernel!.rank) % kernel!.rank;
    const size = kernel!.shape[at]!;
    const keep = tf.tensor1d([...Array(size).keys()].map((i) => (channels.includes(i) ? 0 : 1)));
    layer.setWeights([kernel!.mul(keep.reshape(kernel!.shape.map((n, i) => (i === at ? n : 1)))), ...others]);
  });
}

/** Plans, applies, and expects outputs that are equal. */
async function expectEqual(
  model: tf.LayersModel,
  removed: Record<string, readonly number[]>,
  isLoadable = true,
): Promise<ChannelPlan> {
  const plan = expectNoLeak(() => planFromMasks(model));
  expect(removedOf(plan)).toMatchObject(removed);
  const { model: slim } = applyPlan(model, JSON.parse(JSON.stringify(plan)));
  expectEqualOutputs(outputsOf(slim), outputsOf(model));
  if (isLoadable) expectEqualOutputs(outputsOf(await savedAndLoaded(slim)), outputsOf(model));
  for (const { layers, channels, remove } of plan.groups) {
    const layer = slim.layers.find(({ name }) => name === layers[0]);
    if (layer !== undefined && remove.length > 0)
      expect(layer.outputShape.at(-1)).toBe(channels - remove.length);
  }
  return plan;
}

describe('channels that lnStructured zeroed', () => {
  it('go, and what biases, normalisations and activations make of them goes on in the next bias', async () => {
    const model = sequence(
      L.conv2d({ filters: 8, kernelSize: 3, name: 'a', inputShape: [8, 8, 3] }),
      L.batchNormalization(),
      L.leakyReLU(),
      L.maxPooling2d({ poolSize: 2 }),
      L.conv2d({ filters: 6, kernelSize: 2, name: 'b', useBias: false, activation: 'tanh' }),
      L.batchNormalization(),
      L.prelu({ sharedAxes: [1, 2] }),
      L.flatten(),
      L.dense({ units: 5, name: 'c', activation: 'sigmoid' }),
      L.dense({ units: 2, name: 'd' }),
    );
    prune.lnStructured(model.getLayer('a'), 'weight', 3, 2, 'out');
    prune.lnStructured(model.getLayer('b'), 'weight', 2, 1, 'out');
    prune.randomStructured(model.getLayer('c'), 'weight', 2, 'out');
    const plan = await expectEqual(model, {});
    expect(plan.groups.map(({ remove }) => remove.length)).toEqual([3, 2, 2, 0]);
    expect(plan.shifts.map(({ layer }) => layer)).toEqual(['b', 'c', 'd']);
  });

  it('go through depthwise and separable convolutions without padding', async () => {
    const model = sequence(
      L.conv2d({ filters: 5, kernelSize: 1, name: 'a', inputShape: [8, 8, 2] }),
      L.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, activation: 'relu6' }),
      L.separableConv2d({ filters: 6, kernelSize: 3, depthMultiplier: 2, name: 'b', useBias: false }),
      L.globalAveragePooling2d({}),
      L.dense({ units: 2, name: 'c' }),
    );
    zero(model, 'a', [1, 3]);
    // The separable convolution has its depthwise kernel first.
    const [depth, point, ...rest] = model.getLayer('b').getWeights();
    tf.tidy(() =>
      model.getLayer('b').setWeights([depth!, point!.mul(tf.tensor1d([1, 1, 0, 1, 1, 0])), ...rest]),
    );
    // tfjs saves no depthMultiplier of a separable convolution, so it cannot load one of 2.
    await expectEqual(model, { a: [1, 3], b: [2, 5] }, false);
  });

  it('go from sums, products and concatenations where all parts are constant', async () => {
    const inputs = tf.input({ shape: [6, 6, 2] });
    const conv = (name: string): tf.SymbolicTensor =>
      call(L.conv2d({ filters: 4, kernelSize: 1, name }), inputs);
    const sum = call(L.add({ name: 'sum' }), [conv('a'), conv('b')]);
    const gated = call(L.multiply(), [sum, call(L.activation({ activation: 'sigmoid' }), conv('gate'))]);
    const both = call(L.concatenate(), [gated, call(L.maximum(), [conv('c'), conv('d')])]);
    const model = randomize(
      tf.model({ inputs, outputs: call(L.conv2d({ filters: 2, kernelSize: 3, name: 'out' }), both) }),
    );
    for (const name of ['a', 'b', 'gate']) zero(model, name, [0, 2]);
    zero(model, 'a', [3]);
    for (const name of ['c', 'd']) zero(model, name, [1]);
    const plan = await expectEqual(model, { a: [0, 2], c: [1] });
    expect(explain(plan)).toContain(
      "1 stay: 'a' has zeros for them, but 'sum' puts them together with what depends on the input",
    );
  });

  it('go where they are zero, whatever a gate makes of them', async () => {
    const inputs = tf.input({ shape: [5, 5, 2] });
    const x = call(L.conv2d({ filters: 4, kernelSize: 1, name: 'x', useBias: false }), inputs);
    const gate = call(
      L.dense({ units: 4, name: 'gate', activation: 'sigmoid' }),
      call(L.globalAveragePooling2d({}), x),
    );
    const scaled = call(L.multiply(), [x, call(L.reshape({ targetShape: [1, 1, 4] }), gate)]);
    const model = randomize(
      tf.model({ inputs, outputs: call(L.conv2d({ filters: 2, kernelSize: 3, name: 'out' }), scaled) }),
    );
    zero(model, 'x', [1, 2]);
    await expectEqual(model, { x: [1, 2] });
  });

  it('go from a shared model within and from an embedding', async () => {
    const [one, two] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
    const within = tf.sequential({
      name: 'within',
      layers: [L.dense({ units: 6, name: 'a', inputShape: [4] }), L.dense({ units: 5, name: 'b' })],
    });
    const both = call(L.concatenate(), [call(within, one), call(within, two)]);
    const model = randomize(
      tf.model({ inputs: [one, two], outputs: call(L.dense({ units: 2, name: 'out' }), both) }),
    );
    zero(within, 'a', [1, 4]);
    zero(within, 'b', [0]);
    await expectEqual(model, { 'within/a': [1, 4], 'within/b': [0] });
    const words = randomize(
      tf.sequential({
        layers: [
          L.embedding({ inputDim: 3, outputDim: 4, inputLength: 5, name: 'e' }),
          L.globalAveragePooling1d({}),
          L.dense({ units: 2 }),
        ],
      }),
    );
    zero(words, 'e', [2]);
    expect(removedOf(planFromMasks(words))).toMatchObject({ e: [2] });
  });

  it('stay where padding makes them inexact, unless told otherwise, and go where they are zero', async () => {
    const make = (bias: number): tf.LayersModel => {
      const model = sequence(
        L.conv2d({ filters: 4, kernelSize: 1, name: 'a', inputShape: [9, 9, 2], activation: 'relu' }),
        L.conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'b' }),
        L.conv2d({ filters: 2, kernelSize: 1, name: 'out' }),
      );
      zero(model, 'a', [0, 1]);
      const [kernel] = model.getLayer('a').getWeights();
      model.getLayer('a').setWeights([kernel!, tf.tensor1d([-1, bias, 1, 1])]);
      return model;
    };
    await expectEqual(make(-0.5), { a: [0, 1] });
    const model = make(0.5);
    const plan = await expectEqual(model, { a: [0] });
    expect(plan.groups[0]!.kept).toEqual([
      {
        channels: [1],
        reason: "'b' pads them, so that it does not read a constant at the borders",
      },
    ]);
    const inexact = planFromMasks(model, { inexact: true });
    expect(removedOf(inexact)).toMatchObject({ a: [0, 1] });
    expect(inexact.groups[0]!.reason).toMatch(/; not exact for channels 1: 'b' pads them/);
    const { model: slim } = applyPlan(model, inexact);
    const x = tf.randomNormal([1, 9, 9, 2], 0, 1, 'float32', 1);
    const inner = (each: tf.LayersModel): tf.Tensor =>
      (each.predict(x) as tf.Tensor).slice([0, 1, 1, 0], [1, 7, 7, 2]);
    expect(inner(slim)).toBeAllClose(inner(model), { rtol: 1e-4, atol: 1e-5 });
    for (const [pad, depthwise] of [
      [L.zeroPadding2d({ padding: 1, name: 'pads' }), L.depthwiseConv2d({ kernelSize: 3 })],
      [L.reLU(), L.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'pads' })],
    ] as const) {
      const padded = sequence(
        L.conv2d({ filters: 3, kernelSize: 1, name: 'a', inputShape: [6, 6, 2] }),
        pad,
        depthwise,
        L.conv2d({ filters: 2, kernelSize: 1, name: 'out' }),
      );
      zero(padded, 'a', [1]);
      const layer = padded.getLayer('a');
      layer.setWeights([layer.getWeights()[0]!, tf.tensor1d([1, 1, 1])]);
      expect(planFromMasks(padded).groups[0]).toMatchObject({
        remove: [],
        kept: [{ channels: [1], reason: expect.stringContaining("'pads' pads them") }],
      });
    }
  });
});

it('channels that nothing reads go, recurrent ones too', async () => {
  const model = sequence(
    L.lstm({ units: 4, returnSequences: true, name: 'a', inputShape: [3, 2] }),
    L.dense({ units: 5, name: 'b', activation: 'tanh' }),
    L.gru({ units: 3, name: 'c' }),
    L.dense({ units: 2, name: 'd' }),
  );
  prune.lnStructured(model.getLayer('d'), 'weight', 1, 2, 'in');
  zero(model, 'c', [1, 4], 0);
  zero(model, 'b', [2], 0);
  // Unit 2 of the LSTM is read by its own states too.
  const plan = await expectEqual(model, { a: [], b: [1, 4] });
  expect(plan.groups.find(({ id }) => id === 'c')!.remove).toEqual([]);
});

it('channels that a normalisation takes together stay, also those that nothing reads', async () => {
  const model = sequence(
    L.dense({ units: 5, name: 'a', inputShape: [2] }),
    L.layerNormalization({ name: 'mixes' }),
    L.dense({ units: 3, name: 'b' }),
    L.dense({ units: 2, name: 'c' }),
  );
  zero(model, 'a', [1]);
  zero(model, 'b', [3], 0);
  const plan = await expectEqual(model, { a: [] });
  expect(plan.groups[0]!.kept).toEqual([
    { channels: [0, 1, 2, 3, 4], reason: expect.stringContaining("'mixes' takes their mean") },
  ]);
});

it('one channel of each group stays, whatever is zero', async () => {
  const model = sequence(L.dense({ units: 3, name: 'a', inputShape: [2] }), L.dense({ units: 2, name: 'b' }));
  zero(model, 'a', [0, 1, 2]);
  const plan = await expectEqual(model, { a: [0, 1] });
  expect(plan.groups[0]!.kept).toEqual([
    { channels: [2], reason: expect.stringContaining('at least one stays') },
  ]);
});

it('a bias that is pruned takes over what it has to, masks of kernels are kept', async () => {
  const model = sequence(
    L.dense({ units: 4, name: 'a', inputShape: [2] }),
    L.dense({ units: 3, name: 'b' }),
    L.dense({ units: 2 }),
  );
  prune.lnStructured(model.getLayer('a'), 'weight', 2, 2, 'out');
  prune.l1Unstructured(model.getLayer('b'), 'bias', 1);
  prune.l1Unstructured(model.getLayer('b'), 'weight', 0.3);
  const plan = await expectEqual(model, {});
  const { model: slim } = applyPlan(model, plan);
  expect(prune.isPruned(slim.getLayer('b'))).toBe(true);
  expect(slim.getLayer('b').getWeights()[0]!.shape).toEqual([2, 3]);
});

it('a ResNet18 loses what lnStructured has zeroed', async () => {
  const model = await resnet18({ seed: 0, inputShape: [32, 32, 3], numClasses: 4 });
  for (const block of [...model.layer1, ...model.layer2, ...model.layer3, ...model.layer4]) {
    prune.lnStructured(block.conv1, 'weight', 0.5, 2, 'out');
  }
  const plan = planFromMasks(model);
  const { model: slim } = applyPlan(model, plan);
  expect(slim.layer4[1].conv1.getWeights()[0]!.shape).toEqual([3, 3, 512, 256]);
  expectEqualOutputs(outputsOf(slim), outputsOf(model));
});

it('a plan whose shifts do not fit is refused, and so are wrong options', () => {
  const model = sequence(L.dense({ units: 3, name: 'a', inputShape: [2] }), L.dense({ units: 2, name: 'b' }));
  zero(model, 'a', [1]);
  const plan = planFromMasks(model);
  expect(plan.shifts).toHaveLength(1);
  for (const shifts of [
    undefined,
    [{}],
    [{ ...plan.shifts[0]!, values: [1] }],
    [{ ...plan.shifts[0]!, bias: undefined }],
    [{ ...plan.shifts[0]!, bias: 'kernel' }],
    [{ ...plan.shifts[0]!, layer: 'nobody' }],
    [{ ...plan.shifts[0]!, values: [1, Number.NaN] }],
    [{ ...plan.shifts[0]!, weights: undefined }],
    [{ ...plan.shifts[0]!, weights: { 'a:kernel': 1 } }],
    [plan.shifts[0]!, plan.shifts[0]!],
  ]) {
    const damaged = sealedChannels({ ...plan, shifts } as unknown as ChannelPlan); // a plan may come out of a file
    expectNoLeak(() =>
      expect(() => applyPlan(model, damaged)).toThrow(expect.objectContaining({ kind: 'argument' })),
    );
  }
  for (const options of [{ inexact: 1 }, { exact: true }]) {
    // What a caller in JavaScript may give.
    expect(() => planFromMasks(model, options as MaskPlanOptions)).toThrow(
      expect.objectContaining({ kind: 'argument' }),
    );
  }
});

describe('a model none of whose channels can ever go is refused', () => {
  const refused = (model: tf.LayersModel, message: string): void => {
    const before = outputsOf(model);
    expectNoLeak(() =>
      expect(() => planFromMasks(model)).toThrow(expect.objectContaining({ kind: 'argument', message })),
    );
    expectEqualOutputs(outputsOf(model), before);
  };
  const nothing = (name: string, ...reasons: string[]): string =>
    `Nothing in '${name}' has channels that can go${reasons.length === 0 ? '' : ': '}${reasons.join('; ')}.`;
  const others = ' planLayers takes whole layers out of a model of several.';

  it('where a single layer gives the output, whatever is zero', () => {
    const model = sequence(L.dense({ units: 3, name: 'a', inputShape: [2] }));
    zero(model, 'a', [1]);
    refused(model, nothing(model.name, 'the model gives them') + others);
  });

  it('where none of its layers has channels', () => {
    const model = tf.sequential({ layers: [L.flatten({ inputShape: [2, 2] })] });
    refused(model, nothing(model.name) + others);
  });

  it('where all others are mixed, with what can remove them', () => {
    const layers = [L.dense({ units: 3, name: 'a', inputShape: [2] }), L.layerNormalization({ name: 'n' })];
    const model = sequence(...layers, L.dense({ units: 2 }));
    zero(model, 'a', [1]);
    const hint = ' planChannels with inexact: true removes those that a normalisation or a softmax mixes.';
    const mixed = "'n' takes their mean and variance, which all of its results depend on";
    refused(model, nothing(model.name, mixed, 'the model gives them') + hint + others);
  });

  it('with the same words as planChannels has', async () => {
    const model = sequence(L.dense({ units: 3, name: 'a', inputShape: [2] }));
    await expect(planChannels(model, { ratio: 0.5 })).rejects.toMatchObject({
      kind: 'argument',
      message: nothing(model.name, 'the model gives them') + others,
    });
  });
});
