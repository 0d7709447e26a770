/** Tells whether weights are still the ones that a plan was made for. */
import type * as tf from '@tensorflow/tfjs';
import { peek } from '../../core/memory';
import { slotsOf } from '../../core/parameter';
import { PruneError } from '../../errors';
import { modelWithin } from '../../topology/draft';
import type { ChannelPlan } from '../plan';

/**
 * @param variable A weight.
 * @returns A hash of the bits of its values: FNV-1a over words of four bytes, twice with different beginnings.
 */
export function fingerprint(variable: tf.Variable): string {
  const values = peek(variable);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let [one, other] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    one = Math.imul(one ^ word, 16777619);
    // What only one of a word's high bits changes would else never reach the low ones.
    one ^= one >>> 15;
    other = Math.imul(other ^ word, 16777619);
    other ^= other >>> 13;
  }
  return [one, other].map((hash) => (hash >>> 0).toString(16).padStart(8, '0')).join('');
}

/** By its path, each weight of a model. */
export function weightsByPath({ layers }: tf.LayersModel, prefix = ''): Map<string, tf.Variable> {
  return new Map(
    layers.flatMap((layer): Array<[string, tf.Variable]> => {
      const path = prefix + layer.name;
      const within = modelWithin(layer);
      if (within !== undefined) return [...weightsByPath(within, `${path}/`)];
      return slotsOf(layer).flatMap(
        ({ name, variable }): Array<[string, tf.Variable]> =>
          variable === undefined ? [] : [[`${path}:${name}`, variable]],
      );
    }),
  );
}

/**
 * @param model A model.
 * @param plan A plan for a model of these layers.
 * @throws {@link PruneError} `state` where weights are others than those that its shifts were computed from.
 */
export function checkWeights(model: tf.LayersModel, { shifts }: Pick<ChannelPlan, 'shifts'>): void {
  if (shifts.length === 0) return;
  const own = weightsByPath(model);
  const known = new Map(shifts.flatMap(({ weights }) => Object.entries(weights)));
  for (const [path, expected] of known) {
    const variable = own.get(path);
    const given = variable && fingerprint(variable);
    if (given === expected) continue;
    const [layer, weight] = [path.slice(0, path.lastIndexOf(':')), path.slice(path.lastIndexOf(':') + 1)];
    const what = given === undefined ? 'which the model does not have' : 'which has changed since';
    const message = `The plan shifts biases by what was computed from '${weight}' of '${layer}', ${what}. Plan anew with planFromMasks.`;
    throw new PruneError('state', message, { given, allowed: expected });
  }
}
