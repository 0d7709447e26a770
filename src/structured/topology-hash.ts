/** What a hash of a model is made of: the same for a model that was saved and loaded. */
import type * as tf from '@tensorflow/tfjs';
import { classNameOf } from '../core/parameter';
import { modelWithin } from '../topology/draft';
import type { ModelCall } from '../topology/model-calls';
import { optionsOf } from './layer-options';

/** By the id of a tensor, what makes it. */
export type Labels = Map<number, string>;

/** @returns The labels of a model's inputs. */
export function makeLabels({ inputs }: tf.LayersModel): Labels {
  return new Map(inputs.map(({ id }, i) => [id, `input ${i}`]));
}

/**
 * Describes a call of a layer. tfjs numbers calls over all models that a layer is a part of, and anew when it loads one, so
 * what goes in is told by the calls described before.
 *
 * @param call The call.
 * @param labels What goes into it; what comes out of it is added.
 * @param prefix The names of the models around it.
 * @returns A line.
 */
export function lineOf(call: ModelCall, labels: Labels, prefix: string): string {
  const { outboundLayer: layer, inputTensors, outputTensors } = call;
  const inputs = inputTensors.map(({ id }) => labels.get(id));
  for (const [output, { id }] of outputTensors.entries()) {
    if (labels.has(id)) continue;
    labels.set(id, `${labels.size} ${output}`);
  }
  const shapes = outputTensors.map(({ shape }) => `[${shape.slice(1)}]`);
  // The layers of a model within are described one by one.
  const options = modelWithin(layer) === undefined ? optionsOf(layer) : '';
  return `${prefix}${layer.name} ${classNameOf(layer)} ${inputs} ${shapes} ${options}`;
}

/** @returns FNV-1a, twice with different beginnings. */
export function hashOf(text: string): string {
  const once = (start: number): string => {
    let hash = start;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
    return (hash >>> 0).toString(16).padStart(8, '0');
  };
  return once(0x811c9dc5) + once(0x9e3779b9);
}
