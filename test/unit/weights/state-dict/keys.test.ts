import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import {
  type LoadStateDictOptions,
  loadStateDict,
  readPth,
  type StateDict,
  stateDict,
} from 'tfjs-prune/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillWeights } from '../../../support/layers';
import { expectNoLeak } from '../../../support/memory';
import { expectRefused } from '../pth/refused';

const fixture = (name: string): string =>
  new URL(`../../../parity/fixtures/pth/${name}`, import.meta.url).pathname;

/** The fixtures' net, with the names that tfjs gives where one gives none. */
function namelessNet(): tf.LayersModel {
  const input = tf.input({ shape: [8, 7, 3] });
  const layers = [
    tf.layers.conv2d({ filters: 4, kernelSize: 3, name: 'conv2d_1' }),
    tf.layers.batchNormalization({ epsilon: 1e-5, name: 'batch_normalization_1' }),
    tf.layers.permute({ dims: [3, 1, 2] }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 2, name: 'dense_1' }),
  ];
  let x: tf.SymbolicTensor = input;
  for (const layer of layers) x = layer.apply(x) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: x });
}

const MODULES: Readonly<Record<string, string>> = {
  conv2d_1: 'conv',
  batch_normalization_1: 'bn',
  dense_1: 'fc',
};
const keys = (name: string): string => name.replace(/^\w+/, (layer) => MODULES[layer] ?? layer);

let model: tf.LayersModel;
beforeEach(async () => {
  await tf.setBackend('cpu');
  model = namelessNet();
});
afterEach(() => model.dispose());

describe('keys', () => {
  it("let a model of other names take torch's state dict, and give it back", async () => {
    const plain = await readPth(fixture('plain.pth'));
    expect(expectNoLeak(() => loadStateDict(model, plain, { keys }))).toEqual({
      missing: [],
      unexpected: [],
    });
    const state = expectNoLeak(() => stateDict(model, { keys }));
    expect([...state.keys()].sort()).toEqual([...plain.keys()].sort());
    plain.delete('bn.num_batches_tracked');
    for (const [name, tensor] of plain) expect(state.get(name), name).toEqual(tensor);
  });

  it('name a pruned parameter once, for its values and its mask', async () => {
    const pruned = await readPth(fixture('pruned.pth'));
    const seen: string[] = [];
    const noting = (name: string): string => {
      seen.push(name);
      return keys(name);
    };
    loadStateDict(model, pruned, { keys: noting });
    expect(seen).toContain('conv2d_1.weight');
    expect(seen.some((name) => /_orig$|_mask$/.test(name))).toBe(false);
    expect(prune.isPruned(model.getLayer('conv2d_1'))).toBe(true);
    const state = stateDict(model, { keys });
    for (const name of ['conv.weight_orig', 'conv.weight_mask'])
      expect(state.get(name)).toEqual(pruned.get(name));
  });

  it('may come from a table', () => {
    const table: Record<string, string> = { 'dense_1.weight': 'head.w' };
    fillWeights(model);
    const state = stateDict(model, { keys: (name) => table[name] ?? name });
    expect(state.get('head.w')).toEqual(stateDict(model).get('dense_1.weight'));
    expect(state.has('dense_1.bias')).toBe(true);
  });

  it("are the names that errors speak of, the dict's own", () => {
    const empty: StateDict = new Map();
    expectRefused(
      () => loadStateDict(model, empty, { keys }),
      /missing: conv\.weight, conv\.bias/,
      'parameter',
    );
    expect(loadStateDict(model, empty, { keys, strict: false }).missing).toContain('fc.bias');
  });

  it('must differ', () => {
    const same = (): string => 'w';
    expectRefused(
      () => stateDict(model, { keys: same }),
      /called 'w'. Let `keys` return names that differ/,
      'argument',
    );
    expectRefused(() => loadStateDict(model, new Map(), { keys: same }), /called 'w'/, 'argument');
  });

  it('must be text', () => {
    const table: Record<string, string> = {};
    const message = /for 'conv2d_1\.weight' it returned undefined/;
    // A table without an entry, in untyped code.
    const missing = (name: string): string => table[name] as string;
    expectRefused(() => stateDict(model, { keys: missing }), message, 'argument');
    expectRefused(() => loadStateDict(model, new Map(), { keys: missing }), message, 'argument');
  });

  it.each([null, 'fc', { dense_1: 'fc' }])('must come from a function, not from %j', (given) => {
    const options = { keys: given } as never as LoadStateDictOptions; // as untyped code may
    expectRefused(() => stateDict(model, options), /`keys` must be a function from/, 'argument');
    expectRefused(
      () => loadStateDict(model, new Map(), options),
      /`keys` must be a function from/,
      'argument',
    );
  });

  it.each([null, 5, 'keys'])('cannot be read from %j', (options) => {
    expectRefused(() => stateDict(model, options as never), /options must be \{ keys \}/, 'argument');
  });

  it('pass on what their function throws, and the model stays as it was', () => {
    fillWeights(model);
    const before = [...stateDict(model)];
    const failing = (): never => {
      throw new RangeError('mine');
    };
    expect(() => loadStateDict(model, stateDict(model), { keys: failing })).toThrow(new RangeError('mine'));
    expect([...stateDict(model)]).toEqual(before);
  });
});
