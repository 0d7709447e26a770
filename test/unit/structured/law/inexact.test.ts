import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { applyPlan, type ChannelPlan, explain, planChannels, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, randomize, type Symbolic } from '../../sparse/fold-models';
import { arbitraryPlan, expectSame, expectSaved, expectTrainable, outputsFor, randomInputs } from './law';
import { dense, input, read, reasons } from './nets';

const L = tf.layers;

/** The weights of a model, of which only some channels are left. */
interface Left {
  /** A weight with what is left along its axes; all of them where no group is named. */
  readonly weight: (layer: string, i: number, ...groups: Array<string | undefined>) => tf.Tensor;
}

/** Takes by hand what a plan leaves. */
function leftBy(model: tf.LayersModel, plan: ChannelPlan): Left {
  const kept = (id: string): number[] => {
    const { channels, remove } = plan.groups.find((group) => group.id === id)!;
    return [...Array(channels).keys()].filter((n) => !remove.includes(n));
  };
  return {
    weight: (layer, i, ...groups) =>
      groups.reduce<tf.Tensor>(
        (values, id, axis) => (id === undefined ? values : tf.gather(values, kept(id), axis)),
        model.getLayer(layer).getWeights()[i]!,
      ),
  };
}

/** A dense layer on what is left: x · kernel + bias. */
function linear({ weight }: Left, layer: string, x: tf.Tensor, from?: string, to?: string): tf.Tensor {
  const kernel = weight(layer, 0, from, to);
  const flat = tf.reshape(x, [-1, kernel.shape[0]!]);
  const sums = tf.add(tf.matMul(flat, kernel as tf.Tensor2D), weight(layer, 1, to));
  return tf.reshape(sums, [...x.shape.slice(0, -1), kernel.shape[1]!]);
}

/** A layer normalisation over what is left of the last axis, with tfjs's default epsilon. */
function norm({ weight }: Left, layer: string, x: tf.Tensor, group: string): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3)));
  return tf.add(tf.mul(normal, weight(layer, 0, group)), weight(layer, 1, group));
}

/** A network, what it computes from the channels that are left, and the groups that something mixes. */
interface Net {
  readonly make: () => tf.LayersModel;
  readonly run: (left: Left, x: tf.Tensor) => tf.Tensor;
  readonly mixed: readonly string[];
  /** The layer that mixes them. */
  readonly by: string;
}

const layerNorm = (name: string) => L.layerNormalization({ name });

const mlp: Net = {
  make: () => {
    const x = input(4);
    let y = call(dense(10, 'embed'), x);
    const wide = call(
      L.activation({ activation: 'swish' }),
      call(dense(20, 'wide'), call(layerNorm('it'), y)),
    );
    y = call(L.add(), [y, call(dense(10, 'narrow'), wide)]);
    return tf.model({ inputs: x, outputs: call(dense(3, 'out'), call(layerNorm('last'), y)) });
  },
  run: (left, x) => {
    const y = linear(left, 'embed', x, undefined, 'embed');
    const wide = linear(left, 'wide', norm(left, 'it', y, 'embed'), 'embed', 'wide');
    const narrow = linear(left, 'narrow', tf.mul(wide, tf.sigmoid(wide)), 'wide', 'embed');
    return linear(left, 'out', norm(left, 'last', tf.add(y, narrow), 'embed'), 'embed');
  },
  mixed: ['embed'],
  by: 'it',
};

/** As Liu et al. 2022, "A ConvNet for the 2020s": depthwise 7×7, normalisation, four times as wide, and back. */
const convnext: Net = {
  make: () => {
    const x = input(8, 8, 3);
    const stem = call(L.conv2d({ filters: 10, kernelSize: 2, strides: 2, name: 'stem' }), x);
    const spatial = L.depthwiseConv2d({ kernelSize: 7, padding: 'same', name: 'spatial' });
    const wide = call(dense(40, 'wide'), call(layerNorm('it'), call(spatial, stem)));
    // tfjs knows it, its types do not.
    const active = call(L.activation({ activation: 'gelu' as 'relu' }), wide);
    const pooled = call(
      L.globalAveragePooling2d({}),
      call(L.add(), [stem, call(dense(10, 'narrow'), active)]),
    );
    return tf.model({ inputs: x, outputs: call(dense(3, 'out'), call(layerNorm('last'), pooled)) });
  },
  run: (left, x) => {
    const kernel = left.weight('stem', 0, undefined, undefined, undefined, 'stem') as tf.Tensor4D;
    const stem = tf.add(tf.conv2d(x as tf.Tensor4D, kernel, 2, 'valid'), left.weight('stem', 1, 'stem'));
    const taps = left.weight('spatial', 0, undefined, undefined, 'stem') as tf.Tensor4D;
    const spatial = tf.depthwiseConv2d(stem as tf.Tensor4D, taps, 1, 'same');
    const shifted = tf.add(spatial, left.weight('spatial', 1, 'stem'));
    const wide = linear(left, 'wide', norm(left, 'it', shifted, 'stem'), 'stem', 'wide');
    const gelu = tf.mul(tf.mul(wide, 0.5), tf.add(1, tf.erf(tf.div(wide, Math.SQRT2))));
    const pooled = tf.mean(tf.add(stem, linear(left, 'narrow', gelu, 'wide', 'stem')), [1, 2]);
    return linear(left, 'out', norm(left, 'last', pooled, 'stem'), 'stem');
  },
  mixed: ['stem'],
  by: 'it',
};

/** Channels weighed by a softmax over them. */
const attention = (softmax: (x: Symbolic) => Symbolic): Net => ({
  make: () => {
    const x = input(5, 4);
    const scores = softmax(x);
    const weighed = call(L.multiply(), [scores, call(dense(10, 'values'), x)]);
    return tf.model({ inputs: x, outputs: call(dense(3, 'out'), weighed) });
  },
  run: (left, x) => {
    const scores = linear(left, 'scores', x, undefined, 'scores');
    const values = linear(left, 'values', x, undefined, 'scores');
    return linear(left, 'out', tf.mul(tf.softmax(scores), values), 'scores');
  },
  mixed: ['scores'],
  by: 'it',
});

const scores = () => dense(10, 'scores');

const nets: Record<string, Net> = {
  'an MLP with LayerNormalization': mlp,
  'a block of a ConvNeXt': convnext,
  'attention with a Softmax layer': attention((x) =>
    call(L.softmax({ axis: -1, name: 'it' }), call(scores(), x)),
  ),
  'attention with an Activation': attention((x) =>
    call(L.activation({ activation: 'softmax', name: 'it' }), call(scores(), x)),
  ),
  'attention with an activation of its own': {
    ...attention((x) => call(L.dense({ units: 10, activation: 'softmax', name: 'scores' }), x)),
    by: 'scores',
  },
};

describe('channels that something mixes', () => {
  beforeAll(() => useBackend('cpu'));
  afterEach(() => tf.disposeVariables());

  for (const [kind, { make, run, mixed, by }] of Object.entries(nets)) {
    it(`stay in ${kind}, and the plan says how they can go`, async () => {
      const plan = await arbitraryPlan(make(), 0.5).catch((error: Error) => error.message);
      if (typeof plan === 'string') expect(plan).toContain('inexact: true');
      else {
        for (const id of mixed) {
          expect(plan.groups.find((group) => group.id === id)!.remove).toEqual([]);
          expect(reasons(plan, id)).toMatch(new RegExp(`'${by}' takes their .*; give inexact: true`));
        }
        expect(explain(plan)).not.toContain('not exact');
      }
    });

    for (const ratio of [0.3, 0.5]) {
      it(`go in ${kind} with inexact: true, and what is left computes the same of what is left: ${ratio}`, async () => {
        const model = randomize(make());
        const inputs = randomInputs(model);
        const plan = await arbitraryPlan(model, ratio, 0, { inexact: true });
        for (const { id, channels, remove, reason } of plan.groups) {
          expect(remove.length).toBe(id === 'out' ? 0 : ratio * channels);
          if (mixed.includes(id)) expect(reason).toContain(`not exact: `);
          else expect(reason).not.toContain('not exact');
        }
        expect(explain(plan)).toMatch(new RegExp(`not exact: .*'${by}' takes their`));
        const { model: slim } = applyPlan(model, plan);
        const expected = tf.tidy(() => run(leftBy(model, plan), inputs[0]!).dataSync<'float32'>());
        const outputs = outputsFor(slim, inputs);
        expectSame(outputs, [expected]);
        await expectSaved(slim, outputs, inputs);
        await expectTrainable(slim, inputs);
        tf.dispose(inputs);
      });
    }
  }

  it('go where a normalisation is over several axes, from each of its weights', async () => {
    const x = input(3, 2);
    const both = L.layerNormalization({ axis: [1, 2], name: 'it' });
    const model = randomize(read(x, call(both, call(dense(4, 'a'), x))));
    const plan = await arbitraryPlan(model, 0.5, 0, { inexact: true });
    const { model: slim } = applyPlan(model, plan);
    const [inputs, left] = [randomInputs(model), leftBy(model, plan)];
    const [gamma, beta] = both.getWeights().map((_, i) => left.weight('it', i, undefined, 'a'));
    const expected = tf.tidy(() => {
      const made = linear(left, 'a', inputs[0]!, undefined, 'a');
      const { mean, variance } = tf.moments(made, [1, 2], true);
      const normal = tf.div(tf.sub(made, mean), tf.sqrt(tf.add(variance, 1e-3)));
      const flat = tf.reshape(tf.add(tf.mul(normal, gamma!), beta!), [2, 6]);
      // Three steps of four channels, flattened: those of each step that are left.
      const kept = [0, 1, 2, 3].filter((n) => !plan.groups[0]!.remove.includes(n));
      const places = [0, 4, 8].flatMap((step) => kept.map((n) => step + n));
      const [kernel, bias] = model.getLayer('out').getWeights();
      const read = tf.gather(kernel!, places) as tf.Tensor2D;
      return tf.add(tf.matMul(flat as tf.Tensor2D, read), bias!).dataSync<'float32'>();
    });
    expectSame(outputsFor(slim, inputs), [expected]);
    tf.dispose(inputs);
  });

  it('stay where the model gives them', async () => {
    const x = input(4);
    const hidden = call(dense(6, 'free'), x);
    const model = tf.model({
      inputs: x,
      outputs: call(L.dense({ units: 4, activation: 'softmax', name: 'it' }), hidden),
    });
    const plan = await arbitraryPlan(model, 0.5, 0, { inexact: true });
    expect(plan.groups.map(({ id, remove }) => [id, remove.length])).toEqual([
      ['free', 3],
      ['it', 0],
    ]);
    expect(reasons(plan, 'it')).toBe('the model gives them');
  });

  it('stay where masks have zeroed them, since they still take part', () => {
    for (const inexact of [false, true]) {
      const model = randomize(mlp.make());
      prune.lnStructured(model.getLayer('embed'), 'weight', 0.5, 2, 'out');
      prune.lnStructured(model.getLayer('wide'), 'weight', 0.5, 2, 'out');
      const { groups } = planFromMasks(model, { inexact });
      expect(groups.map(({ id, remove }) => [id, remove.length])).toEqual([
        ['embed', 0],
        ['wide', 10],
        ['out', 0],
      ]);
    }
  });

  it('are said to be there where nothing else could go', async () => {
    const x = input(4);
    const model = read(x, call(layerNorm('it'), call(dense(6, 'a'), x)));
    await expect(planChannels(model, { ratio: 0.5 })).rejects.toThrow(/With inexact: true/);
    const alone = tf.sequential({ layers: [L.dense({ units: 2, inputShape: [3] })] });
    await expect(planChannels(alone, { ratio: 0.5 })).rejects.toThrow(
      /can go: the model gives them\. planLayers takes/,
    );
  });

  it('are not asked for by anything but true or false', async () => {
    // Not what the types allow.
    const inexact = 1 as unknown as boolean;
    const refused = planChannels(mlp.make(), { ratio: 0.5, inexact });
    await expect(refused).rejects.toThrow(/inexact must be true or false, but got 1/);
    await expect(refused).rejects.toMatchObject({ kind: 'argument' });
  });
});
