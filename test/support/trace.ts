import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { expect } from 'vitest';

/** What a call that fails must leave alone: everything that one can ask about a parameter. */
interface ParameterState {
  readonly name: string;
  readonly effective: Uint32Array;
  readonly orig: Uint32Array | undefined;
  readonly mask: Uint32Array | undefined;
  readonly method: unknown;
  readonly history: readonly unknown[];
}

/** The elements of a tensor as bits, so that −0 and 0, and two NaNs, are told apart. */
export function bitsOf(tensor: tf.Tensor): Uint32Array {
  return new Uint32Array(Float32Array.from(tensor.dataSync()).buffer);
}

function parameterBits(layer: object, name: string): Uint32Array {
  const tensor = prune.parameter(layer, name);
  const bits = bitsOf(tensor);
  tensor.dispose();
  return bits;
}

function stateOf(layer: object, name: string): ParameterState {
  const method = prune.methodOf(layer, name);
  const pruned = method !== undefined;
  return {
    name,
    effective: parameterBits(layer, name),
    orig: pruned ? parameterBits(layer, `${name}_orig`) : undefined,
    mask: pruned ? parameterBits(layer, `${name}_mask`) : undefined,
    method,
    history: method instanceof prune.PruningContainer ? [...method] : [],
  };
}

function storedBits(layer: object): Uint32Array[] {
  if (layer instanceof tf.layers.Layer) return layer.weights.map((weight) => bitsOf(weight.read()));
  return Object.values(layer)
    .filter((value) => value instanceof tf.Variable)
    .map(bitsOf);
}

/** A parameter: the layer and the name. */
export type Parameter = readonly [layer: object, name: string];

/**
 * Runs a call that must fail and checks that nothing at all has changed: stored values bit for bit, orig, mask,
 * history, `isPruned`, the number of tensors.
 *
 * @param parameters What the call could have touched.
 * @param call The call.
 * @returns What it threw.
 */
export function thrownWithoutTrace(parameters: readonly Parameter[], call: () => unknown): unknown {
  const look = () => ({
    stored: parameters.map(([layer]) => storedBits(layer)),
    pruned: parameters.map(([layer]) => prune.isPruned(layer)),
    states: parameters.map(([layer, name]) => stateOf(layer, name)),
  });
  const before = look();
  const tensors = tf.memory().numTensors;
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, 'the call should have failed').toBeDefined();
  expect(tf.memory().numTensors, 'tensors left behind').toBe(tensors);
  const after = look();
  expect(after.stored).toEqual(before.stored);
  expect(after.pruned).toEqual(before.pruned);
  for (const [i, state] of after.states.entries()) {
    const { method, history, ...values } = before.states[i]!;
    expect(state).toMatchObject(values);
    expect(state.method).toBe(method);
    expect(state.history).toHaveLength(history.length);
    for (const [j, link] of state.history.entries()) expect(link).toBe(history[j]);
  }
  return thrown;
}

/**
 * Checks that a call throws a PruneError of a kind, that its message says what it should, and that it leaves no trace.
 *
 * @param parameters What the call could have touched.
 * @param call The call.
 * @param kind The kind of error.
 * @param says What the message must contain.
 * @returns The error.
 */
export function expectRefused(
  parameters: readonly Parameter[],
  call: () => unknown,
  kind: prune.PruneErrorKind,
  ...says: readonly (string | RegExp)[]
): prune.PruneError {
  const error = thrownWithoutTrace(parameters, call);
  if (!prune.isPruneError(error)) throw error;
  expect(error.kind, error.message).toBe(kind);
  for (const part of says) expect(error.message).toMatch(part);
  return error;
}
