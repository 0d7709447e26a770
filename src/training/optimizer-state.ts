/**
 * What an optimizer remembers from step to step. tfjs's own getWeights and setWeights do not do: Adamax has none, and
 * Adam's restore β^t by a power, which is not to the bit what the steps have multiplied up to.
 */
import * as tf from '@tensorflow/tfjs';
import { PruneError, shown } from '../errors';
import { refused } from './refusal';

/** A variable of an optimizer. */
export interface OptimizerVariable {
  /** The optimizer's own property that holds it. */
  readonly property: string;
  /** Its place in that property, where that is a list; null for a single variable. */
  readonly index: number | null;
  /** tfjs's name for it. */
  readonly name: string;
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its values, row-major; not to be changed. */
  readonly values: Float32Array;
}

/** All that an optimizer remembers; its learning rate and other settings are yours to keep. */
export interface OptimizerState {
  /** tfjs's name of the class, such as `Adam`. */
  readonly className: string;
  /** How many steps it has made. */
  readonly iterations: number;
  /** Moments and other variables. */
  readonly variables: readonly OptimizerVariable[];
}

interface Accumulator {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

function isAccumulator(value: unknown): value is Accumulator {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'variable') instanceof tf.Variable;
}

/**
 * Copies what an optimizer remembers: every variable that it has, whichever the optimizer.
 *
 * @param optimizer Any of tfjs's, such as `model.optimizer`.
 * @returns Copies on the host.
 * @example
 * ```ts
 * const state = optimizerState(model.optimizer);
 * ```
 */
export function optimizerState(optimizer: tf.Optimizer): OptimizerState {
  const variables = Object.entries(optimizer).flatMap(([property, value]): OptimizerVariable[] => {
    const copied = (index: number | null, name: string, variable: tf.Variable): OptimizerVariable => ({
      property,
      index,
      name,
      shape: variable.shape,
      values: variable.dataSync<'float32'>().slice(),
    });
    if (value instanceof tf.Variable) return [copied(null, property, value)];
    if (!Array.isArray(value)) return [];
    return value.flatMap((each, index) =>
      isAccumulator(each) ? [copied(index, each.originalName, each.variable)] : [],
    );
  });
  return { className: optimizer.getClassName(), iterations: optimizer.iterations, variables };
}

/**
 * Makes an optimizer remember what another of its class did, so that its next step is that one's to the bit.
 *
 * @param optimizer One that was made with the same settings, for the same variables in the same order.
 * @param state What {@link optimizerState} gave.
 * @throws {@link PruneError} `argument` for what is no such state or one of another class, with nothing changed.
 * @example
 * ```ts
 * model.compile({ optimizer: tf.train.adam(1e-3), loss });
 * restoreOptimizer(model.optimizer, state);
 * ```
 */
export function restoreOptimizer(optimizer: tf.Optimizer, state: OptimizerState): void {
  checkState(optimizer, state);
  forget(optimizer);
  for (const { property, index, name, shape, values } of state.variables) {
    tf.tidy(() => {
      const tensor = tf.tensor(values.slice(), [...shape]);
      const held: unknown = Reflect.get(optimizer, property);
      if (index === null && held instanceof tf.Variable) held.assign(tensor);
      else if (index !== null && Array.isArray(held)) {
        held[index] = { originalName: name, variable: tensor.variable(false) };
      }
    });
  }
  // A getter of the base class reads this field; there is no setter.
  Reflect.set(optimizer, 'iterations_', state.iterations);
}

function checkState(optimizer: tf.Optimizer, state: unknown): void {
  const { variables, iterations, className: given } = Object(state) as Partial<Record<string, unknown>>; // anything may be given
  const isCount = Number.isSafeInteger(iterations) && Number(iterations) >= 0;
  if (!Array.isArray(variables) || !isCount) throw refused('state', state, 'what optimizerState() gave');
  const className = optimizer.getClassName();
  if (given !== className) {
    const message = `The state is one of ${shown(given)}, but the optimizer is ${className}.`;
    throw new PruneError('argument', message, { given, allowed: className });
  }
  for (const [i, variable] of variables.entries()) {
    if (fits(optimizer, variable)) continue;
    throw refused(`state.variables[${i}]`, variable, `a variable of ${className} with its values`);
  }
}

/** Whether a variable can be put where it says that it belongs. */
function fits(optimizer: tf.Optimizer, variable: unknown): boolean {
  const { property, index, name, shape, values } = Object(variable) as Partial<Record<string, unknown>>;
  if (typeof property !== 'string' || !Object.hasOwn(optimizer, property)) return false;
  const held: unknown = Reflect.get(optimizer, property);
  const isAnArray = Array.isArray(shape) && values instanceof Float32Array;
  if (typeof name !== 'string' || !isAnArray || tf.util.sizeFromShape(shape) !== values.length) return false;
  if (index === null) return held instanceof tf.Variable && tf.util.arraysEqual(held.shape, shape);
  return Number.isSafeInteger(index) && Number(index) >= 0 && Array.isArray(held);
}

function forget(optimizer: tf.Optimizer): void {
  for (const value of Object.values(optimizer)) {
    if (!Array.isArray(value) || !value.every(isAccumulator)) continue;
    for (const { variable } of value) variable.dispose();
    value.length = 0;
  }
}

/**
 * An optimizer for a record.
 *
 * @param optimizer Any of tfjs's.
 * @returns Its class and settings, such as `Momentum (learningRate 0.01, momentum 0.9, useNesterov false)`.
 */
export function describeOptimizer(optimizer: tf.Optimizer): string {
  const settings = Object.entries(optimizer.getConfig()).map(([name, value]) => `${name} ${String(value)}`);
  return `${optimizer.getClassName()} (${settings.join(', ')})`;
}
