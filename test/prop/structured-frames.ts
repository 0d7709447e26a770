/** What the outermost model of a random graph is. */
import * as tf from '@tensorflow/tfjs';
import { call, type Symbolic } from '../unit/sparse/fold-models';
import { type Choose, oneOf } from './structured-ops';

const L = tf.layers;

/** Makes a model of tensors. */
export type Frame = (inputs: Symbolic[], outputs: Symbolic[], choose: Choose) => tf.LayersModel;

const last = (x: Symbolic): Symbolic => call(L.dense({ units: 2 }), x);

const graph: Frame = (inputs, outputs) => tf.model({ inputs, outputs });

/** Its first layer is a model. */
const graphOfModel: Frame = (inputs, outputs) => {
  const base = tf.model({ inputs, outputs });
  const own = inputs.map(({ shape }) => tf.input({ shape: shape.slice(1) }));
  // One tensor, or a list of them.
  const made = [base.apply(own)].flat() as Symbolic[];
  return tf.model({ inputs: own, outputs: made.map(last) });
};

/** It goes on where another model ends, and shares its layers. */
const extended: Frame = (inputs, outputs) => {
  const base = tf.model({ inputs, outputs });
  return tf.model({ inputs: base.inputs, outputs: base.outputs.map(last) });
};

/** A Sequential has one input and one output. */
const sequentialOfModel: Frame = (inputs, outputs, choose) => {
  const [input, ...others] = inputs;
  if (others.length > 0 || outputs.length > 1) return graphOfModel([input!, ...others], outputs, choose);
  const base = tf.model({ inputs, outputs });
  const layers = [base, L.dense({ units: 3, activation: 'tanh' }), L.dense({ units: 2 })];
  return tf.sequential({ layers });
};

/** By name. */
export const frames: Readonly<Record<string, Frame>> = { graph, graphOfModel, extended, sequentialOfModel };

/** Layers, each of which takes what the one before gives. */
export interface Chain {
  readonly input: Symbolic;
  /** Each with what it gives. */
  readonly steps: ReadonlyArray<readonly [layer: tf.layers.Layer, made: Symbolic]>;
}

/** A Sequential; some of its layers are one within it. */
export function sequence({ input, steps }: Chain, choose: Choose): tf.Sequential {
  const from = choose(steps.length);
  const to = from + choose(steps.length - from + 1);
  const layers = steps.map(([layer]) => layer);
  const before = from === 0 ? input : steps[from - 1]![1];
  const within = to - from > 0 ? [nested(before, layers.slice(from, to), choose)] : [];
  const all = [...layers.slice(0, from), ...within, ...layers.slice(to)];
  // What is first is a model that knows what comes in, or is told so.
  return tf.sequential({ layers: from === 0 && within.length > 0 ? all : [entry(input), ...all] });
}

const entry = ({ shape }: Symbolic): tf.layers.Layer => L.inputLayer({ inputShape: shape.slice(1) });

function nested(x: Symbolic, layers: tf.layers.Layer[], choose: Choose): tf.LayersModel {
  const asSequential = () => tf.sequential({ layers: [entry(x), ...layers] });
  const asGraph = () => {
    const inputs = tf.input({ shape: x.shape.slice(1) });
    return tf.model({ inputs, outputs: layers.reduce((y, layer) => call(layer, y), inputs) });
  };
  return oneOf(choose, [asSequential, asGraph])();
}
