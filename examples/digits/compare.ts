import type * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { Experiment, PruningCallback, PruningSchedule, polynomialSchedule } from 'tfjs-prune/training';
import { loadStateDict, type StateDict } from 'tfjs-prune/weights';
import { type Digits, imagesOf, someOf } from './data';
import { accuracyOf, stepsPerEpoch, trainNetwork } from './fit';
import { latencyOf, storedBytes } from './measure';
import { METHODS, type MethodName, TITLES, type Weights } from './methods';
import { resnet8 } from './network';
import type { Measured, Pruned } from './results';

const LEARNING_RATE = 0.05;
/** Digits in a batch whose prediction is timed, and how often it is. */
export const TIMED = 32;
const ROUNDS = 15;

/** What every network of a table is trained and measured with. */
export interface Setting {
  /** The weights of the dense network. */
  readonly weights: StateDict;
  readonly training: Digits;
  readonly test: Digits;
  readonly epochs: number;
  readonly seed: number;
}

/** The dense network. The caller disposes it. */
export function denseNetwork({ weights }: Setting): tf.LayersModel {
  const model = resnet8(0);
  loadStateDict(model, weights);
  return model;
}

/** Measures a network as it is. */
export async function measure(model: tf.LayersModel, { test }: Setting): Promise<Measured> {
  const images = imagesOf(someOf(test, TIMED));
  try {
    const latency = await latencyOf(model, images, ROUNDS);
    const { sparsity } = prune.sparsity(model);
    return { sparsity, accuracy: accuracyOf(model, test), bytes: await storedBytes(model), latency };
  } finally {
    images.dispose();
  }
}

/** A network that was pruned and fine-tuned. */
export interface Outcome {
  /** The network, which has its record in its metadata; the caller disposes it. */
  readonly model: tf.LayersModel;
  readonly result: Pruned;
}

/**
 * Prunes the dense network, at once or step by step, fine-tunes it with the masks in place, and measures what comes out.
 *
 * @param asked The sparsity.
 * @param dense The accuracy of the dense network.
 */
export async function pruneAndMeasure(
  method: MethodName,
  asked: number,
  dense: number,
  setting: Setting,
): Promise<Outcome> {
  const model = denseNetwork(setting);
  const { training, test, epochs, seed } = setting;
  const weights = prune.parameters(model);
  prune.manualSeed(seed);
  if (method !== 'scheduled') METHODS[method](weights, asked);
  const before = method === 'scheduled' ? undefined : accuracyOf(model, test);
  const callbacks =
    method === 'scheduled' ? [scheduled(weights, asked, epochs * stepsPerEpoch(training))] : [];
  const steps = await trainNetwork(model, training, { epochs, learningRate: LEARNING_RATE, seed, callbacks });
  const measured = await measure(model, setting);
  const experiment = new Experiment({ name: model.name, accuracy: dense });
  experiment.addPruning({
    method: TITLES[method],
    parameters: weights.map(([layer, name]) => `${layer.name}.${name}`),
    amount: { fraction: asked },
    sparsity: measured.sparsity,
  });
  experiment.addFinetuning({
    epochs,
    steps,
    optimiser: `SGD with momentum 0.9, learning rate ${LEARNING_RATE} falling to 0`,
    before: { accuracy: before },
    after: { accuracy: measured.accuracy },
  });
  experiment.attachTo(model);
  return { model, result: { method, asked, ...(before === undefined ? {} : { before }), ...measured } };
}

/** Prunes globally by L1 through the first half of the steps, so that the second half can heal. */
function scheduled(weights: Weights, finalSparsity: number, steps: number): PruningCallback {
  const frequency = Math.max(1, Math.floor(steps / 20));
  const end = Math.max(1, Math.floor(steps / 2));
  const schedule = polynomialSchedule({ finalSparsity, end, frequency });
  return new PruningCallback(
    new PruningSchedule(weights, { schedule, method: prune.L1Unstructured, scope: 'global' }),
  );
}
