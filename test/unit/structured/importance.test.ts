import * as tf from '@tensorflow/tfjs';
import { Generator } from 'tfjs-prune/masks';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dependencyGraph } from '../../../src/structured/dependency-graph';
import { type ImportanceOptions, scoresOf } from '../../../src/structured/importance/importance';
import { planChannels } from '../../../src/structured/plan-channels';
import { useBackend } from '../../support/backend';
import { expectNoLeak } from '../../support/memory';
import { call, randomize, type Symbolic } from '../sparse/fold-models';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** Nested numbers of a weight: `[h][w][in][out]` or `[in][out]`. */
type Numbers = number[];

/** conv (4, 3×3) → bn → relu → flatten → dense (5) → out (2), over 3×3 images of 2 channels: one position is left. */
function net(): tf.LayersModel {
  return randomize(
    tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 4, kernelSize: 2, name: 'conv', inputShape: [3, 3, 2] }),
        tf.layers.batchNormalization({ name: 'bn' }),
        tf.layers.reLU(),
        tf.layers.flatten(),
        tf.layers.dense({ units: 5, name: 'dense', activation: 'tanh' }),
        tf.layers.dense({ units: 2, name: 'out' }),
      ],
    }),
  );
}

const weightOf = (model: tf.LayersModel, layer: string, index = 0): Float32Array =>
  model.getLayer(layer).getWeights()[index]!.dataSync<'float32'>();

async function scoresBy(
  model: tf.LayersModel,
  options: ImportanceOptions,
): Promise<Map<string, Numbers | undefined>> {
  const graph = dependencyGraph(model);
  const scores = await scoresOf(model, graph, options);
  return new Map(graph.groups.map(({ id }, i) => [id, scores[i] && [...scores[i]]]));
}

/** What goes with a channel of `conv`: its kernel [2, 2, 2, 4], and the rows of `dense` [2 · 2 · 4, 5] that read it. */
function entriesOfConv(model: tf.LayersModel, channel: number): Numbers {
  const made = [...weightOf(model, 'conv')].filter((_, i) => i % 4 === channel);
  const read = [...weightOf(model, 'dense')].filter((_, i) => Math.floor(i / 5) % 4 === channel);
  return [...made, ...read];
}

function entriesOfDense(model: tf.LayersModel, unit: number): Numbers {
  const made = [...weightOf(model, 'dense')].filter((_, i) => i % 5 === unit);
  const read = [...weightOf(model, 'out')].filter((_, i) => Math.floor(i / 2) === unit);
  return [...made, ...read];
}

const count = (n: number): number[] => [...Array(n).keys()];
const sum = (values: Numbers): number => values.reduce((total, x) => total + x, 0);
const l1 = (values: Numbers): number => sum(values.map(Math.abs));
const l2 = (values: Numbers): number => Math.sqrt(sum(values.map((x) => x * x)));
const linf = (values: Numbers): number => Math.max(...values.map(Math.abs));

describe('importance', () => {
  it.each([['l1', l1] as const, ['l2', l2] as const, ['linf', linf] as const])(
    '%s is the norm of all kernels that go with a channel',
    async (importance, norm) => {
      const model = net();
      const scores = await expectNoLeak(() => scoresBy(model, { importance }));
      expect(scores.get('conv')).toBeAllClose(count(4).map((c) => norm(entriesOfConv(model, c))));
      expect(scores.get('dense')).toBeAllClose(count(5).map((c) => norm(entriesOfDense(model, c))));
    },
  );

  it('bnScale is |γ|, added up where several scale a channel, and ranks nothing else', async () => {
    const model = net();
    const scores = await expectNoLeak(() => scoresBy(model, { importance: 'bnScale' }));
    expect(scores.get('conv')).toBeAllClose([...weightOf(model, 'bn')].map(Math.abs));
    expect(scores.get('dense')).toBeUndefined();
    const { groups } = await planChannels(model, { ratio: 0.5, importance: 'bnScale' });
    expect(groups.map(({ remove }) => remove.length)).toEqual([2, 0, 0]);
    expect(groups[1]!.kept[0]!.reason).toContain('bnScale');
  });

  it('fpgm is the sum of distances to all other kernels of the layer', async () => {
    const model = net();
    const rows = (layer: string, out: number): Numbers[] =>
      count(out).map((n) => [...weightOf(model, layer)].filter((_, i) => i % out === n));
    const sums = (all: Numbers[]): Numbers =>
      all.map((a) => sum(all.map((b) => l2(a.map((x, i) => x - b[i]!)))));
    const scores = await expectNoLeak(() => scoresBy(model, { importance: 'fpgm' }));
    expect(scores.get('conv')).toBeAllClose(sums(rows('conv', 4)), { rtol: 1e-4 });
    expect(scores.get('dense')).toBeAllClose(sums(rows('dense', 5)), { rtol: 1e-4 });
  });

  it('fpgm compares all kernels of a layer of many, those of one part with those of another', async () => {
    const units = 300;
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.dense({ units, inputShape: [3], name: 'many' }),
          tf.layers.dense({ units: 1, name: 'out' }),
        ],
      }),
    );
    const kernel = weightOf(model, 'many');
    const expected = count(units).map((a) =>
      sum(count(units).map((b) => l2(count(3).map((i) => kernel[i * units + a]! - kernel[i * units + b]!)))),
    );
    const scores = await expectNoLeak(() => scoresBy(model, { importance: 'fpgm' }));
    expect(scores.get('many')).toBeAllClose(expected, { rtol: 1e-4 });
  });

  it('leaves a stateful layer what it remembers', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.lstm({ units: 3, stateful: true, batchInputShape: [2, 4, 2], name: 'lstm' }),
        tf.layers.dense({ units: 4, name: 'dense' }),
        tf.layers.dense({ units: 1, name: 'out' }),
      ],
    });
    randomize(model);
    const samples = tf.randomUniform([2, 4, 2], -1, 1, 'float32', 1);
    tf.dispose(model.predict(samples));
    const remembered = (): Numbers[] =>
      (model.layers[0] as unknown as { getStates(): tf.Tensor[] }) // as tfjs keeps it
        .getStates()
        .map((state) => [...state.dataSync()]);
    const before = remembered();
    expect(before.flat().some((value) => value !== 0)).toBe(true);
    await expectNoLeak(() => scoresBy(model, { importance: 'activation', samples }));
    expect(remembered()).toEqual(before);
    samples.dispose();
  });

  it('fpgm tells kernels apart that are alike, but far from zero', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [2], name: 'a' }), tf.layers.dense({ units: 1 })],
    });
    tf.tidy(() =>
      model
        .getLayer('a')
        .setWeights([tf.tensor([1000, 1000.25, 1001, 1000, 1000, 1000], [2, 3]), tf.zeros([3])]),
    );
    const scores = await scoresBy(model, { importance: 'fpgm' });
    expect(scores.get('a')!).toBeAllClose([1.25, 1, 1.75], { rtol: 1e-4 });
  });

  it('fpgm takes the gates of an LSTM as one kernel', async () => {
    const model = randomize(
      tf.sequential({
        layers: [
          tf.layers.lstm({ units: 3, inputShape: [2, 2], name: 'lstm' }),
          tf.layers.dense({ units: 1, name: 'out' }),
        ],
      }),
    );
    const columns = (index: number, unit: number): Numbers =>
      [...weightOf(model, 'lstm', index)].filter((_, i) => (i % 12) % 3 === unit);
    const distance = (index: number, a: number, b: number): number =>
      l2(columns(index, a).map((x, i) => x - columns(index, b)[i]!));
    const expected = count(3).map((a) =>
      sum(count(3).flatMap((b) => [distance(0, a, b), distance(1, a, b)])),
    );
    expect((await scoresBy(model, { importance: 'fpgm' })).get('lstm')).toBeAllClose(expected, {
      rtol: 1e-4,
    });
  });

  it('fpgm takes for zeros what a kernel has less than others, whose channels occur more often', async () => {
    const inputs = tf.input({ shape: [2] });
    const [a, b, c] = [2, 6, 2].map((units, i) =>
      call(tf.layers.dense({ units, useBias: false, name: 'abc'[i]! }), inputs),
    ) as [Symbolic, Symbolic, Symbolic];
    const wide = call(tf.layers.concatenate(), [a, a, c]);
    const outputs = call(tf.layers.dense({ units: 1 }), call(tf.layers.add(), [wide, b]));
    const model = randomize(tf.model({ inputs, outputs }));
    const columns = (layer: string, units: number, ...at: number[]): Numbers =>
      at.flatMap((n) => [...weightOf(model, layer)].filter((_, i) => i % units === n));
    const sums = (all: Numbers[]): Numbers =>
      all.map((one) => sum(all.map((other) => l2(count(4).map((i) => (one[i] ?? 0) - (other[i] ?? 0))))));
    const [a0, a1, c0, c1] = [[0, 2], [1, 3], [4], [5]].map((at) => columns('b', 6, ...at));
    const ofB = sums([a0!, a1!, c0!, c1!]);
    const ofA = sums([columns('a', 2, 0), columns('a', 2, 1)]);
    const ofC = sums([columns('c', 2, 0), columns('c', 2, 1)]);
    const scores = await scoresBy(model, { importance: 'fpgm' });
    const found = [...scores].find(([id]) => id === 'a')![1];
    expect(found!).toBeAllClose([ofB[0]! + ofA[0]!, ofB[1]! + ofA[1]!], { rtol: 1e-4 });
    const others = [...scores].find(([id]) => id === 'b' || id === 'c')![1];
    expect(others!).toBeAllClose([ofB[2]! + ofC[0]!, ofB[3]! + ofC[1]!], { rtol: 1e-4 });
  });

  it('lamp is the square over the sum of all squares that are no smaller', async () => {
    const model = net();
    const squares = count(4).map((c) => l2(entriesOfConv(model, c)) ** 2);
    const expected = squares.map((own) => own / sum(squares.filter((other) => other >= own)));
    const scores = await expectNoLeak(() => scoresBy(model, { importance: 'lamp' }));
    expect(scores.get('conv')).toBeAllClose(expected);
    expect(Math.max(...scores.get('dense')!)).toBeCloseTo(1, 12);
  });

  it('weights that are no numbers are refused, not ranked', async () => {
    const model = net();
    model.getLayer('dense').setWeights([tf.fill([16, 5], Number.NaN), tf.zeros([5])]);
    const refused = planChannels(model, { ratio: 0.5, importance: 'l2' });
    await expect(refused).rejects.toMatchObject({ kind: 'argument', given: Number.NaN });
  });

  it.each(['bnScale', 'activation', 'taylor'] as const)(
    '%s that is no number is refused',
    async (importance) => {
      const model = net();
      model.getLayer('bn').setWeights([tf.fill([4], Number.NaN), tf.zeros([4]), tf.zeros([4]), tf.ones([4])]);
      const samples = tf.ones([2, 3, 3, 2]);
      const loss = (): tf.Scalar => tf.mean(model.predict(samples) as tf.Tensor);
      const needed = { activation: { samples }, taylor: { loss }, bnScale: {} }[importance];
      const planned = expectNoLeak(() =>
        planChannels(model, { ratio: 0.5, importance, ...needed }).catch((error) => error),
      );
      expect(await planned).toMatchObject({ kind: 'argument', given: Number.NaN });
    },
  );

  it('random is drawn as torch draws doubles, from the seed', async () => {
    const model = net();
    const generator = new Generator(7);
    const expected = count(4).map(() => generator.u53());
    expect((await scoresBy(model, { importance: 'random', seed: 7 })).get('conv')).toEqual(expected);
  });

  it('taylor is what zeroing a channel would change to first order', async () => {
    const model = net();
    const x = tf.randomNormal([6, 3, 3, 2], 0, 1, 'float32', 3);
    const y = tf.randomNormal([6, 2], 0, 1, 'float32', 4);
    const loss = (): tf.Scalar => tf.losses.meanSquaredError(y, model.predict(x) as tf.Tensor);
    const scores = await expectNoLeak(() => scoresBy(model, { importance: 'taylor', loss }));
    // The derivative along the channel's own weights, by differences.
    const [kernel, bias] = model
      .getLayer('dense')
      .getWeights()
      .map((weight) => weight.clone());
    const lossAt = (unit: number, factor: number): number =>
      tf.tidy(() => {
        const scale = tf.tensor1d(count(5).map((n) => (n === unit ? factor : 1)));
        model.getLayer('dense').setWeights([kernel!.mul(scale), bias!.mul(scale)]);
        return loss().dataSync()[0]!;
      });
    const step = 1e-2;
    const slopes = count(5).map(
      (unit) => Math.abs(lossAt(unit, 1 + step) - lossAt(unit, 1 - step)) / (2 * step),
    );
    expect(scores.get('dense')).toBeAllClose(slopes, { rtol: 1e-2, atol: 1e-4 });
    const none = (): tf.Scalar => tf.zeros([2]) as unknown as tf.Scalar; // what a caller in JavaScript may give
    const refused = expectNoLeak(() => scoresBy(model, { importance: 'taylor', loss: none }).catch((e) => e));
    expect(await refused).toMatchObject({ kind: 'argument' });
  });

  it('activation is the mean of what kernels read', async () => {
    const model = net();
    // More samples than predict takes at a time.
    const samples = tf.randomNormal([40, 3, 3, 2], 0, 1, 'float32', 3);
    const scores = await expectNoLeak(() => scoresBy(model, { importance: 'activation', samples }));
    const at = (index: number): Numbers[] => {
      const probe = tf.model({
        inputs: model.inputs,
        outputs: model.layers[index]!.output as tf.SymbolicTensor,
      });
      const values = probe.predict(samples, { batchSize: 40 }) as tf.Tensor;
      const channels = values.shape.at(-1)!;
      const flat = [...values.dataSync()];
      return count(channels).map((c) => flat.filter((_, i) => i % channels === c));
    };
    const means = (values: Numbers[]): Numbers => values.map((each) => l1(each) / each.length);
    expect(scores.get('conv')).toBeAllClose(means(at(2)), { rtol: 1e-4 });
    expect(scores.get('dense')).toBeAllClose(means(at(4)), { rtol: 1e-4 });
    expect(model.layers.some((layer) => Object.hasOwn(layer, 'call'))).toBe(false);
  });

  it('adds up over layers that make the same channels', async () => {
    const inputs = tf.input({ shape: [3] });
    const [a, b] = ['a', 'b'].map((name) =>
      call(tf.layers.dense({ units: 4, name, useBias: false }), inputs),
    );
    const outputs = call(
      tf.layers.dense({ units: 1, name: 'out', useBias: false }),
      call(tf.layers.add(), [a!, b!]),
    );
    const model = randomize(tf.model({ inputs, outputs }));
    const entries = (c: number): Numbers => [
      ...['a', 'b'].flatMap((name) => [...weightOf(model, name)].filter((_, i) => i % 4 === c)),
      weightOf(model, 'out')[c]!,
    ];
    const scores = await scoresBy(model, { importance: 'l2' });
    expect(scores.get('a')).toBeAllClose(count(4).map((c) => l2(entries(c))));
  });
});
