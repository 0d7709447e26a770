/** Differences, for which tfjs has no layer: one by the name of Keras's is a user's own. */
import * as tf from '@tensorflow/tfjs';
import { type Call, pinAxes, type Rule } from '../tracer';
import { merge } from './pointwise';

/** Follows a layer of that name if it does what the name says. */
export const subtract: Rule = (call) => {
  if (isDifference(call)) return merge(call);
  const { tracer, inputs, outputs, path } = call;
  for (const input of inputs) {
    pinAxes(tracer, input, `'${path}' is a Subtract that does not give the difference of two inputs`);
  }
  return outputs.map((shape) => shape.map(() => undefined));
};

/** A size that is left open is anything. */
const ANY = 2;

/** By what it gives for random numbers. */
function isDifference({ layer, inputs }: Call): boolean {
  if (inputs.length !== 2) return false;
  return tf.tidy(() => {
    const [a, b] = inputs.map(({ shape }, i) =>
      tf.randomUniform(
        shape.map((size) => size ?? ANY),
        -1,
        1,
        'float32',
        i + 1,
      ),
    ) as [tf.Tensor, tf.Tensor];
    const made = madeBy(layer, [a, b]);
    if (!(made instanceof tf.Tensor)) return false;
    const expected = a.sub(b);
    if (String(made.shape) !== String(expected.shape)) return false;
    return made.sub(expected).abs().max().dataSync()[0]! < 1e-6;
  });
}

function madeBy(layer: object, inputs: tf.Tensor[]): unknown {
  try {
    // Every layer has a call.
    return (layer as tf.layers.Layer).call(inputs, {});
  } catch {
    // What it cannot do for these it may do for others: it is not followed.
    return undefined;
  }
}
