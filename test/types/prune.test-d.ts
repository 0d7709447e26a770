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
      | number
      | { readonly fraction: number; readonly count?: never }
      | { readonly count: number; readonly fraction?: never }
    >();
    expectTypeOf<prune.ResolvedAmount>().toExtend<prune.Amount>();
  });

  it('are neither text nor of both kinds', () => {
    // @ts-expect-error An amount is no text.
    prune.l1Unstructured(layer, 'weight', '20 %');
    // @ts-expect-error A fraction or a count.
    prune.l1Unstructured(layer, 'weight', { fraction: 0.2, count: 3 });
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
    expectTypeOf(prune.blockStructured(conv, 'weight', 0.2, { size: 8 })).toEqualTypeOf(conv);
    expectTypeOf(prune.semiStructured(conv, 'weight', 2, 4)).toEqualTypeOf(conv);
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

  it('prune blocks globally', () => {
    expectTypeOf(prune.globalBlockStructured(prune.parameters(model), 0.9)).toEqualTypeOf<void>();
    prune.globalBlockStructured(prune.parameters(model), 0.9, { size: 8, dim: 'out' });
    // @ts-expect-error A norm of blocks is a number.
    prune.globalBlockStructured(prune.parameters(model), 0.9, { n: 'fro' });
    // @ts-expect-error Blocks are no single entries.
    prune.globalUnstructured(prune.parameters(model), new prune.BlockStructured(0.9));
    // @ts-expect-error n and m are two arguments.
    prune.semiStructured(layer, 'weight', { n: 2, m: 4 });
  });

  it('prune globally by a class and an amount, by a class that takes none, or by an instance', () => {
    const list = prune.parameters(model);
    prune.globalUnstructured(list, new prune.L1Unstructured(0.5));
    prune.globalUnstructured(list, prune.Identity);
    // @ts-expect-error A class that is made from an amount needs one.
    prune.globalUnstructured(list, prune.L1Unstructured);
    // @ts-expect-error An instance has its amount.
    prune.globalUnstructured(list, new prune.L1Unstructured(0.5), { amount: 0.5 });
    // @ts-expect-error Channels of several parameters are not ranked together.
    prune.globalUnstructured(list, prune.RandomStructured, { amount: 0.5 });
    // @ts-expect-error Nor is a given mask ranked.
    prune.globalUnstructured(list, new prune.CustomFromMask(mask));
    // @ts-expect-error A function that prunes is no method.
    prune.globalUnstructured(list, prune.l1Unstructured, { amount: 0.5 });
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

describe('methods', () => {
  it('come back from apply as what they are, or as the container that they joined', () => {
    expectTypeOf(prune.L1Unstructured.apply(layer, 'weight', 0.5)).toEqualTypeOf<
      prune.L1Unstructured | prune.PruningContainer
    >();
    expectTypeOf(prune.CustomFromMask.apply(layer, 'weight', mask)).toEqualTypeOf<
      prune.CustomFromMask | prune.PruningContainer
    >();
    expectTypeOf(new prune.LnStructured(0.5, 2).applyTo(layer, 'weight')).toEqualTypeOf<
      prune.LnStructured | prune.PruningContainer
    >();
    // @ts-expect-error The mask of a CustomFromMask is a tensor or nested arrays.
    new prune.CustomFromMask({ bytes: new Uint8Array(3), layout: {} });
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
