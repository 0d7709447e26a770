import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../../errors';
import type { ChannelGraph } from '../graph';
import { type KnownByChannel, slotsByPath } from './spread';

/** |Σ g · w| over the kernels and biases that make each channel, frozen or not, where the loss depends on one of them. */
export async function taylorScores(
  model: tf.LayersModel,
  graph: ChannelGraph,
  loss: () => tf.Scalar,
): Promise<KnownByChannel> {
  const slots = slotsByPath(model);
  const makers = graph.weights.flatMap((each) => {
    const variable = each.role === 'out' ? slots.get(`${each.layer}:${each.weight}`)?.variable : undefined;
    return variable === undefined ? [] : [{ ...each, variable }];
  });
  const products = tf.tidy(() => {
    const variables = [...new Set(makers.map(({ variable }) => variable))];
    // As tf.variableGrads does, which leaves out what is frozen.
    const { grads } = tf.engine().gradients(() => checked(loss()), variables, undefined, true);
    const gradients = new Map<tf.Variable, tf.Tensor | null | undefined>(
      variables.map((variable, i) => [variable, grads[i]]),
    );
    if (![...gradients.values()].some((gradient) => gradient instanceof tf.Tensor)) throw unconnected(loss);
    return makers.map(({ variable, axis }) => {
      const gradient = gradients.get(variable);
      if (gradient === undefined || gradient === null) return undefined;
      const others = [...variable.shape.keys()].filter((other) => other !== axis);
      return gradient.mul(variable).sum(others);
    });
  });
  const values = new Float64Array(graph.size);
  const isKnown = new Uint8Array(graph.size);
  for (const [i, { channels }] of makers.entries()) {
    const sums = await products[i]?.data<'float32'>();
    products[i]?.dispose();
    for (let n = 0; n < (sums?.length ?? 0); n++) {
      values[channels[n]!]! += sums![n]!;
      isKnown[channels[n]!] = 1;
    }
  }
  return { values: values.map(Math.abs), isKnown };
}

function unconnected(loss: unknown): PruneError {
  const allowed = 'a loss of what the model gives';
  const message = `The importance 'taylor' needs ${allowed}, but it depends on none of the model's weights. Compute it inside the function, from model.apply or model.predict.`;
  return new PruneError('argument', message, { given: loss, allowed });
}

function checked(loss: unknown): tf.Scalar {
  if (loss instanceof tf.Tensor && loss.rank === 0) return loss as tf.Scalar;
  const allowed = 'a scalar';
  const given = loss instanceof tf.Tensor ? `a tensor of shape [${loss.shape}]` : shown(loss);
  throw new PruneError('argument', `The loss must give ${allowed}, but gave ${given}.`, {
    given: loss,
    allowed,
  });
}
