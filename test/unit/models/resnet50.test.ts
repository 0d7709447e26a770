import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import {
  asResNet,
  type ResNet,
  type ResNetName,
  type ResNetOptions,
  resnet34,
  resnet50,
} from 'tfjs-prune/models';
import { loadStateDict, type StateDict, stateDict } from 'tfjs-prune/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerator } from '../../../src/masks/generator';
import { expectNoLeak } from '../../support/memory';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../parity/fixtures/pth/${name}`, import.meta.url));
const inputShape = [32, 32, 3] as const;

/** Compares a tensor of two state dicts; expect's own comparison takes seconds for a million numbers. */
function expectSameBits(actual: StateDict, expected: StateDict, name: string): void {
  const [a, b] = [actual.get(name)!.data, expected.get(name)!.data];
  expect(Buffer.compare(new Uint8Array(a.buffer), new Uint8Array(b.buffer)), name).toBe(0);
}

async function refusal(options: ResNetOptions): Promise<{ kind: string; message: string }> {
  return expectNoLeak(async () => {
    const error: unknown = await resnet50(options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!prune.isPruneError(error)) throw new Error('A PruneError was expected', { cause: error });
    return { kind: error.kind, message: error.message };
  });
}

describe('resnet50', () => {
  let before: number;
  let model: ResNet;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    before = tf.memory().numTensors;
    model = await resnet50({ seed: 1, inputShape });
  });
  afterAll(() => {
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is a stock model that holds its weights and nothing else', () => {
    expect(model).toBeInstanceOf(tf.LayersModel);
    expect(model.inputs[0]!.shape).toEqual([null, 32, 32, 3]);
    expect(model.outputs[0]!.shape).toEqual([null, 1000]);
    expect(model.countParams() - 2 * 26_560).toBe(25_557_032);
    expect(tf.memory().numTensors - before).toBe(model.weights.length);
  });

  it("has torch's children", () => {
    expect(model.conv1.name).toBe('conv1');
    expect([model.layer1, model.layer2, model.layer3, model.layer4].map((stage) => stage.length)).toEqual([
      3, 4, 6, 3,
    ]);
    expect(model.layer3[4].conv2.name).toBe('layer3.4.conv2');
    expect(model.layer4[0].downsample.map((layer) => layer.name)).toEqual([
      'layer4.0.downsample.0',
      'layer4.0.downsample.1',
    ]);
    expect(model.layer4[1].downsample).toBeUndefined();
    expect(prune.parameters(model)).toHaveLength(54);
  });

  it('saves stock initialisers, and is a ResNet again once it is loaded', async () => {
    let saved: tf.io.ModelArtifacts | undefined;
    const results = { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } };
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return results;
      }),
    );
    expect(JSON.stringify(saved!.modelTopology)).toMatch(/"VarianceScaling"/);
    const loaded = asResNet(await tf.loadLayersModel(tf.io.fromMemory(saved!)));
    expect(loaded.layer2[0].downsample[0].name).toBe('layer2.0.downsample.0');
    const images = tf.randomUniform([1, ...inputShape], 0, 1, 'float32', 3);
    const outputs = [model, loaded].map((each) =>
      tf.tidy(() => (each.predict(images) as tf.Tensor).dataSync()),
    );
    expect(outputs[1]).toEqual(outputs[0]);
    images.dispose();
    loaded.dispose();
  });

  it('takes a state dict, and goes without num_batches_tracked', async () => {
    const state = stateDict(model);
    expect(state.size).toBe(320);
    for (const name of [...state.keys()].filter((key) => key.endsWith('num_batches_tracked')))
      state.delete(name);
    expect(state.size).toBe(267);
    const other = await resnet50({ weights: state, inputShape });
    expectSameBits(stateDict(other), state, 'layer4.2.conv3.weight');
    other.dispose();
  });

  it('draws from the default generator, as torch does, when it is given neither', async () => {
    prune.manualSeed(1);
    const other = await resnet50({ inputShape });
    const drawn = defaultGenerator.random();
    expectSameBits(stateDict(other), stateDict(model), 'fc.weight');
    expect(drawn).not.toBe(prune.manualSeed(1).random());
    other.dispose();
  });

  it('leaves nothing behind when the weights do not fit', async () => {
    expect(await refusal({ weights: fixture('plain.pth'), inputShape })).toMatchObject({
      kind: 'parameter',
      message: expect.stringMatching(
        /265 missing: conv1\.weight, .*, and 257 more\. 7 unexpected: conv\.weight, .* 2 of another shape: fc\.weight/,
      ),
    });
    const state = stateDict(model);
    state.set('fc.weight', { shape: [10, 2048], dtype: 'float32', data: new Float32Array(20_480) });
    expect(await refusal({ weights: state, inputShape })).toEqual({
      kind: 'shape',
      message: expect.stringMatching(/fc\.weight is \[10, 2048\], not \[1000, 2048\]/),
    });
  });

  it('fits only weights of every layer', () => {
    const state = stateDict(model);
    state.delete('layer1.2.bn3.running_var');
    expect(() => loadStateDict(model, state)).toThrow(/1 missing: layer1\.2\.bn3\.running_var/);
  });
});

describe('resnet50 refuses', () => {
  it.each([
    [[31, 224, 3]],
    [[224, 224]],
    [[224, 224, 1]],
    [[224.5, 224, 3]],
    [['224', 224, 3]],
    [224],
    [null],
  ])('the input shape %j', async (shape) => {
    const options: ResNetOptions = JSON.parse(JSON.stringify({ inputShape: shape }));
    const { kind, message } = await refusal(options);
    expect(kind).toBe('argument');
    expect(message).toMatch(
      /inputShape must be \[height, width, 3\] with whole sides of at least 32, but got/,
    );
  });

  it('seeds that are none', async () => {
    expect((await refusal({ seed: 0.5 })).kind).toBe('argument');
  });

  it.each<[ResNetOptions, RegExp]>([
    [{ seed: 0, weights: 'x.pth' }, /resnet50 takes either weights or a seed, but got seed 0 besides/],
    [{ seed: 0, weights: 'x.pth', includeTop: false }, /either weights or a seed/],
    [{ numClasses: 10, includeTop: false }, /either numClasses or includeTop: false, but got numClasses 10/],
    [{ pooling: 'avg' }, /pooling only with includeTop: false, but got pooling 'avg'/],
    [{ source: 'torchvision' }, /a source only with weights, but got source 'torchvision'/],
    [{ source: 'torchvision', weights: 'x.pth' }, /source says where to get pretrained weights/],
  ])('%j, which do not go together', async (options, message) => {
    expect(await refusal(options)).toEqual({ kind: 'argument', message: expect.stringMatching(message) });
  });

  it.each<[string, unknown, RegExp]>([
    ['numClasses', 0, /numClasses must be a whole number from 1 to 100000, but got 0/],
    ['numClasses', 1.5, /but got 1\.5/],
    ['numClasses', '10', /but got '10'/],
    ['numClasses', 100_001, /but got 100001/],
    ['includeTop', 0, /includeTop must be true or false, but got 0/],
    ['pooling', 'max', /pooling must be 'avg' or 'none', but got 'max'/],
    ['numclasses', 10, /There is no option 'numclasses'; there are: weights, source, numClasses/],
  ])('%s: %j', async (name, value, message) => {
    const includeTop = name === 'pooling' ? false : undefined;
    const options = { ...(includeTop === false && { includeTop }), [name]: value };
    expect(await refusal(options)).toEqual({ kind: 'argument', message: expect.stringMatching(message) });
  });

  it.each<[unknown, string]>([
    [5, '5'],
    [null, 'null'],
    [{}, '{}'],
    [[1], 'an array of 1'],
    [true, 'true'],
  ])('the weights %j', async (weights, given) => {
    const { kind, message } = await refusal({ weights } as ResNetOptions);
    expect(kind).toBe('argument');
    expect(message).toBe(
      "weights must be the name of pretrained weights, a file's path, address or bytes, or a state dict (a Map), " +
        `but got ${given}.`,
    );
  });

  it.each([null, 'IMAGENET1K_V2', 5])('options that are none: %j', async (options) => {
    const { kind, message } = await refusal(options as ResNetOptions);
    expect(kind).toBe('argument');
    expect(message).toMatch(/The options must be an object with weights, /);
  });

  it('files that are missing or broken', async () => {
    expect((await refusal({ weights: 'IMAGENET.pth' })).kind).toBe('file');
    expect((await refusal({ weights: new ArrayBuffer(100) })).kind).toBe('file');
  });
});

describe('asResNet', () => {
  const dense = (): tf.Sequential =>
    tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], name: 'fc' })] });

  it('names the layers that a model lacks', () => {
    const model = dense();
    expect(() => asResNet(model)).toThrow(
      /is not a resnet50: it has no layers named conv1, bn1, .*, and 98 more/,
    );
    expect(() => asResNet(model, 'resnet18')).toThrow(/is not a resnet18: it has no layers named conv1, bn1/);
    model.dispose();
  });

  it('gives each kind of ResNet its own children, and no model those of a smaller one', async () => {
    const model = await resnet34({ seed: 0, inputShape });
    expect(asResNet(model, 'resnet34')).toBe(model);
    expect(model.layer1[0].downsample).toBeUndefined();
    expect(model.layer2[0].downsample[0].name).toBe('layer2.0.downsample.0');
    expect(model.layer3[5].conv2.name).toBe('layer3.5.conv2');
    expect(Object.keys(model.layer4[2])).toEqual(['conv1', 'bn1', 'conv2', 'bn2']);
    expect(() => asResNet(model, 'resnet18')).toThrow(/is not a resnet18: it also has layer1\.2\.conv1, /);
    expect(() => asResNet(model, 'resnet50')).toThrow(/it has no layers named layer1\.0\.conv3/);
    model.dispose();
  });

  it('knows no other models', () => {
    const model = dense();
    // Untyped code may give any name.
    const name = 'toString' as ResNetName;
    expect(() => asResNet(model, name)).toThrow(/There is no ResNet 'toString'; there are: resnet18, /);
    model.dispose();
  });

  it.each([undefined, null, 'resnet18', {}])('refuses what is no model, such as %s', (given) => {
    // A caller without types.
    const call = (): unknown => asResNet(given as unknown as tf.LayersModel);
    expect(call).toThrow(/^asResNet takes a tf\.LayersModel, but got /);
  });
});
