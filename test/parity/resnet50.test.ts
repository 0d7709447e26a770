import { createHash } from 'node:crypto';
import { type ResNet, resnet50 } from 'tfjs-prune/models';
import { type StateDict, stateDict } from 'tfjs-prune/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planResNet } from '../../src/models/resnet-plan';
import { type TestBackend, useBackend } from '../support/backend';
import fixture from './fixtures/resnet50.json' with { type: 'json' };
import { decode, logitsOf, rangeOf } from './resnet-logits';
import { stateShapes } from './resnet-state';

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

function digests(state: StateDict): Record<string, unknown> {
  return Object.fromEntries(
    [...state].map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, sha256: sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) },
    ]),
  );
}

interface Run {
  readonly backend: TestBackend;
  readonly size: string;
  readonly expected: Float32Array;
}

/** The cpu backend, which is slow, takes the middle one of the sizes. */
function runsOf(logits: Record<string, string>): Run[] {
  return Object.entries(logits).map(([size, values]) => ({
    backend: size === '64x64' ? 'cpu' : 'wasm',
    size,
    expected: decode(values),
  }));
}

describe('the plan of a ResNet', () => {
  it('lists ResNet50’s entries in torch’s order', () => {
    const expected = Object.entries(fixture.models[0]!.tensors).map(([name, { shape }]) => [name, shape]);
    expect([...stateShapes(planResNet('resnet50'))]).toEqual(expected);
  });
});

describe.each(fixture.models)('resnet50({ seed: $seed })', ({ seed, tensors, logits }) => {
  let model: ResNet;
  let state: StateDict;
  beforeAll(async () => {
    await useBackend('wasm');
    model = await resnet50({ seed });
    state = stateDict(model);
  });
  afterAll(() => model.dispose());

  it('has torch’s weights, bit for bit', () => {
    expect(digests(state)).toEqual(tensors);
  });

  it.each(runsOf(logits))(
    'gives torch’s logits on $backend at $size',
    async ({ backend, size, expected }) => {
      await useBackend(backend);
      const [height, width] = size.split('x').map(Number) as [number, number];
      // Only the first image is of the size that the model was made for.
      const own =
        size === '224x224' ? model : await resnet50({ weights: state, inputShape: [height, width, 3] });
      const actual = await logitsOf(own, size, fixture.inputSeed);
      expect(actual).toBeAllClose(expected, { rtol: 0, atol: 1e-4 * rangeOf(expected) });
      if (own !== model) own.dispose();
      await useBackend('wasm');
    },
  );
});
