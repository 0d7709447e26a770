/**
 * The steps of tfjs's optimizers in one pass over each variable, which also leaves it in its place in the memory. tfjs makes
 * a tensor of every intermediate result, and Adam keeps all of them until it is done with the last variable. The
 * operations are tfjs's in their order, so that weights come out the same to the bit.
 */
import * as tf from '@tensorflow/tfjs';
import { peek } from '../../core/memory';
import { type Accumulator, type Gradients, updateEach } from './updates';

/** What is used of tfjs's optimizers, whose properties its types do not show. */
interface Sgd {
  /** The negative learning rate. */
  readonly c: tf.Scalar;
}

interface Momentum extends Sgd {
  readonly m: tf.Scalar;
  readonly useNesterov: boolean;
  readonly accumulations: Accumulator[];
}

interface Adam {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly accBeta1: tf.Variable;
  readonly accBeta2: tf.Variable;
  readonly accumulatedFirstMoment: Accumulator[];
  readonly accumulatedSecondMoment: Accumulator[];
}

const numberOf = (scalar: tf.Tensor): number => peek(scalar)[0]!;

function stepSgd(optimizer: Sgd, gradients: Gradients): boolean {
  const c = numberOf(optimizer.c);
  return updateEach(gradients, {}, ({ sgd }, { bytes, gradient, value }) =>
    sgd(gradient, value.from, value.to, bytes, c),
  );
}

function stepMomentum(optimizer: Momentum, gradients: Gradients): boolean {
  const { useNesterov, accumulations } = optimizer;
  const [c, momentum] = [numberOf(optimizer.c), numberOf(optimizer.m)];
  return updateEach(
    gradients,
    { momentum: accumulations },
    (kernels, { bytes, gradient, value, memories }) => {
      const [m] = memories;
      const kernel = useNesterov ? kernels.nesterov : kernels.momentum;
      kernel(gradient, m!.from, m!.to, value.from, value.to, bytes, c, momentum);
    },
  );
}

function stepAdam(optimizer: Adam, gradients: Gradients): boolean {
  const { learningRate, beta1, beta2, epsilon, accBeta1, accBeta2 } = optimizer;
  const bias1 = Math.fround(1 - numberOf(accBeta1));
  const bias2 = Math.fround(1 - numberOf(accBeta2));
  const lists = { m: optimizer.accumulatedFirstMoment, v: optimizer.accumulatedSecondMoment };
  const isDone = updateEach(gradients, lists, ({ adam }, { bytes, gradient, value, memories }) => {
    const [m, v] = memories;
    const places = [m!.from, m!.to, v!.from, v!.to, value.from, value.to] as const;
    const rates = [-learningRate, beta1, 1 - beta1, beta2, 1 - beta2, bias1, bias2, epsilon] as const;
    adam(gradient, ...places, bytes, ...rates);
  });
  if (!isDone) return false;
  tf.tidy(() => {
    accBeta1.assign(tf.mul(accBeta1, beta1));
    accBeta2.assign(tf.mul(accBeta2, beta2));
  });
  return true;
}

const fused = new WeakSet<object>();

/** Lets all optimizers of these classes, also those that there are already, take their steps in one pass on the wasm backend. */
export function fuseOptimizers(): void {
  // tfjs's classes have these properties, which its types hide.
  fuse(tf.SGDOptimizer.prototype, (optimizer, gradients) => stepSgd(optimizer as unknown as Sgd, gradients));
  fuse(tf.MomentumOptimizer.prototype, (optimizer, gradients) =>
    stepMomentum(optimizer as unknown as Momentum, gradients),
  );
  fuse(tf.AdamOptimizer.prototype, (optimizer, gradients) =>
    stepAdam(optimizer as unknown as Adam, gradients),
  );
}

/** @param step Takes a step if it can, and says whether it did. */
function fuse(
  prototype: tf.Optimizer,
  step: (optimizer: tf.Optimizer, gradients: Gradients) => boolean,
): void {
  const original = prototype.applyGradients;
  if (fused.has(original)) return;
  const applyGradients = function (this: tf.Optimizer, gradients: Gradients): void {
    if (!step(this, gradients)) original.call(this, gradients);
    // Only subclasses may count steps, as the types have it.
    else (this as unknown as { incrementIterations(): void }).incrementIterations();
  };
  fused.add(applyGradients);
  prototype.applyGradients = applyGradients;
}
