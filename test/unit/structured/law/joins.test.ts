import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, randomize, release, type Symbolic } from '../../sparse/fold-models';
import { arbitraryPlan, expectLaw } from './law';
import { dense, halved, input, read, reasons } from './nets';

const L = tf.layers;

describe('half of the channels go where tensors meet', () => {
  beforeAll(() => useBackend('cpu'));

  for (const kind of ['add', 'multiply', 'average', 'maximum', 'minimum'] as const) {
    it(`in ${kind}: those of both together`, async () => {
      const x = input(3, 2);
      const { sizes, plan } = await halved(
        read(x, call(L[kind]({ name: 'it' }), [call(dense(4, 'a'), x), call(dense(4, 'b'), x)])),
      );
      expect(sizes('a', 'b', 'it')).toEqual([2, 2, 2]);
      expect(plan.groups[0]?.layers).toEqual(['a', 'b']);
    });
  }

  it('in a concatenation along the channels: those of each by itself, and none of an input', async () => {
    const x = input(3, 2);
    const both = [call(dense(4, 'a'), x), x, call(dense(6, 'b'), x)];
    const { sizes } = await halved(read(x, call(L.concatenate({ name: 'it' }), both)));
    expect(sizes('a', 'b', 'it')).toEqual([2, 3, 7]);
  });

  it('in a concatenation along another axis: those of both together', async () => {
    const [x, y] = [input(3, 2), input(5, 2)];
    const both = [call(dense(4, 'a'), x), call(dense(4, 'b'), y)];
    const { sizes } = await halved(read([x, y], call(L.concatenate({ axis: 1, name: 'it' }), both)));
    expect(sizes('a', 'b', 'it')).toEqual([2, 2, 2]);
  });

  it('in a concatenation with an input: a sum with it loses what it adds to the others, and no more', async () => {
    const x = input(3, 2);
    const both = call(L.concatenate(), [x, call(dense(4, 'a'), x)]);
    const sum = call(L.add({ name: 'it' }), [both, call(dense(6, 'b'), x)]);
    const { sizes, plan } = await halved(read(x, sum));
    expect(sizes('a', 'b', 'it')).toEqual([2, 4, 4]);
    expect(reasons(plan, 'b')).toContain('gets them from something that cannot shrink');
  });

  it('in squeeze and excite', async () => {
    const x = call(L.conv2d({ filters: 8, kernelSize: 1, name: 'a' }), input(3, 3, 2));
    const pooled = call(L.reshape({ targetShape: [1, 1, 8] }), call(L.globalAveragePooling2d({}), x));
    const squeezed = call(L.conv2d({ filters: 4, kernelSize: 1, name: 'squeeze' }), pooled);
    const excited = call(
      L.conv2d({ filters: 8, kernelSize: 1, activation: 'sigmoid', name: 'excite' }),
      squeezed,
    );
    const [start] = [x.inputs[0] as Symbolic];
    const { sizes } = await halved(read(start!, call(L.multiply({ name: 'it' }), [x, excited])));
    expect(sizes('a', 'squeeze', 'excite', 'it')).toEqual([4, 2, 4, 4]);
  });

  it('of a model with several inputs and outputs, but not what it gives', async () => {
    const [x, y] = [input(3), input(2)];
    const sum = call(L.add(), [call(dense(6, 'a'), x), call(dense(6, 'b'), y)]);
    const given = call(dense(4, 'given'), sum);
    const last = call(dense(2, 'last'), call(dense(8, 'hidden'), given));
    const { sizes, plan } = await halved(tf.model({ inputs: [x, y], outputs: [last, given] }));
    expect(sizes('a', 'b', 'given', 'hidden', 'last')).toEqual([3, 3, 4, 4, 2]);
    expect(reasons(plan, 'given')).toBe('the model gives them');
  });

  it('of a layer that is called on what two others make', async () => {
    const [x, y] = [input(3), input(2)];
    const shared = dense(6, 'shared');
    const towers = [call(shared, call(dense(4, 'a'), x)), call(shared, call(dense(4, 'b'), y))];
    const { sizes, plan } = await halved(read([x, y], call(L.concatenate({ name: 'it' }), towers)));
    expect(sizes('a', 'b', 'shared', 'it')).toEqual([2, 2, 3, 6]);
    expect(plan.groups[0]?.layers).toEqual(['a', 'b']);
  });

  it('of a layer without weights that is called on what two others make, which it counts', async () => {
    const x = input(3, 2);
    const shared = L.reshape({ targetShape: [1, 3, 4] });
    const towers = ['a', 'b'].map((name) => call(shared, call(dense(4, name), x)));
    const { sizes, plan } = await halved(read(x, call(L.concatenate({ name: 'it' }), towers)));
    expect(sizes('a', 'b', 'it')).toEqual([2, 2, 4]);
    expect(plan.groups[0]?.layers).toEqual(['a', 'b']);
  });

  it('but not what meets an input in a layer that is called on both, whichever comes first', async () => {
    for (const turn of [0, 1]) {
      const x = input(4);
      const shared = dense(6, 'shared');
      const both = [x, call(dense(4, 'a'), x)];
      const towers = (turn === 0 ? both : both.reverse()).map((each) => call(shared, each));
      const { sizes, plan } = await halved(read(x, call(L.concatenate(), towers)));
      expect(sizes('a', 'shared')).toEqual([4, 3]);
      expect(reasons(plan, 'a')).toContain("'shared'");
    }
  });

  it('of recurrent layers, with the states that one hands to the other', async () => {
    const [x, y] = [input(3, 2), input(4, 2)];
    const encoder = L.lstm({ units: 6, returnState: true, name: 'encoder' });
    const [, hidden, cell] = encoder.apply(x) as Symbolic[];
    const start = call(dense(6, 'start'), hidden!);
    const decoder = L.lstm({ units: 6, returnSequences: true, name: 'decoder' });
    const sequence = decoder.apply(y, { initialState: [start, cell!] }) as Symbolic;
    const { sizes, plan } = await halved(read([x, y], sequence));
    expect(sizes('decoder', 'start')).toEqual([3, 3]);
    expect([...plan.groups[0]!.layers].sort()).toEqual(['decoder', 'encoder', 'start']);
  });

  it('of a bidirectional layer that gives its states', async () => {
    const x = input(3, 2);
    const layer = L.gru({ units: 4, returnState: true }) as tf.RNN;
    const [both, forward, backward] = L.bidirectional({ layer, name: 'it' }).apply(x) as Symbolic[];
    const { sizes } = await halved(read(x, call(L.concatenate(), [both!, forward!, backward!])));
    expect(sizes('it')).toEqual([4]);
  });

  it('where a vector is added to each step of a sequence', async () => {
    const [x, y] = [input(3, 2), input(5)];
    const sum = call(L.add(), [call(dense(4, 'a'), x), call(dense(4, 'b'), y)]);
    const { sizes, plan } = await halved(read([x, y], call(L.gru({ units: 4, name: 'reader' }), sum)));
    expect(sizes('a', 'b', 'reader')).toEqual([2, 2, 2]);
    expect(plan.groups[0]!.layers).toEqual(['a', 'b']);
  });

  it('of an Embedding', async () => {
    const tokens = tf.layers.embedding({ inputDim: 9, outputDim: 4, name: 'it' });
    const x = input(5);
    const model = read(x, call(L.simpleRNN({ units: 4, name: 'reader' }), call(tokens, x)));
    randomize(model);
    const inputs = [tf.tensor2d([0, 1, 2, 3, 4, 8, 7, 6, 5, 4], [2, 5])];
    const slim = await expectLaw(model, await arbitraryPlan(model, 0.5), inputs);
    expect(tokens.getWeights()[0]?.shape).toEqual([9, 4]);
    expect(slim.getLayer('it').getWeights()[0]?.shape).toEqual([9, 2]);
    for (const each of [model, slim]) release(each);
    tf.dispose(inputs);
  });

  it('through a SeparableConv2D that multiplies them', async () => {
    const x = input(3, 3, 2);
    const separable = L.separableConv2d({ filters: 4, kernelSize: 2, depthMultiplier: 3, name: 'it' });
    // tfjs forgets the multiplier when it saves.
    const { sizes } = await halved(read(x, call(separable, call(dense(4, 'a'), x))), false);
    expect(sizes('a', 'it')).toEqual([2, 2]);
  });

  it('where the channels are first', async () => {
    const dataFormat = 'channelsFirst' as const;
    const x = input(2, 4, 4);
    const layers = [
      L.conv2d({ filters: 4, kernelSize: 2, dataFormat, name: 'a' }),
      L.depthwiseConv2d({ kernelSize: 1, depthMultiplier: 2, dataFormat }),
      L.zeroPadding2d({ padding: 1, dataFormat }),
      L.cropping2D({ cropping: 1, dataFormat }),
      L.upSampling2d({ dataFormat }),
      L.maxPooling2d({ poolSize: 2, dataFormat }),
      L.conv2d({ filters: 6, kernelSize: 1, dataFormat, name: 'b' }),
      L.flatten({ dataFormat, name: 'flat' }),
    ];
    const { sizes, plan } = await halved(
      read(
        x,
        layers.reduce((y, layer) => call(layer, y), x),
      ),
    );
    expect(plan.groups.map(({ id, remove }) => [id, remove.length])).toEqual([
      ['a', 2],
      ['b', 3],
      ['out', 0],
    ]);
    expect(sizes('flat')).toEqual([27]);
  });

  it('through a DepthwiseConv2D whose outputs are put into rows: each row with its channel', async () => {
    const x = input(1, 1, 2);
    const fours = call(L.depthwiseConv2d({ kernelSize: 1, depthMultiplier: 4 }), call(dense(4, 'a'), x));
    const rows = call(L.reshape({ targetShape: [4, 4], name: 'it' }), fours);
    const { sizes } = await halved(read(x, rows));
    expect(sizes('a', 'it')).toEqual([2, 4]);
  });

  it('through Permute and Reshape, also to a size that is left open', async () => {
    const x = input(2, 3, 2);
    const layers = [
      dense(4, 'a'),
      L.permute({ dims: [3, 1, 2], name: 'turned' }),
      L.reshape({ targetShape: [4, 6] }),
      L.permute({ dims: [2, 1] }),
      L.reshape({ targetShape: [-1, 4], name: 'open' }),
      L.globalMaxPooling1d(),
    ];
    const { sizes } = await halved(
      read(
        x,
        layers.reduce((y, layer) => call(layer, y), x),
      ),
    );
    expect(sizes('a', 'open')).toEqual([2, 2]);
  });

  it('within models, called twice and at each step of a sequence', async () => {
    const within = tf.sequential({
      name: 'within',
      layers: [L.dense({ units: 6, inputShape: [4], name: 'wide' }), dense(4, 'narrow')],
    });
    const steps = tf.sequential({
      name: 'steps',
      layers: [L.dense({ units: 8, inputShape: [4], name: 'inner' }), dense(4, 'last')],
    });
    const x = input(3, 2);
    const sequence = call(L.timeDistributed({ layer: steps, name: 'it' }), call(dense(4, 'a'), x));
    const vector = call(L.globalAveragePooling1d(), sequence);
    const { plan, sizes } = await halved(read(x, call(within, call(within, vector))));
    const removed = plan.groups.map(({ id, remove }) => [id, remove.length]);
    expect(removed).toEqual([
      ['a', 2],
      ['it/inner', 4],
      ['it/last', 2],
      ['within/wide', 3],
      ['out', 0],
    ]);
    expect(sizes('it', 'within')).toEqual([2, 2]);
    // a; three steps of inner and last; two calls of wide and narrow; out.
    expect(plan.macs!.before).toBe(3 * 8 + 3 * (32 + 32) + 2 * (24 + 24) + 8);
    expect(plan.macs!.after).toBe(3 * 4 + 3 * (8 + 8) + 2 * (6 + 6) + 4);
  });
});
