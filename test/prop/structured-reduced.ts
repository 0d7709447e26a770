/** What of a model is smaller in another one. */
import type * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { classNameOf } from '../../src/core/parameter';
import { modelWithin } from '../../src/topology/draft';
import { callsByStructure, type ModelCall } from '../../src/topology/model-calls';

/** Layers that give, take or have less than they did. */
export interface Reduced {
  readonly names: Set<string>;
  readonly classes: Set<string>;
}

function sizesIn({ outboundLayer, inputTensors, outputTensors }: ModelCall): string {
  const tensors = [...inputTensors, ...outputTensors].map(({ shape }) => shape);
  return JSON.stringify([tensors, outboundLayer.weights.map(({ shape }) => shape)]);
}

/**
 * @param model A model.
 * @param slim One of the same layers.
 * @returns Those that are smaller there, also within models; these too.
 */
export function reducedIn(model: tf.LayersModel, slim: tf.LayersModel): Reduced {
  const reduced: Reduced = { names: new Set(), classes: new Set() };
  const others = callsByStructure(slim);
  for (const [i, call] of callsByStructure(model).entries()) {
    const layer = call.outboundLayer;
    expect(others[i]!.outboundLayer.name).toBe(layer.name);
    const [within, other] = [layer, others[i]!.outboundLayer].map(modelWithin);
    const inner = within && other ? reducedIn(within, other) : undefined;
    if (inner === undefined ? sizesIn(call) === sizesIn(others[i]!) : inner.names.size === 0) continue;
    for (const name of [layer.name, ...(inner?.names ?? [])]) reduced.names.add(name);
    const applied: unknown = Reflect.get(layer, 'layer');
    const wrapped = typeof applied === 'object' && applied !== null ? [classNameOf(applied)] : [];
    const classes = [classNameOf(layer), ...wrapped, ...(inner?.classes ?? [])];
    for (const each of classes) if (each !== undefined) reduced.classes.add(each);
  }
  return reduced;
}
