import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as prune from 'tfjs-prune';
import { flat } from '../support/layers';
import { bitsOf } from '../support/trace';

/** One pruning of the weight of a dense layer; `dim` is PyTorch's. */
export type Op =
  | { readonly kind: 'l1' | 'random'; readonly fraction: number; readonly seed: number }
  | {
      readonly kind: 'ln' | 'channels';
      readonly fraction: number;
      readonly dim: 0 | 1;
      readonly n: 1 | 2;
      readonly seed: number;
    }
  | { readonly kind: 'global'; readonly fraction: number; readonly seed: number }
  | { readonly kind: 'blocks'; readonly fraction: number; readonly size: number }
  | { readonly kind: 'semi'; readonly n: 1 | 2 }
  | { readonly kind: 'mask'; readonly seed: number }
  | { readonly kind: 'identity' };

const seed = fc.integer({ min: 0, max: 1000 });
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

/** Prunings of single entries. */
export const unstructured: fc.Arbitrary<Op> = fc.record({
  kind: fc.constantFrom('l1', 'random'),
  fraction,
  seed,
});
/** Prunings of every kind. */
export const anyOp: fc.Arbitrary<Op> = fc.oneof(
  unstructured,
  fc.record({
    kind: fc.constantFrom('ln', 'channels'),
    fraction,
    dim: fc.constantFrom(0, 1),
    n: fc.constantFrom(1, 2),
    seed,
  }),
  fc.record({ kind: fc.constant('global' as const), fraction, seed }),
  fc.record({ kind: fc.constant('blocks' as const), fraction, size: fc.integer({ min: 2, max: 4 }) }),
  fc.record({ kind: fc.constant('semi' as const), n: fc.constantFrom(1, 2) }),
  fc.record({ kind: fc.constant('mask' as const), seed }),
  fc.constant({ kind: 'identity' as const }),
);

/** Weights with many ties and both zeros, or any floats but NaN. */
const weight = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.5, -0.5, 2),
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }),
);

/** A dense layer's size and weight. */
export const network: fc.Arbitrary<Spec> = fc
  .record({ out: fc.integer({ min: 2, max: 6 }), inputs: fc.integer({ min: 2, max: 6 }) })
  .chain(({ out, inputs }) =>
    fc.record({
      out: fc.constant(out),
      inputs: fc.constant(inputs),
      values: fc.array(weight, { minLength: out * inputs, maxLength: out * inputs }),
    }),
  );

/** What a dense layer is made of; `values` in the order that tfjs stores. */
export interface Spec {
  readonly out: number;
  readonly inputs: number;
  readonly values: readonly number[];
}

/** A dense layer with these weights and a bias of ones. */
export function layerOf({ out, inputs, values }: Spec): tf.layers.Layer {
  const layer = tf.layers.dense({ units: out });
  tf.tidy(() => {
    layer.build([null, inputs]);
    layer.setWeights([tf.tensor2d(Float32Array.from(values), [inputs, out]), tf.ones([out])]);
  });
  return layer;
}

/** Prunes, under PyTorch's name or tfjs's. */
export function perform(layer: tf.layers.Layer, op: Op, name: 'weight' | 'kernel' = 'weight'): void {
  if ('seed' in op) prune.manualSeed(op.seed);
  const amount = 'fraction' in op ? { fraction: op.fraction } : 0;
  switch (op.kind) {
    case 'l1':
      prune.l1Unstructured(layer, name, amount);
      break;
    case 'random':
      prune.randomUnstructured(layer, name, amount);
      break;
    case 'ln':
      prune.lnStructured(layer, name, amount, op.n, name === 'weight' ? op.dim : 1 - op.dim);
      break;
    case 'channels':
      prune.randomStructured(layer, name, amount, name === 'weight' ? op.dim : 1 - op.dim);
      break;
    case 'global':
      prune.globalUnstructured(
        [
          [layer, name],
          [layer, 'bias'],
        ],
        prune.L1Unstructured,
        { amount },
      );
      break;
    case 'blocks':
      prune.blockStructured(layer, name, amount, { size: op.size });
      break;
    case 'semi':
      prune.semiStructured(layer, name, op.n, 4);
      break;
    case 'mask':
      tf.tidy(() => {
        const shape = prune.parameter(layer, name).shape;
        prune.customFromMask(
          layer,
          name,
          tf.cast(tf.greater(tf.randomUniform(shape, 0, 1, 'float32', op.seed), 0.3), 'int32'),
        );
      });
      break;
    case 'identity':
      prune.identity(layer, name);
  }
}

/** Frees the variables of a layer. */
export function release(layer: tf.layers.Layer): void {
  for (const variable of layer.weights) variable.dispose();
}

/** The bits of a parameter. */
export function bits(layer: tf.layers.Layer, name: string): Uint32Array {
  const tensor = prune.parameter(layer, name);
  const words = bitsOf(tensor);
  tensor.dispose();
  return words;
}

/** The mask of the weight; all ones where it is not pruned. */
export function maskOf(layer: tf.layers.Layer): number[] {
  return prune.methodOf(layer, 'weight') === undefined
    ? flat(layer, 'weight').map(() => 1)
    : flat(layer, 'weight_mask');
}
