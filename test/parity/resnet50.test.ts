import { createHash } from 'node:crypto';
import { type ResNet, resnet50 } from 'tfjs-prune/models';
import { type StateDict, stateDict } from 'tfjs-prune/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convsOf, planResNet, RESNET50, type ResNetPlan, weightShape } from '../../src/models/resnet-plan';
import { type TestBackend, useBackend } from '../support/backend';
import fixture from './fixtures/resnet50.json' with { type: 'json' };
import { decode, logitsOf, rangeOf } from './resnet-logits';

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

function digests(state: StateDict): Record<string, unknown> {
  return Object.fromEntries(
    [...state].map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, sha256: sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) },
    ]),
  );
}

/** The entries of a planned ResNet's state dict, in the order of the plan. */
function stateShapes(plan: ResNetPlan): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const conv of convsOf(plan)) {
    shapes.set(`${conv.name}.weight`, weightShape(conv));
    for (const name of ['weight', 'bias', 'running_mean', 'running_var'])
      shapes.set(`${conv.bn}.${name}`, [conv.out]);
    shapes.set(`${conv.bn}.num_batches_tracked`, []);
  }
  shapes.set(`${plan.fc.name}.weight`, [plan.fc.out, plan.fc.in]);
  shapes.set(`${plan.fc.name}.bias`, [plan.fc.out]);
  return shapes;
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
    expect([...stateShapes(planResNet(RESNET50))]).toEqual(expected);
  });

  it.each([
    ['resnet18', 'basic', [2, 2, 2, 2], 64],
    ['resnet34', 'basic', [3, 4, 6, 3], 64],
    ['resnet101', 'bottleneck', [3, 4, 23, 3], 64],
    ['resnet152', 'bottleneck', [3, 8, 36, 3], 64],
    ['wide_resnet50_2', 'bottleneck', [3, 4, 6, 3], 128],
  ] as const)('is right for %s too', (name, block, depths, width) => {
    const shapes = stateShapes(planResNet({ name, block, depths, width }));
    const lines = [...shapes].map(([key, shape]) => `${key} [${shape.join(', ')}]\n`).join('');
    const { sha256: expected, entries } = fixture.others.find((other) => other.name === name)!;
    expect([shapes.size, sha256(lines)]).toEqual([entries, expected]);
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
