/** The law of removal: zero what reads channels, then remove them, and the outputs stay as they were. */
import * as tf from '@tensorflow/tfjs';
import { applyPlan, type ChannelPlan, type ChannelPlanOptions, planChannels } from 'tfjs-prune/structured';
import { expect } from 'vitest';
import { slotsOf } from '../../../../src/core/parameter';
import { dependencyGraph } from '../../../../src/structured/dependency-graph';
import type { ChannelGraph, WeightAxis } from '../../../../src/structured/graph';
import { modelWithin } from '../../../../src/topology/draft';
import { release, savedAndLoaded, weightBits } from '../../sparse/fold-models';

/** Plans to remove a share of the channels of each group, ranked by something that has nothing to do with the weights. */
export async function arbitraryPlan(
  model: tf.LayersModel,
  ratio: number,
  seed = 0,
  options: Pick<ChannelPlanOptions, 'inexact'> = {},
): Promise<ChannelPlan> {
  return planChannels(model, {
    ...options,
    ratio,
    importance: ({ channels }) =>
      Array.from({ length: channels }, (_, n) => ((n + channels + seed) * 7919) % 31),
  });
}

/** How many channels a plan removes. */
export function countRemoved({ groups }: ChannelPlan): number {
  return groups.reduce((sum, { remove }) => sum + remove.length, 0);
}

/** Random inputs for a batch of 2; the caller disposes them. */
export function randomInputs({ inputs }: tf.LayersModel): tf.Tensor[] {
  return inputs.map(({ shape }, i) =>
    tf.randomNormal([2, ...shape.slice(1).map(Number)], 0, 1, 'float32', 5 + i),
  );
}

/** What a model gives for inputs. */
export function outputsFor(model: tf.LayersModel, inputs: tf.Tensor[]): Float32Array[] {
  return tf.tidy(() => {
    const outputs = model.predict(inputs);
    return (Array.isArray(outputs) ? outputs : [outputs]).map((output) => output.dataSync<'float32'>());
  });
}

/** Expects outputs to be the same to 1e-5 of the largest of them. */
export function expectSame(actual: readonly Float32Array[], expected: readonly Float32Array[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, values] of expected.entries()) {
    expect(values.every(Number.isFinite)).toBe(true);
    const range = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(actual[i]).toBeAllClose(values, { rtol: 0, atol: 1e-5 * range });
  }
}

/**
 * Applies a plan and expects all that holds for every model and every plan: the model stays as it was, the new one gives
 * what the old one does once nothing reads the channels that go, and a saved model and a saved plan are worth the same.
 *
 * @param model The model. What reads the channels that go is zero afterwards.
 * @param plan The plan.
 * @param inputs What to run the models on.
 * @param isLoadable Whether tfjs can load such a model once it is saved.
 * @returns The new model.
 */
export async function expectLaw(
  model: tf.LayersModel,
  plan: ChannelPlan,
  inputs: tf.Tensor[],
  isLoadable = true,
): Promise<tf.LayersModel> {
  const [bits, config] = [weightBits(model), JSON.stringify(model.getConfig())];
  const { model: slim } = applyPlan(model, plan);
  expect(JSON.stringify(model.getConfig())).toBe(config);
  expect(weightBits(model)).toEqual(bits);
  const { model: again } = applyPlan(model, JSON.parse(JSON.stringify(plan)));
  expect(weightBits(again)).toEqual(weightBits(slim));
  release(again);
  const graph = dependencyGraph(model);
  const removed = removedBy(graph, plan);
  change(model, graph, removed, (axis) => axis.role === 'in', setZero);
  const expected = outputsFor(model, inputs);
  change(model, graph, removed, (axis) => axis.role !== 'in', addNoise);
  expectSame(outputsFor(model, inputs), expected);
  const outputs = outputsFor(slim, inputs);
  expectSame(outputs, expected);
  if (countRemoved(plan) > 0) expect(slim.countParams()).toBeLessThan(model.countParams());
  if (isLoadable) await expectSaved(slim, outputs, inputs);
  return slim;
}

/** Expects a model to be worth the same once it was saved and loaded. */
export async function expectSaved(
  model: tf.LayersModel,
  outputs: Float32Array[],
  inputs: tf.Tensor[],
): Promise<void> {
  const loaded = await savedAndLoaded(model);
  expect(outputsFor(loaded, inputs)).toEqual(outputs);
  release(loaded);
}

/** Expects a model to learn: a step changes its weights and gives a finite loss. */
export async function expectTrainable(model: tf.LayersModel, inputs: tf.Tensor[]): Promise<void> {
  const before = weightBits(model);
  model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
  const targets = model.outputs.map(({ shape }) => tf.zeros([2, ...shape.slice(1).map(Number)]));
  const loss = await model.trainOnBatch(inputs, targets);
  expect(Number.isFinite(loss)).toBe(true);
  const changed = weightBits(model).filter((bits, i) => `${bits}` !== `${before[i]}`);
  expect(changed.length).toBeGreaterThan(before.length / 2);
  tf.dispose(targets);
}

function removedBy({ groups }: ChannelGraph, plan: ChannelPlan): ReadonlySet<number> {
  const byId = new Map(groups.map((group) => [group.id, group.channels]));
  return new Set(plan.groups.flatMap(({ id, remove }) => remove.map((n) => byId.get(id)![n]!)));
}

/** A value of a weight where a channel goes. */
type Change = (values: tf.Tensor, isRemoved: tf.Tensor) => tf.Tensor;

const setZero: Change = (values, isRemoved) => tf.mul(values, tf.sub(1, isRemoved));

const addNoise: Change = (values, isRemoved) =>
  tf.add(values, tf.mul(isRemoved, tf.randomUniform(values.shape, 0.5, 1, 'float32', 3)));

function change(
  model: tf.LayersModel,
  { weights }: ChannelGraph,
  removed: ReadonlySet<number>,
  takes: (axis: WeightAxis) => boolean,
  become: Change,
): void {
  for (const each of weights.filter(takes)) {
    if (!each.channels.some((c) => removed.has(c))) continue;
    const slot = slotsOf(layerAt(model, each.layer)).find(({ name }) => name === each.weight);
    tf.tidy(() => {
      const variable = slot!.variable!;
      const isRemoved = Float32Array.from(each.channels, (c) => (removed.has(c) ? 1 : 0));
      const shape = variable.shape.map((_, i) => (i === each.axis ? isRemoved.length : 1));
      variable.assign(become(variable, tf.tensor(isRemoved, shape)));
    });
  }
}

function layerAt(model: tf.LayersModel, path: string): tf.layers.Layer {
  const [name, ...rest] = path.split('/');
  const layer = model.getLayer(name!);
  return rest.length === 0 ? layer : layerAt(modelWithin(layer)!, rest.join('/'));
}
