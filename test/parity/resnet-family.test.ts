import { createHash } from 'node:crypto';
import type * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { type ResNet, resnet18 } from 'tfjs-prune/models';
import { type StateDict, stateDict, type TensorData } from 'tfjs-prune/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerator } from '../../src/masks/generator';
import { planResNet } from '../../src/models/resnet-plan';
import { useBackend } from '../support/backend';
import { expectNoLeak } from '../support/memory';
import fixture from './fixtures/resnet-family.json' with { type: 'json' };
import { decode, logitsOf, rangeOf } from './resnet-logits';
import { MODELS, modelNamed } from './resnet-models';
import { stateDigest, stateShapes } from './resnet-state';

const SIZE = '64x64';
const inputShape = [64, 64, 3] as const;

const sha256 = ({ data }: TensorData): string =>
  createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex');

beforeAll(() => useBackend('wasm'));

describe.each(fixture.models)('$name for $numClasses classes', ({ name, seed, numClasses, ...expected }) => {
  it('has torch’s weights, bit for bit, and moves the generator on as far as torch', async () => {
    await expectNoLeak(async () => {
      prune.manualSeed(seed);
      const model = await MODELS[modelNamed(name)]({
        inputShape,
        ...(numClasses === 1000 ? {} : { numClasses }),
      });
      expect(defaultGenerator.random() % 2 ** 31).toBe(expected.drawn);
      const state = stateDict(model);
      const names = [...stateShapes(planResNet(modelNamed(name), numClasses)).keys()];
      expect([state.size, names.length]).toEqual([expected.entries, expected.entries]);
      expect(stateDigest(state, names)).toBe(expected.sha256);
      model.dispose();
    });
  });
});

describe.each(fixture.features)('$name without its classifier', ({ name, seed, pooled, map }) => {
  it('gives torch’s features, pooled or where they are', async () => {
    const make = MODELS[modelNamed(name)];
    const channels = planResNet(modelNamed(name)).fc.in;
    const model = await make({ seed, inputShape, includeTop: false });
    expect(model.outputs[0]!.shape).toEqual([null, channels]);
    expect(model.fc.weights).toEqual([]);
    await expectOutput(model, decode(pooled));
    const weights = stateDict(model);
    model.dispose();
    const unpooled = await make({ weights, inputShape, includeTop: false, pooling: 'none' });
    expect(unpooled.outputs[0]!.shape).toEqual([null, 2, 2, channels]);
    await expectOutput(unpooled, decode(map));
    unpooled.dispose();
  });

  async function expectOutput(model: tf.LayersModel, expected: Float32Array): Promise<void> {
    const actual = await logitsOf(model, SIZE, fixture.inputSeed);
    expect(actual).toBeAllClose(expected, { rtol: 0, atol: 1e-4 * rangeOf(expected) });
  }
});

describe('fc for other classes than the weights have', () => {
  const { features, classes, seed, weight, bias } = fixture.head;
  let weights: StateDict;
  beforeAll(async () => {
    const model = await resnet18({ seed: 0, inputShape });
    weights = stateDict(model);
    model.dispose();
  });

  function expectFresh(model: ResNet<'resnet18'>): void {
    const fc = stateDict(model.fc);
    expect(fc.get('weight')!.shape).toEqual([classes, features]);
    expect([sha256(fc.get('weight')!), sha256(fc.get('bias')!)]).toEqual([weight, bias]);
  }

  it('is the Linear that torch makes after manual_seed', async () => {
    const model = await resnet18({ weights, inputShape, numClasses: classes, seed });
    expectFresh(model);
    for (const [name, tensor] of stateDict(model)) {
      if (!name.startsWith('fc.')) expect(sha256(tensor), name).toBe(sha256(weights.get(name)!));
    }
    model.dispose();
  });

  it('is drawn from the default generator without a seed', async () => {
    prune.manualSeed(seed);
    const model = await resnet18({ weights, inputShape, numClasses: classes });
    expectFresh(model);
    model.dispose();
  });
});
