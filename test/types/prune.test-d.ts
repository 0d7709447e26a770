// Checked by `npm run check`: tsc reports a type that is not as written here. Nothing runs.
import type * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { describe, expectTypeOf, it } from 'vitest';

declare const layer: tf.layers.Layer;
declare const model: tf.LayersModel;
declare const mask: tf.Tensor;

describe('amounts', () => {
  it('are a number, a fraction or a count', () => {
    expectTypeOf<prune.Amount>().toEqualTypeOf<
      number | { readonly fraction: number } | { readonly count: number }
    >();
  });

  it('are neither text nor of both kinds', () => {
    // @ts-expect-error An amount is no text.
    prune.l1Unstructured(layer, 'weight', '20 %');
    // @ts-expect-error An amount has to be given.
    prune.randomUnstructured(layer, 'weight');
  });
});

describe('the functions', () => {
  it('return the layer that they were given, of its own type', () => {
    const conv = layer as tf.layers.Layer & { readonly own: 'conv' };
    expectTypeOf(prune.identity(conv, 'weight')).toEqualTypeOf(conv);
    expectTypeOf(prune.randomUnstructured(conv, 'weight', 0.2)).toEqualTypeOf(conv);
    expectTypeOf(prune.l1Unstructured(conv, 'weight', { count: 1 })).toEqualTypeOf(conv);
    expectTypeOf(prune.randomStructured(conv, 'weight', 0.2, 0)).toEqualTypeOf(conv);
    expectTypeOf(prune.lnStructured(conv, 'weight', 0.2, 2, 'out')).toEqualTypeOf(conv);
    expectTypeOf(prune.customFromMask(conv, 'weight', mask)).toEqualTypeOf(conv);
    expectTypeOf(prune.remove(conv, 'weight')).toEqualTypeOf(conv);
    expectTypeOf(prune.revert(conv, 'weight')).toEqualTypeOf(conv);
  });

  it('take torch’s arguments in torch’s order', () => {
    expectTypeOf(prune.lnStructured).parameter(3).toEqualTypeOf<prune.NormOrder>();
    expectTypeOf(prune.lnStructured).parameter(4).toEqualTypeOf<prune.Dim>();
    // @ts-expect-error The axis is a number, 'out' or 'in'.
    prune.randomStructured(layer, 'weight', 0.2, 'rows');
  });

  it('prune a list of pairs globally, the one that parameters() makes', () => {
    expectTypeOf(prune.parameters(model)).toExtend<Parameters<typeof prune.globalUnstructured>[0]>();
    prune.globalUnstructured(prune.parameters(model), prune.L1Unstructured, { amount: 0.5 });
  });
});

describe('what can be asked', () => {
  it('is typed', () => {
    expectTypeOf(prune.parameter(layer, 'weight_mask')).toEqualTypeOf<tf.Tensor>();
    expectTypeOf(prune.isPruned(model)).toEqualTypeOf<boolean>();
    expectTypeOf(prune.sparsity(model)).toEqualTypeOf<prune.Sparsity>();
    expectTypeOf(prune.sparsity(layer, 'weight').zeros).toEqualTypeOf<number>();
    expectTypeOf(prune.methodOf(layer, 'weight')).toEqualTypeOf<prune.BasePruningMethod | undefined>();
  });
});

describe('errors', () => {
  it('are narrowed by the guard, kinds are listed', () => {
    const caught: unknown = new Error();
    if (prune.isPruneError(caught, 'amount')) expectTypeOf(caught).toEqualTypeOf<prune.PruneError>();
    expectTypeOf<prune.PruneError['kind']>().toEqualTypeOf<prune.PruneErrorKind>();
    // @ts-expect-error There is no such kind.
    prune.isPruneError(caught, 'amuont');
  });
});

describe('custom methods', () => {
  it('define computeMask over tensors', () => {
    class Own extends prune.BasePruningMethod {
      override readonly pruningType = 'unstructured';

      override computeMask(t: tf.Tensor, defaultMask: tf.Tensor): tf.Tensor {
        expectTypeOf(t).toEqualTypeOf<tf.Tensor>();
        return defaultMask;
      }
    }
    expectTypeOf<Own>().toExtend<prune.BasePruningMethod>();
    // @ts-expect-error There are three types of pruning.
    expectTypeOf<prune.PruningType>().toEqualTypeOf<'unstructured' | 'structured'>();
  });
});
