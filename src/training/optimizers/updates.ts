/** What the steps of all optimizers have in common: which variables they change, and what is remembered of each. */
import * as tf from '@tensorflow/tfjs';
import { activeHeap, type Heap } from '../../wasm/heap';
import { type TrainingKernels, trainingKernelsNow } from '../../wasm/training-kernels';
import { addressOf, type Place, placeOf } from './places';

/** What tfjs hands an optimizer: gradients by the names of their variables, or in a list. */
export type Gradients = Parameters<tf.Optimizer['applyGradients']>[0];

/** What an optimizer of tfjs remembers of a variable. */
export interface Accumulator {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

/** The lists in which an optimizer remembers, by what tfjs appends to a variable's name. */
export type Memories = Readonly<Record<string, Accumulator[]>>;

/** Where a variable, its gradient and what is remembered of it are. */
export interface Update {
  readonly bytes: number;
  readonly gradient: number;
  readonly value: Place;
  /** In the order of the memories. */
  readonly memories: readonly Place[];
}

interface Given {
  readonly value: tf.Variable;
  readonly gradient: tf.Tensor | null | undefined;
}

/**
 * Updates every variable that has a gradient, in one pass over each.
 *
 * @param gradients What the optimizer was given.
 * @param memories Lists to which is added what is not remembered yet, zeros at first.
 * @param update Computes new values from old ones; it must make no tensors.
 * @returns Whether it was done; nothing has changed otherwise, where there are no kernels or variables are not float32.
 */
export function updateEach(
  gradients: Gradients,
  memories: Memories,
  update: (kernels: TrainingKernels, update: Update) => void,
): boolean {
  const heap = activeHeap();
  const kernels = heap && trainingKernelsNow(heap);
  if (heap === undefined || kernels === undefined || tf.engine().state.gradientDepth > 0) return false;
  const given = givenOf(gradients);
  const lists = Object.entries(memories);
  const isTaken = ({ value, gradient }: Given, i: number): boolean =>
    value?.dtype === 'float32' &&
    [gradient ?? value, ...lists.map(([, list]) => list[i]?.variable ?? value)].every(
      ({ dtype, shape }) => dtype === 'float32' && tf.util.arraysEqual(shape, value.shape),
    );
  if (!given.every(isTaken)) return false;
  for (const [i, { value, gradient }] of given.entries()) {
    const remembered = lists.map(([suffix, list]) => remember(list, i, suffix, value));
    if (gradient && value.size > 0) updateOne(heap, kernels, value, gradient, remembered, update);
  }
  return true;
}

function givenOf(gradients: Gradients): Given[] {
  const list = Array.isArray(gradients)
    ? gradients.map(({ name, tensor }) => [name, tensor] as const)
    : Object.entries(gradients);
  const { registeredVariables } = tf.engine();
  // A variable that has been disposed is no longer registered; tfjs's own step then says so.
  return list.map(([name, gradient]) => ({ value: registeredVariables[name] as tf.Variable, gradient }));
}

function remember(list: Accumulator[], i: number, suffix: string, value: tf.Variable): tf.Variable {
  list[i] ??= {
    originalName: `${value.name}/${suffix}`,
    variable: tf.tidy(() => tf.zerosLike(value).variable(false)),
  };
  return list[i].variable;
}

function updateOne(
  heap: Heap,
  kernels: TrainingKernels,
  variable: tf.Variable,
  gradient: tf.Tensor,
  remembered: readonly tf.Variable[],
  update: (kernels: TrainingKernels, update: Update) => void,
): void {
  const memories = remembered.map((each) => placeOf(heap, each));
  const value = placeOf(heap, variable);
  update(kernels, { bytes: 4 * variable.size, gradient: addressOf(heap, gradient), value, memories });
  for (const place of [...memories, value]) place.commit();
}
