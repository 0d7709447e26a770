import '../../support/matchers';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expect, it } from 'vitest';
import { built, fillWeights, flat, outputOf, read, shapeOf } from '../../support/layers';
import { expectRefused } from '../../support/trace';

const units = 3;
const features = 4;
const sequence = tf.randomUniform([2, 5, features], -1, 1, 'float32', 3);

type Make = () => tf.layers.Layer;
const recurrent: [string, number, Make, Make][] = [
  ['SimpleRNN', 1, () => tf.layers.simpleRNN({ units }), () => tf.layers.simpleRNNCell({ units })],
  [
    'GRU',
    3,
    () => tf.layers.gru({ units, recurrentActivation: 'sigmoid' }),
    () => tf.layers.gruCell({ units }),
  ],
  [
    'LSTM',
    4,
    () => tf.layers.lstm({ units, recurrentActivation: 'sigmoid' }),
    () => tf.layers.lstmCell({ units }),
  ],
];

/** tfjs's columns of a gate-by-gate kernel, as rows in the order of PyTorch's gates. */
function torchRows(kind: string, columns: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const rows = columns.rank === 1 ? columns : tf.transpose(columns);
    if (kind !== 'GRU') return rows.clone();
    const [z, r, h] = tf.split(rows, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return tf.concat([r, z, h]);
  });
}

const names: [torch: string, tfjs: string][] = [
  ['weight_ih', 'kernel'],
  ['weight_hh', 'recurrentKernel'],
  ['bias_ih', 'bias'],
];

describe.each(recurrent)('%s', (kind, gates, make, makeCell) => {
  const shapes = {
    weight_ih: [gates * units, features],
    weight_hh: [gates * units, units],
    bias_ih: [gates * units],
  };

  it.each(names)('%s_l0 is %s, with its gates in order', (torch, tfjs) => {
    const layer = built(make(), [5, features]);
    const index = names.findIndex(([name]) => name === torch);
    const expected = torchRows(kind, layer.getWeights()[index]!);
    expect(shapeOf(layer, `${torch}_l0`)).toEqual(expected.shape);
    expect(expected.shape).toEqual(shapes[torch as keyof typeof shapes]);
    expect(flat(layer, `${torch}_l0`)).toEqual([...expected.dataSync()]);

    prune.l1Unstructured(layer, `${torch}_l0`, 0.3);
    expect(prune.methodOf(layer, tfjs)).toBe(prune.methodOf(layer, `${torch}_l0`));
    const pruned = torchRows(kind, layer.getWeights()[index]!);
    expect(flat(layer, `${torch}_l0`)).toEqual([...pruned.dataSync()]);
    const copy = built(make(), [5, features]);
    copy.setWeights(layer.getWeights());
    expect(outputOf(layer, sequence)).toEqual(outputOf(copy, sequence));
    prune.revert(layer, tfjs);
    expect(flat(layer, `${torch}_l0`)).toEqual([...expected.dataSync()]);
  });

  it.each(names)("%s is %s in the layer's cell", (torch, tfjs) => {
    const cell = makeCell();
    cell.build([null, features]);
    fillWeights(cell);
    const index = names.findIndex(([name]) => name === torch);
    expect(flat(cell, torch)).toEqual([...torchRows(kind, cell.getWeights()[index]!).dataSync()]);
    prune.l1Unstructured(cell, torch, 2);
    expect(flat(cell, `${tfjs}_mask`).filter((bit) => bit === 0)).toHaveLength(2);
    prune.remove(cell, tfjs);
    expect(flat(cell, torch).filter((value) => value === 0)).toHaveLength(2);
  });

  it('draws random masks in the order of PyTorch, whichever name is used', () => {
    const masks = ['weight_ih_l0', 'kernel'].map((name) => {
      prune.manualSeed(2);
      return flat(prune.randomUnstructured(built(make(), [5, features]), name, 0.5), 'weight_ih_l0_mask');
    });
    expect(masks[0]).toEqual(masks[1]);
  });

  it("prunes a unit of a gate by dim 0 ('out') and a feature by dim 1 ('in')", () => {
    for (const [dim, side, stride] of [
      [0, 'out', features],
      [1, 'in', 1],
    ] as const) {
      const [byDim, bySide, stored] = [dim, side, side].map((given, i) =>
        prune.lnStructured(built(make(), [5, features]), i === 2 ? 'kernel' : 'weight_ih_l0', 1, 2, given),
      ) as [tf.layers.Layer, tf.layers.Layer, tf.layers.Layer];
      const mask = flat(byDim, 'weight_ih_l0_mask');
      expect(mask.filter((bit) => bit === 0)).toHaveLength(dim === 0 ? features : gates * units);
      const channel = Math.floor(mask.indexOf(0) / stride) % (dim === 0 ? gates * units : features);
      expect(
        mask.every(
          (bit, i) =>
            (bit === 0) === (dim === 0 ? Math.floor(i / features) === channel : i % features === channel),
        ),
      ).toBe(true);
      expect(flat(bySide, 'weight_ih_l0_mask')).toEqual(mask);
      expect(flat(stored, 'weight_ih_l0_mask')).toEqual(mask);
    }
  });

  it('lists its two kernels among the parameters', () => {
    const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [5, features] }), make()] });
    const layer = model.layers.at(-1)!;
    expect(prune.parameters(model)).toEqual([
      [layer, 'weight_ih_l0'],
      [layer, 'weight_hh_l0'],
    ]);
  });
});

describe('the equations of PyTorch, with its names', () => {
  /** One step from parameters in PyTorch's layout: W x + b and U h, a part for each gate. */
  function gatesOf(layer: tf.layers.Layer, x: tf.Tensor, h: tf.Tensor, count: number) {
    const input = tf.add(
      tf.matMul(x, prune.parameter(layer, 'weight_ih_l0'), false, true),
      prune.parameter(layer, 'bias_ih_l0'),
    );
    const u = tf.split(prune.parameter(layer, 'weight_hh_l0'), count);
    return {
      input: tf.split(input, count, 1),
      recurrent: (gate: number, state = h) => tf.matMul(state, u[gate]!, false, true),
    };
  }

  function run(step: (x: tf.Tensor, state: tf.Tensor[]) => tf.Tensor[], states: number): tf.Tensor {
    let state: tf.Tensor[] = Array.from({ length: states }, () => tf.zeros([2, units]));
    for (const x of tf.unstack(sequence, 1)) state = step(x, state);
    return state[0]!;
  }

  it('hold for a pruned GRU (r, z, n)', () => {
    const layer = built(tf.layers.gru({ units, recurrentActivation: 'sigmoid' }), [5, features]);
    prune.randomUnstructured(layer, 'weight_ih_l0', 0.4);
    prune.lnStructured(layer, 'weight_hh_l0', 2, 2, 0);
    tf.tidy(() => {
      const expected = run((x, [h]) => {
        const { input, recurrent: hidden } = gatesOf(layer, x, h!, 3);
        const r = tf.sigmoid(tf.add(input[0]!, hidden(0)));
        const z = tf.sigmoid(tf.add(input[1]!, hidden(1)));
        // tfjs resets the state before the product, PyTorch after it: the gates are the same
        const n = tf.tanh(tf.add(input[2]!, hidden(2, tf.mul(r, h!))));
        return [tf.add(tf.mul(tf.sub(1, z), n), tf.mul(z, h!))];
      }, 1);
      expect(layer.apply(sequence) as tf.Tensor).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-5 });
    });
  });

  it('hold for a pruned LSTM (i, f, g, o)', () => {
    const layer = built(tf.layers.lstm({ units, recurrentActivation: 'sigmoid' }), [5, features]);
    prune.randomUnstructured(layer, 'weight_ih_l0', 0.4);
    prune.l1Unstructured(layer, 'weight_hh_l0', 0.4);
    tf.tidy(() => {
      const expected = run((x, [h, c]) => {
        const { input, recurrent: hidden } = gatesOf(layer, x, h!, 4);
        const [i, f, g, o] = input.map((part, gate) => tf.add(part, hidden(gate))) as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        const next = tf.add(tf.mul(tf.sigmoid(f), c!), tf.mul(tf.sigmoid(i), tf.tanh(g)));
        return [tf.mul(tf.sigmoid(o), tf.tanh(next)), next];
      }, 2);
      expect(layer.apply(sequence) as tf.Tensor).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-5 });
    });
  });
});

describe('RNN over stacked cells', () => {
  const make = (): tf.layers.Layer =>
    built(tf.layers.rnn({ cell: [tf.layers.lstmCell({ units }), tf.layers.gruCell({ units: 2 })] }), [
      5,
      features,
    ]);

  it('numbers the cells as PyTorch numbers layers', () => {
    const layer = make();
    expect(shapeOf(layer, 'weight_ih_l0')).toEqual([4 * units, features]);
    expect(shapeOf(layer, 'weight_hh_l1')).toEqual([3 * 2, 2]);
    prune.l1Unstructured(layer, 'weight_ih_l1', 4);
    expect(prune.methodOf(layer, 'cells.1.kernel')).toBe(prune.methodOf(layer, 'weight_ih_l1'));
    expect(prune.methodOf(layer, 'cells.0.kernel')).toBeUndefined();
    expect(prune.isPruned(layer)).toBe(true);
    const copy = make();
    copy.setWeights(layer.getWeights());
    expect(outputOf(layer, sequence)).toEqual(outputOf(copy, sequence));
    expect(prune.parameters(layer).map(([, name]) => name)).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'weight_ih_l1',
      'weight_hh_l1',
    ]);
  });

  it('of one cell has the names of l0', () => {
    const layer = built(tf.layers.rnn({ cell: tf.layers.lstmCell({ units }) }), [5, features]);
    prune.l1Unstructured(layer, 'weight_ih_l0', 4);
    expect(prune.methodOf(layer, 'kernel')).toBeInstanceOf(prune.L1Unstructured);
  });
});

describe('Bidirectional', () => {
  const make = (): tf.layers.Layer =>
    built(tf.layers.bidirectional({ layer: tf.layers.gru({ units }) as tf.RNN, mergeMode: 'concat' }), [
      5,
      features,
    ]);

  it('has a parameter for each direction', () => {
    const layer = make();
    prune.l1Unstructured(layer, 'weight_ih_l0', 3);
    prune.lnStructured(layer, 'weight_hh_l0_reverse', 2, 2, 0);
    expect(prune.methodOf(layer, 'forwardLayer.kernel')).toBeInstanceOf(prune.L1Unstructured);
    expect(prune.methodOf(layer, 'backwardLayer.kernel')).toBeUndefined();
    expect(prune.methodOf(layer, 'backwardLayer.recurrentKernel')).toBeInstanceOf(prune.LnStructured);
    expect(flat(layer, 'weight_hh_l0_reverse_mask').filter((bit) => bit === 0)).toHaveLength(2 * units);
    const copy = make();
    copy.setWeights(layer.getWeights());
    expect(outputOf(layer, sequence)).toEqual(outputOf(copy, sequence));
    expectRefused(
      [[layer, 'weight_hh_l0']],
      () => prune.l1Unstructured(layer, 'kernel', 1),
      'parameter',
      'weight_ih_l0_reverse',
    );
  });

  it('lists four kernels', () => {
    expect(prune.parameters(make()).map(([, name]) => name)).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'weight_ih_l0_reverse',
      'weight_hh_l0_reverse',
    ]);
  });
});

describe('TimeDistributed', () => {
  it("has the inner layer's names", () => {
    const make = (): tf.layers.Layer =>
      built(tf.layers.timeDistributed({ layer: tf.layers.dense({ units }) }), [5, features]);
    const layer = make();
    const before = read(layer, 'weight');
    prune.lnStructured(layer, 'weight', 1, 2, 'out');
    expect(prune.methodOf(layer, 'kernel')).toBeInstanceOf(prune.LnStructured);
    expect(prune.parameters(layer)).toEqual([[layer, 'weight']]);
    const copy = make();
    copy.setWeights(layer.getWeights());
    expect(outputOf(layer, sequence)).toEqual(outputOf(copy, sequence));
    prune.revert(layer, 'weight');
    expect(read(layer, 'weight')).toEqual(before);
    expect(prune.isPruned(layer)).toBe(false);
  });
});
