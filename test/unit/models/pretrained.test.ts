import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import {
  ResNet18_Weights,
  ResNet50_Weights,
  type ResNetOptions,
  resnet18,
  resnet50,
} from 'tfjs-prune/models';
import { type StateDict, stateDict } from 'tfjs-prune/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectNoLeak } from '../../support/memory';
import { folder, host } from '../weights/download/host';

const inputShape = [32, 32, 3] as const;

/** Weights by another writer than ours (https://github.com/huggingface/safetensors#format). */
function safetensors(state: StateDict): Buffer {
  const header: Record<string, object> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, shape, data }] of state) {
    if (dtype !== 'float32') continue;
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    at += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([size, json, ...parts]);
}

let state: StateDict;
let file: Buffer;
/** Named as torch names its files. */
let name: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  const model = await resnet18({ seed: 3, inputShape });
  state = stateDict(model);
  model.dispose();
  file = safetensors(state);
  name = `resnet18-${createHash('sha256').update(file).digest('hex').slice(0, 8)}.safetensors`;
});

/** A host that has one file under any path, and the paths that it was asked for. */
async function mirror(bytes: Buffer): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = [];
  const { url } = await host((response, request) => {
    paths.push(request.url ?? '');
    response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
  });
  return { url, paths };
}

async function expectLoaded(options: ResNetOptions): Promise<void> {
  await expectNoLeak(async () => {
    const model = await resnet18({ inputShape, ...options });
    const { data } = stateDict(model).get('layer4.1.conv2.weight')!;
    const expected = state.get('layer4.1.conv2.weight')!.data;
    expect(Buffer.compare(new Uint8Array(data.buffer), new Uint8Array(expected.buffer))).toBe(0);
    model.dispose();
  });
}

async function failure(make: () => Promise<unknown>): Promise<unknown> {
  return expectNoLeak(() =>
    make().then(
      () => expect.unreachable(),
      (reason: unknown) => reason,
    ),
  );
}

describe('pretrained weights', () => {
  it('come from a mirror’s file once, with progress, and then from the cache', async () => {
    const { url, paths } = await mirror(file);
    const cache = folder();
    const fractions: number[] = [];
    const source = `${url}/nets/${name}` as `http://${string}`;
    await expectLoaded({ weights: 'DEFAULT', source, cache, onProgress: (part) => fractions.push(part) });
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(readdirSync(cache)).toEqual([name]);
    expect(Buffer.compare(readFileSync(join(cache, name)), file)).toBe(0);
    await expectLoaded({ weights: ResNet18_Weights.IMAGENET1K_V1, source, cache });
    expect(paths).toEqual([`/nets/${name}`]);
  });

  it('of a mirror’s folder have torchvision’s name, and must have its hash', async () => {
    const { url, paths } = await mirror(file);
    const cache = folder();
    const source = `${url}/models/` as `http://${string}`;
    const error = await failure(() => resnet18({ weights: 'ResNet18_Weights.DEFAULT', source, cache }));
    expect(prune.isPruneError(error, 'integrity')).toBe(true);
    expect(paths[0]).toBe('/models/resnet18-f37072fd.pth');
    expect(readdirSync(cache)).toEqual([]);
  });

  it('that do not arrive are an error of the network', async () => {
    const { url } = await host((response) => response.writeHead(404).end());
    const options = { weights: 'DEFAULT', source: `${url}/` as `http://${string}`, cache: folder() };
    const error = await failure(() => resnet50(options));
    expect(prune.isPruneError(error, 'network')).toBe(true);
    expect(String(error)).toContain('resnet50-11ad3fa6.pth');
  });

  it('of another ResNet are refused, before anything is downloaded', async () => {
    const { url, paths } = await mirror(file);
    const source = `${url}/` as `http://${string}`;
    const weights = ResNet50_Weights.DEFAULT;
    const error = await failure(() => resnet18({ weights, source, cache: false }));
    expect(String(error)).toMatch(
      /resnet18 has no pretrained weights 'resnet50 IMAGENET1K_V2'; it has: ResNet18_Weights\.IMAGENET1K_V1/,
    );
    expect(paths).toEqual([]);
  });

  it('are not downloaded once the signal is aborted', async () => {
    const { url, paths } = await mirror(file);
    const source = `${url}/` as `http://${string}`;
    const signal = AbortSignal.abort();
    const error = await failure(() => resnet18({ weights: 'DEFAULT', source, cache: false, signal }));
    expect(error).toBe(signal.reason);
    expect(paths).toEqual([]);
  });
});

describe('what names no weights', () => {
  it.each(['default', 'imagenet1k_v1', 'imagenet', 'ResNet18_Weights.DEFUALT', 'IMAGENET1K'])(
    'is neither a file, such as %s, which says what there is',
    async (weights) => {
      const error = await failure(() => resnet18({ weights }));
      expect(prune.isPruneError(error, 'argument')).toBe(true);
      expect(String(error)).toContain(
        `resnet18 has no pretrained weights '${weights}', nor is there such a file; it has: ResNet18_Weights.IMAGENET1K_V1`,
      );
    },
  );

  it.each(['./default', 'default.pth', 'weights/default'])('but may be a path, as %s', async (weights) => {
    const error = await failure(() => resnet18({ weights }));
    expect(prune.isPruneError(error, 'file')).toBe(true);
    expect(String(error)).toContain(`Cannot read the file '${weights}'`);
  });

  it('is a member, not all of them', async () => {
    // A caller without types.
    const weights = ResNet18_Weights as unknown as StateDict;
    const error = await failure(() => resnet18({ weights }));
    expect(prune.isPruneError(error, 'argument')).toBe(true);
  });
});

it.each<[string, () => string | StateDict | Uint8Array]>([
  ['a state dict', () => state],
  ['bytes', () => new Uint8Array(file)],
  ['a file', () => 'mine.pth'],
])('a source is only of pretrained weights, not of %s', async (_, weights) => {
  const error = await failure(() => resnet18({ weights: weights(), inputShape, source: 'huggingface' }));
  expect(prune.isPruneError(error, 'argument')).toBe(true);
  expect(String(error)).toMatch(/source says where to get pretrained weights, such as 'DEFAULT', but/);
});

describe('weights with an address', () => {
  it('are downloaded, given as text or as a URL', async () => {
    const { url, paths } = await mirror(file);
    await expectLoaded({ weights: `${url}/mine.safetensors`, cache: false });
    await expectLoaded({ weights: new URL(`${url}/mine.safetensors?version=2`), cache: false });
    expect(paths).toEqual(['/mine.safetensors', '/mine.safetensors?version=2']);
  });

  it('leave nothing behind when they are for another ResNet', async () => {
    const { url } = await mirror(file);
    const error = await failure(() => resnet50({ inputShape, weights: `${url}/${name}`, cache: false }));
    expect(prune.isPruneError(error, 'parameter')).toBe(true);
  });
});
