// Checked by `npm run check`, as prune.test-d.ts.
import type * as tf from '@tensorflow/tfjs';
import {
  type Acceleration,
  accelerate,
  foldBatchNorm,
  type LayerReport,
  type OptimizedModel,
  optimizeForInference,
} from 'tfjs-prune/sparse';
import { describe, expectTypeOf, it } from 'vitest';

declare const model: tf.LayersModel;
declare const layer: tf.layers.Layer;
declare const graph: tf.GraphModel;

describe('tfjs-prune/sparse', () => {
  it('accelerates models and layers, and gives what is to be disposed', () => {
    expectTypeOf(accelerate(model, { measure: true })).toEqualTypeOf<Promise<Acceleration>>();
    expectTypeOf(accelerate(layer)).toEqualTypeOf<Promise<Acceleration>>();
    expectTypeOf<Acceleration>().toExtend<Disposable>();
    expectTypeOf<Acceleration['layers']>().toEqualTypeOf<readonly LayerReport[]>();
    expectTypeOf<LayerReport['runs']>().toEqualTypeOf<'values' | 'blocks' | 'dense'>();
  });

  it('takes no GraphModel and no option that there is not', () => {
    // @ts-expect-error A GraphModel does not tell its kernels.
    accelerate(graph);
    // @ts-expect-error It is called strict.
    accelerate(model, { stict: true });
    // @ts-expect-error True or false.
    accelerate(model, { strict: 'yes' });
  });

  it('gives new models', () => {
    expectTypeOf(foldBatchNorm(model)).toEqualTypeOf<tf.LayersModel>();
    expectTypeOf(optimizeForInference(model)).toEqualTypeOf<Promise<OptimizedModel>>();
    expectTypeOf<OptimizedModel['model']>().toEqualTypeOf<tf.LayersModel>();
    expectTypeOf<OptimizedModel['handle']>().toEqualTypeOf<Acceleration>();
  });
});
