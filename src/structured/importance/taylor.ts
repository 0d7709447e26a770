import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../../errors';
import type { ChannelGraph } from '../graph';
import { type ByChannel, slotsByPath } from './spread';

/** |Σ g · w| over the kernels and biases that make each channel. */
export async function taylorScores(
  model: tf.LayersModel,
  graph: ChannelGraph,
  loss: () => tf.Scalar,
): Promise<ByChannel> {
  const slots = slotsByPath(model);
  const makers = graph.weights.flatMap((each) => {
    const variable = each.role === 'out' ? slots.get(`${each.layer}:${each.weight}`)?.variable : undefined;
    return variable === undefined ? [] : [{ ...each, variable }];
  });
  const products = tf.tidy(() => {
    const variables = [...new Set(makers.map(({ variable }) => variable))];
    const { grads } = tf.variableGrads(() => checked(loss()), variables);
    return makers.map(({ variable, axis }) => {
      const gradient = grads[variable.name];
      if (gradient === undefined || gradient === null) return undefined;
      const others = [...variable.shape.keys()].filter((other) => other !== axis);
      return gradient.mul(variable).sum(others);
    });
  });
  const totals = new Float64Array(graph.size);
  for (const [i, { channels }] of makers.entries()) {
    const sums = await products[i]?.data<'float32'>();
    products[i]?.dispose();
    if (sums !== undefined) for (let n = 0; n < sums.length; n++) totals[channels[n]!]! += sums[n]!;
  }
  return totals.map(Math.abs);
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
