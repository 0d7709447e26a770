import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { type ResNet, type ResNetOptions, resnet18 } from 'tfjs-prune/models';
import { type StateDict, stateDict } from 'tfjs-prune/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoLeak } from '../../support/memory';

const inputShape = [32, 32, 3] as const;

let weights: StateDict;
beforeAll(async () => {
  await tf.setBackend('cpu');
  const model = await resnet18({ seed: 1, inputShape, numClasses: 10 });
  weights = stateDict(model);
  model.dispose();
});

const fcOf = (model: ResNet<'resnet18'>): Float32Array =>
  tf.tidy(() => prune.parameter(model.fc, 'weight').dataSync<'float32'>());

async function refusal(options: ResNetOptions): Promise<string> {
  return expectNoLeak(async () => {
    const error: unknown = await resnet18(options).catch((reason: unknown) => reason);
    if (!prune.isPruneError(error)) throw new Error('A PruneError was expected', { cause: error });
    return `${error.kind}: ${error.message}`;
  });
}

describe('numClasses', () => {
  it('keeps an fc that is for as many classes', async () => {
    const model = await resnet18({ weights, inputShape, numClasses: 10 });
    expect(fcOf(model)).toEqual(weights.get('fc.weight')!.data);
    expect(model.outputs[0]!.shape).toEqual([null, 10]);
    model.dispose();
  });

  it('takes weights that have no fc', async () => {
    const rest: StateDict = new Map([...weights].filter(([name]) => !name.startsWith('fc.')));
    const model = await resnet18({ weights: rest, inputShape, numClasses: 10, seed: 4 });
    const again = await resnet18({ weights: rest, inputShape, numClasses: 10, seed: 4 });
    expect(fcOf(again)).toEqual(fcOf(model));
    expect(fcOf(model)).not.toEqual(weights.get('fc.weight')!.data);
    expect(await refusal({ weights: rest, inputShape })).toMatch(
      /^parameter: .*2 missing: fc\.weight, fc\.bias/,
    );
    model.dispose();
    again.dispose();
  });

  it('draws nothing when the weights do not fit', async () => {
    const rest: StateDict = new Map([...weights].filter(([name]) => name !== 'layer1.0.conv1.weight'));
    prune.manualSeed(9);
    const next = prune.manualSeed(9).random();
    prune.manualSeed(9);
    expect(await refusal({ weights: rest, inputShape, numClasses: 3 })).toMatch(
      /^parameter: .*1 missing: layer1\.0\.conv1\.weight/,
    );
    const { defaultGenerator } = await import('tfjs-prune/masks');
    expect(defaultGenerator.random()).toBe(next);
  });

  it('is needed for other classes, and a seed only then', async () => {
    expect(await refusal({ weights, inputShape })).toMatch(
      /^shape: .*fc\.weight is \[10, 512\], not \[1000, 512\].* Say numClasses: 10 to load the fc as it is, or another/,
    );
    expect(await refusal({ weights, inputShape, numClasses: 10, seed: 0 })).toMatch(
      /^argument: The weights have an fc for 10 classes, which is loaded, so that nothing is left to draw with seed 0/,
    );
  });

  it('keeps what is pruned, besides an fc for other classes', async () => {
    const model = await resnet18({ weights, inputShape, numClasses: 10 });
    prune.l1Unstructured(model.layer2[0].conv1, 'weight', 0.5);
    prune.l1Unstructured(model.fc, 'weight', 0.5);
    const pruned = stateDict(model);
    const same = await resnet18({ weights: pruned, inputShape, numClasses: 10 });
    expect([prune.isPruned(same.layer2[0].conv1), prune.isPruned(same.fc)]).toEqual([true, true]);
    const other = await resnet18({ weights: pruned, inputShape, numClasses: 3 });
    expect([prune.isPruned(other.layer2[0].conv1), prune.isPruned(other.fc)]).toEqual([true, false]);
    for (const each of [model, same, other]) each.dispose();
  });
});

describe('includeTop: false', () => {
  let model: ResNet<'resnet18'>;
  beforeAll(async () => {
    model = await resnet18({ weights, inputShape, includeTop: false });
  });
  afterAll(() => model.dispose());

  it('leaves fc out, as an identity', () => {
    expect(model.outputs[0]!.shape).toEqual([null, 512]);
    expect(model.fc.name).toBe('fc');
    expect(model.fc.weights).toEqual([]);
    expect([...stateDict(model).keys()].some((name) => name.startsWith('fc'))).toBe(false);
  });

  it('trains as the start of another model', () => {
    const output = tf.layers.dense({ units: 2, name: 'own' }).apply(model.outputs[0]!) as tf.SymbolicTensor;
    const whole = tf.model({ inputs: model.inputs, outputs: output });
    expect(whole.outputs[0]!.shape).toEqual([null, 2]);
    whole.getLayer('own').dispose();
  });
});
