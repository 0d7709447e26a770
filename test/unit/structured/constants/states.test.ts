import * as tf from '@tensorflow/tfjs';
import { planFromMasks } from 'tfjs-prune/structured';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../support/backend';
import { call, randomize } from '../../sparse/fold-models';
import { expectGone, expectKept, modelOf, out, zeroIn, zeroRow } from './nets';

beforeAll(() => useBackend('cpu'));
afterEach(() => tf.disposeVariables());

const L = tf.layers;
// tfjs takes null for a size that is open, which its types do not have.
const open = null as unknown as number;

describe('a unit of a recurrent layer without a kernel', () => {
  it('goes where the others read nothing but its first state, which is zero', async () => {
    await expectGone(zeroIn(modelOf([L.gru({ units: 4, name: 'a', inputShape: [1, 3] }), out()])), ['out']);
  });

  it('stays where the others may read a later one, since the number of steps is open', () => {
    const model = zeroIn(modelOf([L.gru({ units: 4, name: 'a', inputShape: [open, 3] }), out()]));
    const own = planFromMasks(model, { inputShapes: [[1, 3]] }).groups[0]!;
    expect(own.remove).toEqual([]);
  });

  it('stays where the number of steps is open, also if one is said', () => {
    const model = zeroRow(zeroIn(modelOf([L.gru({ units: 4, name: 'a', inputShape: [open, 3] }), out()])));
    const own = planFromMasks(model, { inputShapes: [[1, 3]] }).groups[0]!;
    expect(own.remove).toEqual([]);
    expect(own.kept[0]!.reason).toContain('the number of steps is open');
  });

  it('stays where it reads another one, which depends on the input', () => {
    const model = modelOf([L.simpleRNN({ units: 4, name: 'a', inputShape: [5, 3] }), out()]);
    const layer = model.getLayer('a');
    tf.tidy(() => {
      const [kernel, recurrent, bias] = layer.getWeights();
      // Nothing reads unit 1, which reads units 0, 2 and 3.
      const keep = tf.tensor2d([[1, 0, 1, 1]]);
      layer.setWeights([kernel!.mul(keep), recurrent!.mul(keep.transpose()), bias!]);
    });
    const own = planFromMasks(model).groups.find(({ id }) => id === 'a')!;
    expect(own.remove).toEqual([]);
  });

  it('stays where a Masking leaves out steps', () => {
    const layers = [L.masking({ inputShape: [5, 3] }), L.lstm({ units: 4, name: 'a' }), out()];
    const lost = "'a' has zeros for them, but 'a' leaves out the steps that a mask says";
    expectKept(zeroRow(zeroIn(modelOf(layers))), lost);
  });

  it('stays where only one of two calls begins with zero', () => {
    const input = tf.input({ shape: [5, 3] });
    const start = call(L.dense({ units: 4, name: 'h' }), call(L.globalAveragePooling1d(), input));
    const rnn = L.simpleRNN({ units: 4, name: 'a', useBias: false });
    const first = rnn.apply(input) as tf.SymbolicTensor;
    // What tfjs's types do not know: a state after the input.
    const second = rnn.apply([input, start]) as tf.SymbolicTensor;
    const outputs = call(out(), call(L.concatenate(), [first, second]));
    const model = zeroIn(randomize(tf.model({ inputs: input, outputs }), 3));
    const layer = model.getLayer('h');
    // Unit 1 of both is a constant.
    tf.tidy(() => {
      const [kernel, ...rest] = layer.getWeights();
      layer.setWeights([kernel!.mul(tf.tensor2d([[1, 0, 1, 1]])), ...rest]);
    });
    expect(planFromMasks(model).groups.map(({ remove }) => remove)).toEqual([[], []]);
  });
});
