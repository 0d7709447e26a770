/** What random graphs have of models within, and of layers that other models have too. */
import * as tf from '@tensorflow/tfjs';
import { call, type Symbolic } from '../unit/sparse/fold-models';
import { type Choose, type Op, sizesOf, width } from './structured-ops';

const L = tf.layers;

const placeFor = (x: Symbolic): Symbolic => tf.input({ shape: sizesOf(x) });

/** The same sequence of layers, called twice. */
function nestedTwice(x: Symbolic, choose: Choose): Symbolic {
  const units = x.shape.at(-1)!;
  const within = tf.sequential({
    layers: [
      L.dense({ units: width(choose), inputShape: sizesOf(x), activation: 'tanh' }),
      L.batchNormalization(),
      L.dense({ units }),
    ],
  });
  const once = call(within, x);
  return choose(2) === 0 ? once : call(within, call(L.activation({ activation: 'relu' }), once));
}

/** A model with a residual connection. */
function residualModel(x: Symbolic, choose: Choose): tf.LayersModel {
  const inputs = placeFor(x);
  const wide = call(L.dense({ units: width(choose), activation: 'relu' }), inputs);
  const both = [wide, call(L.dense({ units: wide.shape.at(-1)! }), wide)];
  return tf.model({ inputs, outputs: call(L.add(), both) });
}

/** A Sequential that begins with a model, perhaps with a Sequential that does. */
function nestedFirst(x: Symbolic, choose: Choose): tf.layers.Layer {
  const first = residualModel(x, choose);
  const one = tf.sequential({ layers: [first, L.dense({ units: width(choose), activation: 'tanh' })] });
  if (choose(2) === 0) return one;
  return tf.sequential({ layers: [one, L.prelu(), L.dense({ units: width(choose) })] });
}

/** A graph that begins with a Sequential, and ends with a model. */
function nestedWithin(x: Symbolic, choose: Choose): tf.layers.Layer {
  const inputs = placeFor(x);
  const first = tf.sequential({
    layers: [
      L.dense({ units: width(choose), inputShape: sizesOf(x), activation: 'relu' }),
      L.dense({ units: 3 }),
    ],
  });
  const middle = call(first, inputs);
  return tf.model({ inputs, outputs: call(residualModel(middle, choose), middle) });
}

/** A layer that another model has called before. */
function calledElsewhere(x: Symbolic, choose: Choose): Symbolic {
  const layers = [
    L.dense({ units: width(choose), activation: 'sigmoid' }),
    L.leakyReLU(),
    residualModel(x, choose),
  ];
  const layer = layers[choose(layers.length)]!;
  call(layer, placeFor(x));
  return call(layer, x);
}

/** A layer that is called here and in a model within. tfjs saves two of it. */
function calledWithinToo(x: Symbolic, choose: Choose): Symbolic {
  const layer = L.dense({ units: width(choose), activation: 'tanh' });
  const inputs = placeFor(x);
  const within = tf.model({ inputs, outputs: call(L.dense({ units: 3 }), call(layer, inputs)) });
  return call(L.concatenate(), [call(layer, x), call(within, x)]);
}

/** By name; for tensors of up to four axes. */
export const nestedOps: Record<string, Op['make']> = {
  nestedTwice,
  nestedFirst,
  nestedWithin,
  calledElsewhere,
  calledWithinToo,
};

/** The kind of step after which two models share their weights, so that one saved has more of them. */
export const sharing = 'calledWithinToo';

/** One model, called on both. */
export function nestedTowers(a: Symbolic, b: Symbolic): Symbolic {
  const input = placeFor(a);
  const hidden = call(L.dense({ units: 4, activation: 'relu' }), input);
  const within = tf.model({ inputs: input, outputs: call(L.prelu(), call(L.dense({ units: 3 }), hidden)) });
  return call(L.maximum(), [call(within, a), call(within, b)]);
}

/** A model with two inputs and two outputs, perhaps called a second time on what it gave. */
export function nestedPair(a: Symbolic, b: Symbolic, choose: Choose): Symbolic {
  const inputs = [placeFor(a), placeFor(b)] as const;
  const [one, other] = inputs;
  const units = a.shape.at(-1)!;
  const left = call(L.dense({ units, activation: 'tanh' }), one);
  const sum = call(L.add(), [left, call(L.dense({ units }), other)]);
  const right = call(L.dense({ units: b.shape.at(-1)! }), call(L.reLU(), sum));
  const within = tf.model({ inputs: [...inputs], outputs: [sum, right] });
  // A model with two outputs gives two tensors.
  const apply = (x: Symbolic[]): Symbolic[] => within.apply(x) as Symbolic[];
  const once = apply([a, b]);
  return call(L.concatenate(), choose(2) === 0 ? once : apply(once));
}
