import * as tf from '@tensorflow/tfjs';
import { planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { randomize } from '../../sparse/fold-models';
import { expectGone, expectKept, modelOf, out, sequence, zeroIn, zeroRow } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;

describe('a unit of a recurrent layer without weights', () => {
  const inputShape = [5, 3];
  const kinds = { SimpleRNN: L.simpleRNN, GRU: L.gru, LSTM: L.lstm } as const;
  for (const [kind, make] of Object.entries(kinds)) {
    it(`of a ${kind} goes: its last state is the same for every input`, async () => {
      await expectGone(zeroRow(zeroIn(modelOf([make({ units: 4, name: 'a', inputShape }), out()]))), ['out']);
    });

    it(`of a ${kind} goes from all steps where they are read apart`, async () => {
      const layers = [make({ units: 4, name: 'a', inputShape, returnSequences: true }), L.flatten(), out()];
      await expectGone(zeroRow(zeroIn(modelOf(layers))), ['out']);
    });

    it(`of a ${kind} goes where their mean is read`, async () => {
      const layers = [
        make({ units: 4, name: 'a', inputShape, returnSequences: true }),
        L.globalAveragePooling1d(),
        out(),
      ];
      await expectGone(zeroRow(zeroIn(modelOf(layers))), ['out']);
    });

    it(`of a ${kind} stays where the others read it, which find zero at first`, () => {
      const model = zeroIn(modelOf([make({ units: 4, name: 'a', inputShape }), out()]));
      expectKept(model, "'a' reads its own states of them, which are not zero at all steps");
    });

    it(`of a ${kind} goes where the others read it, if it is zero`, async () => {
      const model = zeroIn(modelOf([make({ units: 4, name: 'a', inputShape, useBias: false }), out()]));
      await expectGone(model, []);
    });

    it(`of a ${kind} that begins where it ended stays if it may change`, () => {
      const layers = [
        make({ units: 4, name: 'a', batchInputShape: [2, ...inputShape], stateful: true }),
        out(),
      ];
      const model = zeroRow(zeroIn(modelOf(layers)));
      // That of a SimpleRNN does not depend on where it began.
      if (kind === 'SimpleRNN') expect(planFromMasks(model).groups[0]!.remove).toEqual([1]);
      else expectKept(model, "'a' has zeros for them, but 'a' begins with states that are not known");
    });
  }

  it('goes from each step of a SimpleRNN, whose states are alike', async () => {
    const layers = [L.simpleRNN({ units: 4, name: 'a', inputShape, returnSequences: true }), out()];
    await expectGone(zeroRow(zeroIn(modelOf(layers))), ['out']);
  });

  for (const [kind, make] of [
    ['GRU', L.gru],
    ['LSTM', L.lstm],
  ] as const) {
    it(`stays at each step of a ${kind}, whose states differ`, () => {
      const layers = [make({ units: 4, name: 'a', inputShape, returnSequences: true }), out()];
      const differ =
        "'out' reads them as values that differ from position to position, which no bias can take over";
      expectKept(zeroRow(zeroIn(modelOf(layers))), differ);
    });

    it(`stays where the number of steps of a ${kind} is open`, () => {
      const model = zeroRow(
        zeroIn(modelOf([make({ units: 4, name: 'a', inputShape: [null as unknown as number, 3] }), out()])),
      );
      const own = planFromMasks(model, { inputShapes: [[5, 3]] }).groups[0]!;
      expect(own.remove).toEqual([]);
      expect(own.kept[0]!.reason).toContain(
        "'a' changes them from step to step, and the number of steps is open",
      );
    });
  }

  it('stays where steps may be masked', () => {
    const embedding = L.embedding({ inputDim: 5, outputDim: 3, inputLength: 5, maskZero: true });
    const model = zeroRow(zeroIn(modelOf([embedding, L.lstm({ units: 4, name: 'a' }), out()])));
    const own = planFromMasks(model).groups.find(({ id }) => id === 'a')!;
    expect(own.kept[0]!.reason).toContain("'a' leaves out the steps that a mask says");
  });
});

describe('the reason of a channel that stays', () => {
  const reasonOf = (model: tf.LayersModel): string => {
    const own = planFromMasks(model).groups.find(({ id }) => id === 'a')!;
    expect(own.remove).toEqual([]);
    expect(own.kept.map(({ channels }) => channels)).toEqual([[1]]);
    return own.kept[0]!.reason;
  };

  it('names a layer through which it is not followed', () => {
    // tfjs runs none along that axis.
    const model = zeroIn(modelOf([sequence(), L.softmax({ axis: 1, name: 'soft' }), out()]));
    expect(reasonOf(model)).toBe(
      "'a' has zeros for them, but 'soft' is a Softmax, through which constants are not followed",
    );
  });

  it('names a normalisation that puts it together with what is not constant', () => {
    const input = tf.input({ shape: [5, 3] });
    const [a, b] = ['a', 'b'].map((name) => L.dense({ units: 4, name }).apply(input) as tf.SymbolicTensor);
    const steps = L.concatenate({ axis: 1 }).apply([a!, b!]) as tf.SymbolicTensor;
    const norm = L.layerNormalization({ axis: 1, name: 'norm' }).apply(steps) as tf.SymbolicTensor;
    const outputs = out().apply(norm) as tf.SymbolicTensor;
    expect(reasonOf(zeroIn(randomize(tf.model({ inputs: input, outputs }), 3)))).toBe(
      "'a' has zeros for them, but 'norm' puts them together with what depends on the input",
    );
  });

  it('names an activation through which it is not followed', () => {
    class Halved extends tf.serialization.Serializable {
      static readonly className = 'halved';
      getConfig = () => ({});
      apply = (x: tf.Tensor) => tf.tidy(() => x.div(2));
    }
    tf.serialization.registerClass(Halved);
    // What tfjs registers is known by its name, which its types do not have.
    const halved = L.activation({ activation: 'halved' as 'relu', name: 'half' });
    const model = zeroIn(modelOf([sequence(), L.permute({ dims: [2, 1] }), halved, L.flatten(), out()]));
    expect(reasonOf(model)).toBe(
      "'a' has zeros for them, but 'half' has an activation through which constants are not followed",
    );
  });

  it('names a layer within that reads another constant at each step', () => {
    const lstm = L.lstm({ units: 4, name: 'a', inputShape: [5, 3], returnSequences: true });
    const within = tf.sequential({ layers: [L.dense({ units: 2, name: 'b', inputShape: [4] })] });
    const model = zeroRow(
      zeroIn(modelOf([lstm, L.timeDistributed({ layer: within, name: 'td' }), L.flatten(), out()])),
    );
    expect(reasonOf(model)).toBe("'td/b' reads another constant in each of its calls");
  });

  it('names a layer that reads it twice, each time as another constant', () => {
    const input = tf.input({ shape: [3] });
    const a = L.dense({ units: 4, name: 'a' }).apply(input) as tf.SymbolicTensor;
    const shared = L.dense({ units: 2, name: 'shared' });
    const both = [a, L.activation({ activation: 'tanh' }).apply(a) as tf.SymbolicTensor];
    const read = both.map((each) => shared.apply(each) as tf.SymbolicTensor);
    const outputs = L.concatenate().apply(read) as tf.SymbolicTensor;
    const model = zeroIn(randomize(tf.model({ inputs: input, outputs }), 3));
    expect(reasonOf(model)).toBe("'shared' reads another constant in each of its calls");
  });

  it('names what depends on the input where that is so', () => {
    const input = tf.input({ shape: [3] });
    const [a, b] = ['a', 'b'].map((name) => L.dense({ units: 4, name }).apply(input) as tf.SymbolicTensor);
    const shared = L.dense({ units: 2, name: 'shared' });
    const read = [a!, b!].map((each) => shared.apply(each) as tf.SymbolicTensor);
    const outputs = L.concatenate().apply(read) as tf.SymbolicTensor;
    const model = zeroIn(randomize(tf.model({ inputs: input, outputs }), 3));
    expect(reasonOf(model)).toBe(
      "'a' has zeros for them, but what 'shared' reads of them depends on the input",
    );
  });
});
