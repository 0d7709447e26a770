import * as tf from '@tensorflow/tfjs';
import { applyPlan, planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, expectEqualOutputs, outputsOf, randomize } from '../../sparse/fold-models';
import { modelOf, out, sequence, zeroIn, zeroRow } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;
const kinds = { SimpleRNN: L.simpleRNN, GRU: L.gru, LSTM: L.lstm } as const;
const units = 4;

/** Keeps those values of a layer's matrices that are said to be kept, by row and unit; recurrent ones are every second. */
function keep(
  model: tf.LayersModel,
  name: string,
  isKept: (row: number, unit: number, isRecurrent: boolean) => boolean,
): void {
  const layer = model.getLayer(name);
  tf.tidy(() => {
    let count = 0;
    const weights = layer.getWeights().map((weight) => {
      if (weight.rank < 2) return weight;
      const isRecurrent = count++ % 2 === 1;
      const [rows, columns] = weight.shape as [number, number];
      const mask = Array.from({ length: rows * columns }, (_, n) =>
        isKept(Math.floor(n / columns), (n % columns) % units, isRecurrent) ? 1 : 0,
      );
      return weight.mul(tf.tensor2d(mask, [rows, columns]));
    });
    layer.setWeights(weights);
  });
}

/** Unit 1 reads nothing but channel 1 and itself, and nothing else reads those. */
const apart = (row: number, unit: number): boolean => (row === 1) === (unit === 1);

function expectRemoved(
  model: tf.LayersModel,
  removed: Readonly<Record<string, readonly number[]>>,
): string[] {
  const plan = planFromMasks(model);
  for (const [id, remove] of Object.entries(removed)) {
    expect(plan.groups.find((group) => group.id === id)!.remove, id).toEqual(remove);
  }
  expectEqualOutputs(outputsOf(applyPlan(model, plan).model), outputsOf(model));
  return plan.shifts.map(({ layer }) => layer);
}

describe('a unit that reads a constant which changes from step to step', () => {
  const changing = () => L.gru({ units, name: 'a', inputShape: [5, 3], returnSequences: true });
  for (const [kind, make] of Object.entries(kinds)) {
    for (const goBackwards of [false, true]) {
      for (const returnSequences of [false, true]) {
        it(`of a ${kind} goes: ${goBackwards ? 'backwards' : 'forwards'}, ${returnSequences ? 'all steps' : 'the last'}`, () => {
          const flat = returnSequences ? [L.flatten()] : [];
          const layers = [
            changing(),
            make({ units, name: 'b', goBackwards, returnSequences }),
            ...flat,
            out(),
          ];
          const model = zeroRow(zeroIn(modelOf(layers)));
          keep(model, 'b', apart);
          expect(expectRemoved(model, { a: [1], b: [1] })).toContain('out');
        });
      }
    }

    for (const mergeMode of ['concat', 'sum', 'mul', 'ave'] as const) {
      for (const returnSequences of [false, true]) {
        it(`of a Bidirectional ${kind} goes: ${mergeMode}, ${returnSequences ? 'all steps' : 'the last'}`, () => {
          const flat = returnSequences ? [L.flatten()] : [];
          const layer = make({ units, returnSequences }) as tf.RNN;
          const layers = [changing(), L.bidirectional({ layer, mergeMode, name: 'b' }), ...flat, out()];
          const model = zeroRow(zeroIn(modelOf(layers)));
          keep(model, 'b', apart);
          expect(expectRemoved(model, { a: [1], b: [1] })).toContain('out');
        });
      }
    }
  }
});

describe('a unit whose state is given', () => {
  for (const [kind, make] of Object.entries(kinds)) {
    it(`as a constant, of a ${kind}, goes`, () => {
      const input = tf.input({ shape: [5, 3] });
      const start = call(L.globalAveragePooling1d(), input);
      const states = ['h', 'c'].slice(0, kind === 'LSTM' ? 2 : 1);
      const given = states.map((name) => call(L.dense({ units, name }), start));
      const rnn = make({ units, name: 'b' });
      // What tfjs's types do not know: states after the input.
      const read = rnn.apply([input, ...given]) as tf.SymbolicTensor;
      const model = randomize(tf.model({ inputs: input, outputs: call(out(), read) }), 3);
      for (const name of states) keep(model, name, (_, unit) => unit !== 1);
      keep(model, 'b', (row, unit, isRecurrent) => (isRecurrent ? apart(row, unit) : unit !== 1));
      const [first] = states;
      expect(expectRemoved(model, { [first!]: [1] })).toEqual(['out']);
    });
  }

  it('and that is read at the end goes, with those of both directions', () => {
    const input = tf.input({ shape: [5, 3] });
    const [read, ...states] = L.lstm({ units, name: 'a', returnState: true }).apply(
      input,
    ) as tf.SymbolicTensor[];
    const next = L.lstm({ units, name: 'b' }).apply([input, ...states]) as tf.SymbolicTensor;
    const outputs = call(out(), call(L.concatenate(), [call(L.reLU(), read!), next]));
    const model = randomize(tf.model({ inputs: input, outputs }), 3);
    for (const name of ['a', 'b']) {
      keep(model, name, (row, unit, isRecurrent) => (isRecurrent ? apart(row, unit) : unit !== 1));
    }
    const plan = planFromMasks(model);
    expect(plan.groups[0]!.remove).toEqual([1]);
  });
});

describe('a bias that only one direction of a Bidirectional needs', () => {
  for (const [kind, make] of Object.entries(kinds)) {
    for (const still of [0, 1]) {
      it(`of a ${kind} adds nothing in the other: ${still === 0 ? 'forwards' : 'backwards'}`, () => {
        // What biases begin with must not be seen.
        const layer = make({ units, useBias: false, biasInitializer: 'ones' }) as tf.RNN;
        const model = zeroIn(
          modelOf([sequence(), L.bidirectional({ layer, mergeMode: 'sum', name: 'b' }), out()]),
        );
        const b = model.getLayer('b');
        tf.tidy(() => {
          const weights = b.getWeights();
          const kernel = weights[2 * still]!;
          const rows = tf.tensor2d([[1], [0], [1], [1]]);
          weights[2 * still] = kernel.mul(rows);
          b.setWeights(weights);
        });
        expect(expectRemoved(model, { a: [1] })).toEqual(['b']);
      });
    }
  }
});
