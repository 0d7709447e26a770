import type * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';

/** How many output channels make a block; the sparse kernels take 8 and 16. */
const BLOCK = 8;

/** What is pruned: pairs of layer and name. */
export type Weights = ReadonlyArray<prune.NamedParameter<tf.layers.Layer>>;

/** Prunes weights to a sparsity: the share that is zero. */
type Method = (weights: Weights, sparsity: number) => void;

function eachLayer(prunes: (layer: tf.layers.Layer, name: string, amount: number) => void): Method {
  return (weights, sparsity) => {
    for (const [layer, name] of weights) prunes(layer, name, sparsity);
  };
}

function globalL1(weights: Weights, amount: number): void {
  prune.globalUnstructured(weights, prune.L1Unstructured, { amount });
}

/** How the weights are chosen that go, all at once. */
export const METHODS = {
  random: eachLayer((layer, name, amount) => prune.randomUnstructured(layer, name, amount)),
  l1: eachLayer((layer, name, amount) => prune.l1Unstructured(layer, name, amount)),
  // The channels of the last layer are the classes.
  ln: eachLayer((layer, name, amount) => {
    if (layer.getClassName() !== 'Dense') prune.lnStructured(layer, name, amount, 2, 'out');
  }),
  global: globalL1,
  block: (weights, amount) => prune.globalBlockStructured(weights, amount, { size: BLOCK }),
} as const satisfies Readonly<Record<string, Method>>;

/** One of {@link METHODS}. */
export type OneShot = keyof typeof METHODS;

/** The same, or the global one step by step while the network is fine-tuned. */
export type MethodName = OneShot | 'scheduled';

/** What the methods are called in the table and in the picture. */
export const TITLES: Readonly<Record<MethodName, string>> = {
  random: 'random, each layer',
  l1: 'L1, each layer',
  ln: 'channels by L2, each layer',
  global: 'L1, global',
  block: `blocks of ${BLOCK}, global`,
  scheduled: 'L1, global, scheduled',
};

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(TITLES, name);
}
